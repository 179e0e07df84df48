"""Generates whole projects: several files, `include`, `extends`, overrides, tags, profiles, `.env`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from tests.support.compose_projects.services import (
    ENV_FILES,
    ENVIRONMENT,
    FILES,
    LABELS,
    NETWORK_OPTIONS,
    NETWORKS,
    PRE_START,
    SIMPLE,
    VOLUMES,
    distinct,
    keys,
    one,
)
from tests.support.compose_projects.texts import env_files
from tests.support.compose_projects.yaml_text import MergeKey, Tagged, to_yaml

IMAGES: Final = one(
    "busybox", "busybox:1.36", "library/nginx:${UNSET:-1.25}", "localhost:5000/a/b:c", "alpine:${UNSET:-3}"
)
NAMES: Final = ("web", "db", "cache-1", "job.a")
PROFILES: Final = ("debug", "extra")
_MOST_KEYS: Final = 7
_TAGGED: Final = frozenset(
    {"environment", "labels", "ports", "volumes", "command", "dns", "healthcheck", "deploy", "networks"}
)


@dataclass
class Project:
    """A generated project.

    Attributes:
        files: its files, by path below its folder.
        arguments: names of the Compose files to read; none for those that Compose finds.
        profiles: the profiles to enable.
        jobs: whether it has keys that only Compose 5 knows.
    """

    files: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    newest: bool = False

    def write(self, folder: Path) -> None:
        """Write the files."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

    def __repr__(self) -> str:
        """Show the project as hypothesis reports it."""
        parts = [f"--- {name}\n{text}" for name, text in self.files.items()]
        return "\n".join([f"arguments={self.arguments} profiles={self.profiles}", *parts])


@st.composite
def _service(draw: st.DrawFn, newest: bool = False) -> dict[str, Any]:
    service: dict[str, Any] = {}
    chosen = draw(st.lists(st.sampled_from(sorted(SIMPLE)), unique=True, max_size=_MOST_KEYS))
    for key in chosen:
        service[key] = draw(SIMPLE[key])
    if newest and draw(st.integers(0, 9)) == 0:
        service["pre_start"] = draw(PRE_START)
    return _without_conflicts(service)


def _without_conflicts(service: dict[str, Any]) -> dict[str, Any]:
    """Drop keys that Compose refuses beside others, and files that it does not read for hooks."""
    if "pre_start" in service:
        for key in ("env_file", "label_file"):
            service.pop(key, None)
    deploy = service.get("deploy") or {}
    limits = (deploy.get("resources") or {}).get("limits") or {}
    reservations = (deploy.get("resources") or {}).get("reservations") or {}
    if "replicas" in deploy:
        service.pop("scale", None)
    for key, other in (("mem_limit", "memory"), ("cpus", "cpus"), ("pids_limit", "pids")):
        if other in limits:
            service.pop(key, None)
    if "memory" in reservations:
        service.pop("mem_reservation", None)
    return service


@st.composite
def _relations(draw: st.DrawFn, service: dict[str, Any], earlier: list[str]) -> None:
    """Add keys that name other services, networks and profiles."""
    kind = draw(st.integers(0, 9))
    if kind < 4:
        service["networks"] = draw(
            st.one_of(
                distinct(one(*NETWORKS), least=1),
                st.dictionaries(one(*NETWORKS), NETWORK_OPTIONS, min_size=1, max_size=2),
            )
        )
        service.pop("mac_address", None)
    elif kind == 4:
        modes = ["host", "none", *(f"service:{name}" for name in earlier)]
        service["network_mode"] = draw(st.sampled_from(modes))
        for key in ("ports", "mac_address", "links", "external_links"):
            service.pop(key, None)
    needs_some = draw(st.booleans())
    if earlier and needs_some:
        conditions = keys(
            {"condition": one("service_started", "service_healthy", "service_completed_successfully")},
            restart=st.booleans(),
            required=st.booleans(),
        )
        names = st.sampled_from(earlier)
        service["depends_on"] = draw(
            st.one_of(
                st.lists(names, unique=True, min_size=1), st.dictionaries(names, conditions, min_size=1)
            )
        )
    if earlier and draw(st.integers(0, 7)) == 0:
        service["volumes_from"] = [draw(st.sampled_from(earlier)) + draw(one("", ":ro"))]
    if earlier and draw(st.integers(0, 7)) == 0:
        service["ipc"] = f"service:{draw(st.sampled_from(earlier))}"
    if earlier and draw(st.integers(0, 7)) == 0 and "network_mode" not in service:
        service["links"] = [draw(st.sampled_from(earlier)) + draw(one("", ":alias"))]
    if draw(st.integers(0, 9)) == 0 and service.get("scale", 1) == 1 and "deploy" not in service:
        service["container_name"] = draw(one("box-1", "box_${UNSET:-2}")) + str(len(earlier))


