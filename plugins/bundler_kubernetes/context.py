"""What all parts of the mapping read: the application, its names, and what was found so far."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from bundler.api.application import ApplicationModel, ConfigFile
from bundler.api.compose import Service, dependencies, running
from bundler.api.output import ImageFacts, PinnedService
from bundler.language import tr
from bundler_kubernetes.names import LONGEST, object_name, release_label
from bundler_kubernetes.objects import Body, Checksum, ImageName, KubeObject, Setting, SettingKind, Stage
from bundler_kubernetes.problems import Findings
from bundler_kubernetes.text import SiteText, Text, names_in, parse

PREFIX: Final = "app.kubernetes.io"
NETWORK: Final = "networks.bundle"
"""Prefix of the labels that say on which networks a pod is."""
SINGLE: Final = "x-bundle-single"
"""Extension of a service: whether two of its pods at a time would do harm."""
AUTOSCALING: Final = "x-bundle-autoscaling"
"""Extension of a service: between which numbers of pods an autoscaler chooses, and by which use of CPU."""


@dataclass(frozen=True)
class Workload:
    """A service that is mapped.

    Attributes:
        service: as the core reads it.
        entry: its entry of the Compose document.
        name: of its objects.
        image: as it is pinned.
        job: whether it runs once.
        networks: those that it is on, by name, with what its entry says of each.
    """

    service: Service
    entry: Mapping[str, Any] = field(hash=False)
    name: str
    image: PinnedService = field(hash=False)
    job: bool
    networks: Mapping[str, Mapping[str, Any]] = field(hash=False)

    @property
    def subject(self) -> str:
        """Return how messages name it."""
        return f"service {self.service.name}"

    @property
    def facts(self) -> ImageFacts:
        """Return what is known of its image."""
        return self.image.facts or ImageFacts()

    @property
    def replicas(self) -> Text:
        """Return its number of replicas, where no autoscaler decides about it."""
        return parse(self.service.replicas, bare=True)

    @property
    def single(self) -> bool:
        """Whether it must never have two pods, not even while one replaces the other."""
        return self.entry.get(SINGLE) is True

    @property
    def alone(self) -> bool:
        """Whether it has one pod, whatever happens."""
        return self.replicas == "1" and not self.entry.get(AUTOSCALING)


@dataclass(frozen=True)
class Context:
    """The application that is mapped."""

    application: ApplicationModel
    images: Mapping[str, PinnedService]
    findings: Findings = field(default_factory=Findings)
    objects: list[KubeObject] = field(default_factory=list)
    _settings: dict[str, Setting] = field(default_factory=dict)
    in_files: dict[str, set[str]] = field(default_factory=dict)
    _origins: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def document(self) -> Mapping[str, Any]:
        """Return the Compose document."""
        return self.application.compose

    @cached_property
    def secrets(self) -> frozenset[str]:
        """Return the names of the site variables that are secrets."""
        return frozenset(each.name for each in self.application.variables if each.kind == "secret")

    @cached_property
    def defaults(self) -> dict[str, str]:
        """Return the values that apply at a site where the operator says nothing."""
        return {each.name: each.default for each in self.application.variables if each.default is not None}

    @cached_property
    def workloads(self) -> dict[str, Workload]:
        """Return the services that run, by name."""
        found = {}
        started = {
            name
            for _, entry in running(self.document)
            for name, condition in dependencies(entry).items()
            if condition != "service_completed_successfully"
        }
        for service, entry in running(self.document):
            found[service.name] = Workload(
                service,
                entry,
                object_name(service.name),
                self.images[service.name],
                job=False,
                networks=_networks(entry),
            )
            if service.expect == "completed" or (
                service.name not in started and inferred_job(found[service.name])
            ):
                found[service.name] = replace(found[service.name], job=True)
        return found

    @cached_property
    def files(self) -> dict[str, ConfigFile]:
        """Return the configuration files by their paths below `config/`."""
        return {file.path: file for file in self.application.files}

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Return the settings so far."""
        return tuple(self._settings.values())

    def setting(
        self,
        name: str,
        path: Sequence[str],
        default: str,
        kind: SettingKind,
        *,
        about: str,
        choices: Sequence[str] = (),
    ) -> Setting:
        """Return a setting; the same name is the same setting."""
        made = Setting(name, tuple(path), default, kind, about, tuple(choices))
        found = self._settings.setdefault(name, made)
        if found.path != made.path:
            first, second = ".".join(found.path), ".".join(made.path)
            reason = tr("{first} and {second} would be one setting", first=first, second=second)
            self.findings.refuse("application", name, reason, tr("rename one of them"))
        return found

    @property
    def namespace(self) -> Setting:
        """Return the namespace, for the few objects that name it."""
        name = object_name(self.application.name)
        about = "namespace of all objects"
        return self.setting("KUBE_NAMESPACE", ("namespace",), name, "namespace", about=about)

    def is_secret(self, value: Any) -> bool:  # noqa: ANN401 any part of an object
        """Whether there is a secret in it."""
        return not self.secrets.isdisjoint(names_in(value))

    def constant(self, workload: Workload, key: str, value: object) -> str:
        """Return a value that cannot have values of the site; those are refused."""
        text = parse(str(value))
        if isinstance(text, str):
            return text
        reason = tr("{value!r} has values of the site", value=str(value))
        self.findings.refuse(
            workload.subject, key, reason, tr("set the variable at the build: `settings: values`")
        )
        return ""

    def labels(self, component: str = "") -> dict[str, str]:
        """Return the labels of an object."""
        return {
            **self.selector(component),
            f"{PREFIX}/version": release_label(self.application.version),
            f"{PREFIX}/managed-by": "bundle",
        }

    def selector(self, component: str = "") -> dict[str, str]:
        """Return the labels by which pods are found; they never change."""
        return {
            f"{PREFIX}/name": release_label(self.application.name),
            **({f"{PREFIX}/component": component} if component else {}),
        }

    def add(
        self,
        stage: Stage,
        kind: str,
        name: str,
        content: Mapping[str, Any],
        *,
        of: Workload | None = None,
        ingress: bool = False,
        version: str = "v1",
        origin: str = "",
    ) -> KubeObject:
        """Add an object.

        Args:
            stage: when it is applied.
            kind: its kind.
            name: its name.
            content: its keys beside `apiVersion`, `kind` and `metadata`.
            of: the service that it belongs to.
            ingress: whether it is only for sites with an Ingress.
            version: its `apiVersion`.
            origin: what in the document it stands for; by default the service that it belongs to.
        """
        origin = origin or (of.subject if of else kind)
        metadata: Body = {"name": name, "labels": self.labels(of.name if of else "")}
        body: Body = {"apiVersion": version, "kind": kind, "metadata": metadata, **content}
        single = kind == "Deployment" and of is not None and of.single
        made = KubeObject(
            stage, body, of.service.name if of else "", "ingress" if ingress else "", single=single
        )
        if kind == "Service" and len(name) > LONGEST:
            subject = of.subject if of else kind
            reason = tr("{name} is longer than {limit} characters", name=name, limit=LONGEST)
            self.findings.refuse(subject, "name", reason, tr("shorten the name of the service"))
        for each in self.objects:
            if (each.kind, each.name) == (kind, name):
                first = self._origins[kind, name]
                reason = tr(
                    "two objects would be the {kind} {name}: that of {first}, and that of {second}",
                    kind=kind,
                    name=name,
                    first=first,
                    second=origin,
                )
                subject = of.subject if of else kind
                self.findings.refuse(subject, name, reason, tr("rename one of them"))
                return each
        self._origins[kind, name] = origin
        self.objects.append(made)
        return made

    def checksum(self, used: Sequence[KubeObject]) -> Checksum:
        """Return what changes with the content of ConfigMaps and Secrets."""
        text = json.dumps([_known(each.body) for each in used], sort_keys=True)
        names = sorted(frozenset().union(*(names_in(each.body) for each in used)) - self.secrets)
        return Checksum(
            tuple((each.kind, each.name) for each in used), sha256(text.encode()).hexdigest(), tuple(names)
        )


def inferred_job(workload: Workload) -> bool:
    """Whether a service runs once though nothing says so: it may end, and nobody can talk to it."""
    entry = workload.entry
    reached = (
        entry.get("ports") or entry.get("expose") or workload.facts.exposed or entry.get("container_name")
    )
    aliases = any(how.get("aliases") for how in workload.networks.values())
    return workload.service.expect == "started" and not reached and not aliases


def _networks(entry: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    if entry.get("network_mode"):
        return {}
    networks = entry.get("networks") or {"default": None}
    if isinstance(networks, Mapping):
        return {name: how or {} for name, how in networks.items()}
    return {name: {} for name in networks}


def _known(value: Any) -> Any:  # noqa: ANN401 any part of an object
    """Return what is known of an object at the build, as JSON has it."""
    if isinstance(value, Mapping):
        return {key: _known(item) for key, item in value.items() if key != "labels"}
    if isinstance(value, list | tuple):
        return [_known(item) for item in value]
    if isinstance(value, SiteText):
        return ["text", value.expression]
    if isinstance(value, ImageName):
        return ["image", value.tag]
    return value if value is None or isinstance(value, str | int | float) else str(value)
