"""What a service's definition says about protection."""

from __future__ import annotations

from typing import Any

import pytest

from bundler.report.catalogue import TAGS, load_words
from bundler.report.hardening import CHECKS, judge

CASES: list[tuple[dict[str, Any], str, str, str, str]] = [
    ({}, "rootfs", "plain", "rootfs_writable", ""),
    ({"read_only": True}, "rootfs", "good", "rootfs_read_only", ""),
    ({"read_only": "${READ_ONLY}"}, "rootfs", "plain", "rootfs_writable", ""),
    ({}, "privileged", "plain", "no", ""),
    ({"privileged": True}, "privileged", "risk", "yes", ""),
    ({"privileged": "true"}, "privileged", "risk", "yes", ""),
    ({}, "capabilities", "plain", "capabilities_default", ""),
    ({"cap_drop": ["ALL"]}, "capabilities", "good", "capabilities_none", ""),
    ({"cap_drop": ["all"], "cap_add": ["CAP_CHOWN"]}, "capabilities", "good", "capabilities_only", "CHOWN"),
    ({"cap_drop": ["MKNOD"]}, "capabilities", "good", "capabilities_dropped", "MKNOD"),
    (
        {"cap_add": ["SYS_ADMIN", "NET_RAW"]},
        "capabilities",
        "risk",
        "capabilities_added",
        "SYS_ADMIN, NET_RAW",
    ),
    ({"cap_add": ["ALL"], "cap_drop": ["ALL"]}, "capabilities", "risk", "capabilities_all", ""),
    ({}, "new_privileges", "plain", "new_privileges_possible", ""),
    ({"security_opt": ["no-new-privileges"]}, "new_privileges", "good", "no", ""),
    ({"security_opt": ["no-new-privileges=true"]}, "new_privileges", "good", "no", ""),
    ({"security_opt": ["no-new-privileges:false"]}, "new_privileges", "plain", "new_privileges_possible", ""),
    ({}, "user", "plain", "user_of_image", ""),
    ({"user": "1000:1000"}, "user", "good", "user_set", "1000:1000"),
    ({"user": 1000}, "user", "good", "user_set", "1000"),
    ({"user": "0:0"}, "user", "plain", "user_root", "0:0"),
    ({"user": "${UID}"}, "user", "plain", "user_set", "${UID}"),
    ({}, "namespaces", "plain", "namespaces_own", ""),
    ({"network_mode": "host", "pid": "host"}, "namespaces", "risk", "namespaces_host", "network, pid"),
    ({"network_mode": "service:vpn"}, "namespaces", "plain", "namespaces_shared", "service:vpn"),
    ({}, "filters", "plain", "filters_default", ""),
    ({"security_opt": ["seccomp=unconfined"]}, "filters", "risk", "filters_off", "seccomp"),
    ({"security_opt": ["label:disable", "apparmor:own"]}, "filters", "risk", "filters_off", "label"),
    ({}, "reach", "plain", "reach_none", ""),
    ({"devices": ["/dev/kvm:/dev/kvm"]}, "reach", "risk", "reach_devices", "/dev/kvm"),
    ({"devices": [{"source": "/dev/kvm"}]}, "reach", "risk", "reach_devices", "/dev/kvm"),
    ({"volumes": ["/run/docker.sock:/d"]}, "reach", "risk", "reach_engine", "/run/docker.sock"),
    ({"volumes": [{"source": "/run/docker.sock"}]}, "reach", "risk", "reach_engine", "/run/docker.sock"),
    ({}, "limits", "plain", "limits_none", ""),
    ({"mem_limit": "1g", "pids_limit": 9}, "limits", "good", "limits_set", "memory 1g, pids 9"),
    ({"deploy": {"resources": {"limits": {"cpus": 0.5}}}}, "limits", "plain", "limits_set", "cpus 0.5"),
]


@pytest.mark.parametrize(("entry", "about", "state", "says", "detail"), CASES)
def test_findings(entry: dict[str, Any], about: str, state: str, says: str, detail: str) -> None:
    found = {finding.about: finding for finding in judge(entry)}
    assert list(found) == list(CHECKS)
    assert (found[about].state, found[about].says, found[about].detail) == (state, says, detail)


@pytest.mark.parametrize("language", TAGS)
def test_every_finding_has_its_words(language: str) -> None:
    words = load_words(language)
    keys = {key for _, *rest in CASES for key in rest[:3]}
    assert {key for key in keys if key not in words} == set()


@pytest.mark.parametrize("value", [None, 7, "text", [1], {"a": 1}, [[{"x": []}]], [None]])
def test_values_of_any_shape_are_no_error(value: object) -> None:
    keys = ["read_only", "privileged", "cap_add", "cap_drop", "security_opt", "user", "pid", "volumes"]
    assert len(judge(dict.fromkeys([*keys, "devices", "deploy", "mem_limit"], value))) == len(CHECKS)