_NETWORK: Final = st.one_of(
    st.none(),
    keys(
        {},
        driver=one("bridge", "overlay"),
        driver_opts=one({"com.docker.network.bridge.name": "br0", "n": 1}),
        attachable=st.booleans(),
        enable_ipv6=st.booleans(),
        enable_ipv4=st.booleans(),
        internal=st.booleans(),
        labels=LABELS,
        name=one("net-name", "${UNSET:-n}-net"),
        ipam=keys(
            {},
            driver=one("default"),
            options=one({"foo": "bar"}),
            config=one(
                [{"subnet": "172.28.0.0/16", "ip_range": "172.28.5.0/24", "gateway": "172.28.5.254"}],
                [{"subnet": "10.1.0.0/16", "aux_addresses": {"host1": "10.1.1.5"}}],
            ),
        ),
    ),
    one({"external": True}, {"external": True, "name": "outside"}),
)
_VOLUME: Final = st.one_of(
    st.none(),
    keys(
        {},
        driver=one("local"),
        driver_opts=one({"type": "nfs", "o": "addr=10.0.0.1", "device": ":/x"}),
        labels=LABELS,
        name=one("volume-name", "${UNSET:-v}_data"),
    ),
    one({"external": True}, {"external": True, "name": "outside"}),
)
_CONFIG: Final = st.one_of(
    keys({"file": one("./conf/app.conf", "conf/app.conf")}, name=one("c-name"), labels=LABELS),
    keys({"content": one("text", "a=${UNSET:-1}\nb=$$2\n", "ALPHA ${ALPHA}")}),
    one({"environment": "ALPHA"}),
)
_SECRET: Final = st.one_of(
    keys({"file": one("./secret.txt", "conf/../secret.txt")}, name=one("s-name"), labels=LABELS),
    one({"environment": "ALPHA"}),
)


@st.composite
def _profiles(draw: st.DrawFn, services: Mapping[str, dict[str, Any]]) -> None:
    """Give profiles to services that no other one needs, and now and then to others."""
    relations = ("depends_on", "volumes_from", "ipc", "network_mode", "links")
    needed = json.dumps([service.get(key) for service in services.values() for key in relations])
    for name, service in list(services.items())[1:]:
        if draw(st.integers(0, 2)) == 0 and (name not in needed or draw(st.integers(0, 9)) == 0):
            service["profiles"] = draw(distinct(one(*PROFILES), least=1))


@st.composite
def _document(draw: st.DrawFn, project: Project) -> dict[str, Any]:
    """Draw the main document."""
    document: dict[str, Any] = {}
    if draw(st.booleans()):
        document["name"] = draw(one("shop", "shop-${UNSET:-1}", "a_b"))
    if draw(st.integers(0, 9)) == 0:
        document["version"] = "3.8"
    services: dict[str, Any] = {}
    for name in NAMES[: draw(st.integers(1, len(NAMES)))]:
        service = draw(_service(project.newest))
        draw(_relations(service, list(services)))
        if "build" not in service or draw(st.booleans()):
            service["image"] = draw(IMAGES)
        services[name] = service
    document["services"] = services
    draw(_profiles(services))
    document["networks"] = {name: draw(_NETWORK) for name in NETWORKS}
    document["volumes"] = {name: draw(_VOLUME) for name in VOLUMES}
    document["configs"] = {name: draw(_CONFIG) for name in FILES}
    document["secrets"] = {name: draw(_SECRET) for name in FILES}
    if draw(st.integers(0, 5)) == 0:
        document["x-own"] = {"any": ["thing", {"$$x": 1}], "text": "${UNSET:-y}"}
    return document


@st.composite
def _extended(draw: st.DrawFn, project: Project, document: dict[str, Any]) -> None:
    """Let services extend others, of this file or of another one in a folder of its own."""
    for name, service in document["services"].items():
        if draw(st.integers(0, 5)):
            continue
        base = draw(_service())
        base["image"] = draw(IMAGES)
        if "pre_start" in service:
            base.pop("env_file", None)
            base.pop("label_file", None)
        if draw(st.booleans()):
            for key in ("configs", "secrets"):
                base.pop(key, None)
            base.pop("env_file", None)
            base.pop("label_file", None)
            project.files["bases/base.yaml"] = to_yaml({"services": {"base": base}})
            service["extends"] = {"file": "bases/base.yaml", "service": "base"}
            if draw(st.booleans()):
                service.pop("image", None)
        elif name != "base":
            document["services"] = {**document["services"], "base": base}
            service["extends"] = draw(one("base", {"service": "base"}))
        _without_conflicts(service)
        return


