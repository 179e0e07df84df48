"""Compile `checks.tsv` and `networks.tsv` from platform, requirements and networks."""

from __future__ import annotations

from typing import Any

import pytest

from bundler.errors import BundleError
from bundler_installer.checks import BYTES_PER_FILE, X86_64_V2, X86_64_V3, Check, compile_checks, network_rows
from bundler_installer.manifest import RequirementEntry
from tests.support.tiny import MANIFEST


def compiled(
    platform: str = "linux/amd64", **requirements: tuple[str | None, str | None]
) -> dict[str, Check]:
    entries = tuple(
        RequirementEntry(id=name.replace("__", ":").replace("_", "."), minimum=low, recommended=high)
        for name, (low, high) in requirements.items()
    )
    manifest = MANIFEST.model_copy(update={"platform": platform, "requirements": entries})
    rows = compile_checks(manifest, 2_000_000)
    return {f"{row.id}:{row.parameter}" if row.parameter else row.id: row for row in rows}


def test_inodes_follow_from_the_size_of_the_images() -> None:
    assert compiled()["inodes"].required == str(2_000_000 // BYTES_PER_FILE + 10_000)


@pytest.mark.parametrize(
    ("platform", "required", "recommended"),
    [
        ("linux/amd64", None, " ".join(X86_64_V2)),
        ("linux/amd64/v3", " ".join(X86_64_V3), " ".join(X86_64_V3)),
        ("linux/arm64", None, None),
    ],
)
def test_flags_of_the_processor_follow_from_the_platform(
    platform: str, required: str | None, recommended: str | None
) -> None:
    found = compiled(platform)["cpu-flags"]
    assert (found.required, found.recommended) == (required, recommended)


def test_a_requirement_overrides_the_default_of_the_check() -> None:
    found = compiled(cpu=("4", None), memory=("8000", "16000"))
    assert found["cpu"].required == "4"
    assert (found["memory"].required, found["memory"].recommended) == ("8000", "16000")
    assert found["memory-available"].recommended == "6000"


def test_each_kernel_parameter_has_a_line() -> None:
    found = compiled(sysctl__vm_swappiness=("1", None), sysctl__net_core_somaxconn=(None, "1024"))
    lines = {name: check for name, check in found.items() if name.startswith("sysctl")}
    assert {name: (check.required, check.recommended) for name, check in lines.items()} == {
        "sysctl:net.core.somaxconn": (None, "1024"),
        "sysctl:vm.swappiness": ("1", None),
    }


@pytest.mark.parametrize("name", ["cpus", "sysctl", "cpu__x"])
def test_a_requirement_without_a_check_is_refused(name: str) -> None:
    with pytest.raises(BundleError, match="the installer has no check of this name"):
        compiled("linux/amd64", **{name: ("1", None)})


@pytest.mark.parametrize(
    ("document", "rows"),
    [
        ({}, []),
        ({"services": {"web": None}}, [("default", None)]),
        ({"services": {"web": {"network_mode": "host"}}}, []),
        ({"services": {"web": {"networks": ["a"]}}, "networks": {"a": None}}, [("a", None)]),
        (
            {"networks": {"a": {"external": True}, "b": {"driver": "host"}, "c": {"driver": "x"}}},
            [("c", None)],
        ),
        (
            {
                "networks": {
                    "a": {"ipam": {"config": [{"subnet": "10.0.0.0/24"}, {"subnet": "fd00::/64"}, {}]}}
                }
            },
            [("a", "10.0.0.0/24")],
        ),
        ({"networks": {"a": {"ipam": {"config": [{"subnet": "fd00::/64"}]}}}}, [("a", None)]),
        (
            {"networks": {"a": {"ipam": {"config": [{"subnet": "${NET:-10.0.0.0/24}"}]}}}},
            [("a", "${NET:-10.0.0.0/24}")],
        ),
    ],
)
def test_networks_that_compose_makes(document: dict[str, Any], rows: list[tuple[str, str | None]]) -> None:
    assert network_rows(document) == [{"name": name, "subnet": subnet} for name, subnet in rows]
