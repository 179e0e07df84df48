"""Keys of documents: unknown ones are errors, some cannot travel, some need a newer engine or Compose."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bundler.errors import BundleError
from bundler.language import speaking
from bundler_compose.keys.checks import check_fates, check_keys, find_needs, key_requirements


def at(*keys: str | int) -> str:
    return f"compose.yaml: {'.'.join(map(str, keys))}"


def service(**keys: object) -> dict[str, Any]:
    return {"services": {"web": {"image": "busybox", **keys}}}


UNKNOWN = [
    ({"service": {}}, "service", "services"),
    (service(enviroment={}), "services.web.enviroment", "environment"),
    (service(build={"contxt": "."}), "services.web.build.contxt", "context"),
    (service(deploy={"resources": {"limit": {}}}), "services.web.deploy.resources.limit", "limits"),
    (service(volumes=["a:/a", {"type": "bind", "sorce": "."}]), "services.web.volumes.1.sorce", "source"),
    (service(networks={"a": {"alias": []}}), "services.web.networks.a.alias", "aliases"),
    (service(ulimits={"nofile": {"soft": 1, "had": 2}}), "services.web.ulimits.nofile.had", "hard"),
    (service(pre_start=[{"comand": "true"}]), "services.web.pre_start.0.comand", "command"),
    (service(blkio_config={"weigth": 1}), "services.web.blkio_config.weigth", "weight"),
    ({"networks": {"a": {"ipam": {"config": [{"subnt": ""}]}}}}, "networks.a.ipam.config.0.subnt", "subnet"),
    ({"secrets": {"a": {"filee": ""}}}, "secrets.a.filee", "file"),
    ({"jobs": {"a": {"triggers": {"manul": True}}}}, "jobs.a.triggers.manul", "manual"),
]


@pytest.mark.parametrize(("document", "key", "near"), UNKNOWN)
def test_an_unknown_key_is_an_error_that_names_the_nearest_one(
    document: dict[str, Any], key: str, near: str
) -> None:
    with pytest.raises(BundleError) as error:
        check_keys(document, at)
    assert error.value.message == f"compose.yaml: {key}: the Compose specification has no such key"
    assert error.value.hint == f"did you mean `{near}`?"


def test_a_key_that_is_near_to_none_lists_those_that_are_known() -> None:
    with pytest.raises(BundleError) as error:
        check_keys(service(logging={"zzzzzz": 1}), at)
    assert error.value.hint == "known here: driver, options"


@pytest.mark.parametrize(
    "document",
    [
        {"x-any": {"thing": 1}, "services": {"web": {"x-y": 1, "deploy": {"x-z": {}}}}},
        service(labels={"any": "thing"}, environment={"ANY": "THING"}, sysctls={"net.core.somaxconn": 1}),
        service(logging={"driver": "local", "options": {"any": "thing"}}, extra_hosts={"any": "1.1.1.1"}),
        service(gpus=[{"driver": "nvidia", "other": 1}]),
        service(command=["a"], networks=["a"], env_file="x.env", build=".", gpus="all", depends_on=["db"]),
        service(networks={"a": None}, volumes=["a:/a", {"type": "bind", "x-a": 1}]),
        {"services": None, "networks": {"a": None}},
        {"volumes": {"a": {"external": {"name": "b"}}}},
    ],
)
def test_known_keys_extensions_and_keys_of_the_project_are_allowed(document: dict[str, Any]) -> None:
    check_keys(document, at)


def test_extensions_are_not_allowed_where_the_schema_has_none() -> None:
    with pytest.raises(BundleError, match="no such key"):
        check_keys(service(extends={"service": "a", "x-y": 1}), at)


@pytest.mark.parametrize("section", ["services", "networks", "volumes", "configs", "secrets", "models"])
def test_a_name_with_other_characters_is_an_error(section: str) -> None:
    with pytest.raises(BundleError, match=re.escape(f"{section}.a b: 'a b' is not a name")):
        check_keys({section: {"a b": {}}}, at)


REFUSED = [
    ({"models": {"llm": {"model": "ai/smollm2"}}}, "models"),
    (service(models=["llm"]), "services.web.models"),
    (service(provider={"type": "awesomecloud"}), "services.web.provider"),
    (service(credential_spec={"file": "a.json"}), "services.web.credential_spec"),
    (service(pre_start=[{"command": "true", "per_replica": True}]), "services.web.pre_start.0.per_replica"),
    (service(pre_start=[{"command": "true", "env_file": "a.env"}]), "services.web.pre_start.0.env_file"),
    ({"configs": {"a": {"external": True}}}, "configs.a.external"),
    ({"secrets": {"a": {"external": True}}}, "secrets.a.external"),
    ({"jobs": {"a": {"image": "a", "triggers": {"manual": True}}}}, "jobs"),
]


@pytest.mark.parametrize(("document", "key"), REFUSED)
def test_what_cannot_travel_is_refused_with_the_reason_and_a_remedy(
    document: dict[str, Any], key: str
) -> None:
    check_keys(document, at)
    with pytest.raises(BundleError, match=re.escape(f"compose.yaml: {key}: cannot be bundled: ")) as error:
        check_fates(document, at)
    assert error.value.hint


def test_the_reason_and_the_remedy_are_in_the_language_of_the_run() -> None:
    with speaking("zh"), pytest.raises(BundleError) as error:
        check_fates(service(provider={"type": "awesomecloud"}), at)
    assert error.value.message.startswith("compose.yaml: services.web.provider: \u4e0d\u80fd\u6253\u5165")
    assert error.value.hint is not None
    assert error.value.hint.startswith("\u8bf7\u7528 Compose profile")


def test_keys_that_would_be_refused_may_stand_there_without_a_value() -> None:
    check_fates(
        {"models": {}, "secrets": {"a": {"external": False, "file": "x"}}, **service(models=None)}, at
    )


NEEDS = [
    (service(), {}),
    (service(command="true", healthcheck={"interval": "1s"}), {}),
    (service(gpus="all"), {"compose": "2.30.0"}),
    (service(healthcheck={"start_interval": "1s"}), {"compose": "2.20.2", "docker": "25.0"}),
    (
        service(volumes=[{"type": "image", "source": "a", "target": "/a"}]),
        {"compose": "2.35.0", "docker": "28.0"},
    ),
    (
        service(volumes=[{"type": "volume", "source": "a", "target": "/a", "volume": {"subpath": "x"}}]),
        {"compose": "2.25.0", "docker": "26.0"},
    ),
    (service(networks={"a": {"interface_name": "eth7"}}), {"compose": "2.36.0", "docker": "28.1"}),
    (service(pre_start=[{"command": "true"}]), {"compose": "5.3.0"}),
    (service(pre_start=[{"command": "true", "hostname": "a"}]), {"compose": "5.6.0"}),
    (service(post_start=[{"command": "true"}], uts="host"), {"compose": "2.30.0"}),
    (service(build={"dockerfile_inline": "FROM a", "no_cache_filter": "x"}, develop={"watch": []}), {}),
    ({"name": "shop", **service()}, {"compose": "2.3.0"}),
]


@pytest.mark.parametrize(("document", "versions"), NEEDS)
def test_the_newest_key_decides_which_engine_and_compose_are_needed(
    document: dict[str, Any], versions: dict[str, str]
) -> None:
    found = key_requirements(document)
    assert [(each.id, each.minimum) for each in found] == sorted(versions.items())
    assert all(each.reason in {need.key for need in find_needs(document)} for each in found)


def test_each_need_names_its_key() -> None:
    document = service(networks={"a": {"gw_priority": 1}})
    assert [(need.program, need.version, need.key) for need in find_needs(document)] == [
        ("compose", "2.33.0", "services.web.networks.a.gw_priority"),
        ("docker", "28.0", "services.web.networks.a.gw_priority"),
    ]