@st.composite
def _fragments(draw: st.DrawFn, document: dict[str, Any]) -> None:
    """Share parts between services with anchors and merge keys."""
    if draw(st.integers(0, 3)):
        return
    common = {"restart": "always", "labels": {"shared": "${UNSET:-yes}"}}
    document["x-common"] = common
    for service in document["services"].values():
        if draw(st.booleans()):
            service[MergeKey()] = common


@st.composite
def _override(draw: st.DrawFn, document: Mapping[str, Any]) -> dict[str, Any]:
    """Draw a second document, which is merged into the first one."""
    services: dict[str, Any] = {}
    for name, service in document["services"].items():
        if draw(st.booleans()):
            continue
        over = draw(_service())
        if "pre_start" in service:
            over.pop("env_file", None)
            over.pop("label_file", None)
        for key in [key for key in over if key in _TAGGED and draw(st.integers(0, 3)) == 0]:
            over[key] = Tagged("!override", over[key])
        for key in [key for key in service if key in _TAGGED and key not in over]:
            if draw(st.integers(0, 4)):
                continue
            over[key] = Tagged("!reset", draw(one(None, [])))
        for key in ("mem_limit", "cpus", "pids_limit", "mem_reservation", "scale", "deploy"):
            over.pop(key, None)
        services[name] = over
    return {"services": services}


@st.composite
def _included(draw: st.DrawFn, project: Project, document: dict[str, Any]) -> None:
    """Include a project in a folder, with its own `.env`."""
    if draw(st.integers(0, 4)):
        return
    inner = draw(_service())
    for key in ("configs", "secrets", "env_file", "label_file"):
        inner.pop(key, None)
    inner["image"] = draw(IMAGES)
    inner["environment"] = draw(ENVIRONMENT)
    inner["volumes"] = ["./here:/here", "inner:/inner"]
    project.files["part/compose.yaml"] = to_yaml({"services": {"inner": inner}, "volumes": {"inner": None}})
    if draw(st.booleans()):
        project.files["part/.env"] = draw(env_files(("ALPHA", "gamma")))
    document["include"] = [
        draw(
            one(
                "part/compose.yaml",
                {"path": "./part/compose.yaml"},
                {"path": ["part/compose.yaml"], "project_directory": "."},
                {"path": "part/compose.yaml", "env_file": "one.env"},
            )
        )
    ]


@st.composite
def projects(draw: st.DrawFn, *, newest: bool = True) -> Project:
    """Draw a project that Compose reads, unless what is drawn together happens to contradict itself."""
    project = Project(newest=newest)
    project.files |= {
        "conf/app.conf": "setting = 1\n",
        "conf.d/a.conf": "a\n",
        "secret.txt": "hidden\n",
        "Dockerfile": "FROM busybox\n",
        "one.labels": "from.file=1\nKEY=${UNSET:-label}\n",
    }
    for name in ENV_FILES:
        project.files[name] = draw(env_files(("ALPHA", "KEY", "FROM_FILE")))
    if draw(st.integers(0, 11)):
        project.files[".env"] = draw(env_files())
        if draw(st.integers(0, 5)) == 0:
            setting = draw(one("COMPOSE_PROFILES=debug", "COMPOSE_PROJECT_NAME=from-env"))
            project.files[".env"] += f"\n{setting}\n"
    document = draw(_document(project))
    draw(_extended(project, document))
    draw(_included(project, document))
    draw(_fragments(document))
    main = draw(one("compose.yaml", "compose.yaml", "compose.yml", "docker-compose.yml"))
    as_json = draw(st.integers(0, 9)) == 0 and MergeKey() not in _all_keys(document)
    flow = draw(st.integers(0, 9)) == 0
    project.files[main] = json.dumps(document) if as_json else to_yaml(document, flow=flow)
    if draw(st.integers(0, 2)) == 0:
        override = to_yaml(draw(_override(document)))
        if draw(st.booleans()):
            project.files[main.replace(".y", ".override.y")] = override
        else:
            project.files["more.yaml"] = override
            project.arguments = (main, "more.yaml")
    known = [profile for profile in PROFILES if profile in json.dumps(_profiles_of(document))]
    project.profiles = draw(st.sampled_from([(), (), tuple(known), ("*",)]))
    return project


def _profiles_of(document: Mapping[str, Any]) -> list[Any]:
    return [service.get("profiles") for service in document["services"].values()]


def _all_keys(document: Mapping[str, Any]) -> set[Any]:
    return {key for service in document["services"].values() for key in service}
