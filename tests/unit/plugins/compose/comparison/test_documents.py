"""Documents of a project and its bundle are compared: what may differ is passed over, all else is found."""

from __future__ import annotations

from typing import Any

import pytest

from bundler_compose.comparison.documents import Difference, Intended, find_differences


def service(**keys: object) -> dict[str, Any]:
    return {"name": "shop", "services": {"web": {"image": "busybox", **keys}}}


def bind(source: str, **keys: object) -> dict[str, Any]:
    return service(volumes=[{"type": "bind", "source": source, "target": "/etc/app", **keys}])


FOUND = [
    (service(user="1"), service(user="2"), "services.web.user", "1", "2"),
    (service(init=False), service(), "services.web.init", False, None),
    (service(environment={"A": ""}), service(environment={"A": "b"}), "services.web.environment.A", "", "b"),
    (
        service(dns=["1.1.1.1"]),
        service(dns=["1.1.1.1", "8.8.8.8"]),
        "services.web.dns",
        ["1.1.1.1"],
        ["1.1.1.1", "8.8.8.8"],
    ),
    (service(cap_add=["A", "B"]), service(cap_add=["A", "C"]), "services.web.cap_add.1", "B", "C"),
    (
        {**service(), "networks": {"a": {"internal": True}}},
        service(),
        "networks",
        {"a": {"internal": True}},
        None,
    ),
    (service(image="a:1"), service(image="a:2"), "services.web.image", "a:1", "a:2"),
]


@pytest.mark.parametrize(("project", "bundle", "key", "one", "other"), FOUND)
def test_a_value_that_differs_is_found_with_its_key(
    project: dict[str, Any], bundle: dict[str, Any], key: str, one: object, other: object
) -> None:
    assert find_differences(project, bundle, Intended()) == [Difference(key, one, other)]


def test_a_variable_without_a_value_is_not_like_no_variable() -> None:
    differences = find_differences(service(environment={"A": None}), service(environment={}), Intended())
    assert [difference.key for difference in differences] == ["services.web.environment.A"]


@pytest.mark.parametrize(
    ("project", "bundle"),
    [
        (service(build={"context": "."}, develop={}, profiles=["a"]), service(pull_policy="never")),
        (service(command=None, networks={}), service()),
        (
            {**service(), "secrets": {"a": {"file": "/p/a"}}},
            {**service(), "secrets": {"a": {"file": "/b/a"}}},
        ),
    ],
)
def test_what_is_settled_at_the_build_may_differ(project: dict[str, Any], bundle: dict[str, Any]) -> None:
    assert find_differences(project, bundle, Intended()) == []


def test_the_source_of_a_mount_may_differ_only_where_the_bundle_brings_it() -> None:
    project, bundle = bind("/project/app"), bind("/bundle/config/app", bind={"create_host_path": False})
    assert find_differences(project, bundle, Intended(mounts=[("web", "/etc/app")])) == []
    assert [each.key for each in find_differences(project, bundle, Intended())] == [
        "services.web.volumes.0.source"
    ]
    # its options may not
    slave = bind("/bundle/config/app", bind={"propagation": "rslave"})
    assert find_differences(project, slave, Intended(mounts=[("web", "/etc/app")]))


def test_a_dependency_on_a_service_that_is_left_out_may_be_missing() -> None:
    def web(required: bool, other: str) -> dict[str, Any]:
        return service(depends_on={other: {"condition": "service_started", "required": required}})

    assert find_differences(web(False, "db"), service(), Intended()) == []
    assert find_differences(web(True, "db"), service(), Intended())
    assert find_differences(web(False, "web"), service(), Intended())


def test_carried_configuration_may_be_mounted_read_only() -> None:
    project, bundle = bind("/a"), bind("/b", read_only=True)
    place = [("web", "/etc/app")]
    assert find_differences(project, bundle, Intended(mounts=place, read_only=place)) == []
    assert find_differences(project, bundle, Intended(mounts=place))


def test_a_built_image_has_the_name_that_the_bundle_gives_it() -> None:
    project: dict[str, Any] = {"services": {"web": {"build": {"context": "."}}}}
    bundle: dict[str, Any] = {"services": {"web": {"image": "shop-web"}}}
    assert find_differences(project, bundle, Intended(images={"web": "shop-web"})) == []
    assert find_differences(project, bundle, Intended(images={"web": "other"}))


def test_the_folder_of_a_bound_volume_may_differ_where_the_bundle_creates_it() -> None:
    def volume(device: str) -> dict[str, Any]:
        return {**service(), "volumes": {"data": {"driver_opts": {"o": "bind", "device": device}}}}

    assert find_differences(volume("/a"), volume("/b"), Intended(volumes=["data"])) == []
    assert find_differences(volume("/a"), volume("/b"), Intended())
