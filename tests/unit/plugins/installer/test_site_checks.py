"""The checks of the preflight as a report shows them, before there is a site."""

from __future__ import annotations

import pytest

from bundler.api.application import Requirement
from bundler.api.output import SiteCheck
from bundler.image.platform import Platform
from bundler.language import LANGUAGES, speaking
from bundler_installer.checks import CHECKS, PROBES
from bundler_installer.site_checks import list_checks

AMD64, ARM64 = Platform.parse("linux/amd64"), Platform.parse("linux/arm64")


def listed(
    *requirements: Requirement, platform: Platform = AMD64, unpacked: int | None = 1_000_000
) -> dict[str, SiteCheck]:
    return {check.id: check for check in list_checks(platform, requirements, unpacked)}


def test_every_check_has_a_name_and_most_say_what_they_want() -> None:
    for language in LANGUAGES:
        with speaking(language):
            found = listed()
        assert [*found] == [check.id for check in (*CHECKS, *PROBES) if check.id != "sysctl"]
        assert all(check.name and check.group for check in found.values())
        silent = {name for name, check in found.items() if not check.required + check.recommended}
        assert silent == {"cpu", "memory", "docker", "ssd"}, "what only a bundle can require"
    assert found["device"].required == "设备存在"
    assert found["kernel"].name == "内核"


def test_the_values_of_the_bundle_come_first() -> None:
    found = listed(
        Requirement("memory", "8000000000", "16000000000"),
        Requirement("disk", "20000000000"),
        Requirement("write-latency", None, "5"),
        Requirement("ssd", None, "yes"),
        Requirement("scratch", "32000000"),
        Requirement("swap", None, "2000000000"),
        Requirement("sysctl:vm.max_map_count", "262144"),
    )
    shown = {name: (check.required, check.recommended) for name, check in found.items()}
    assert shown["memory"] == ("8.0 GB", "16.0 GB")
    assert shown["disk"][0].endswith("summed per device; of the data: 20.0 GB")
    assert shown["write-latency"] == ("", "at most 5 ms")
    assert shown["ssd"] == ("", "yes")
    assert shown["scratch"] == ("32.0 MB", "64 MB")
    assert shown["swap"] == ("", "2.0 GB; less than half of it used")
    assert shown["sysctl:vm.max_map_count"] == ("262144", "")
    assert found["sysctl:vm.max_map_count"].name == "Kernel setting vm.max_map_count"


def test_what_follows_from_platform_and_images() -> None:
    assert listed()["platform"].required == "amd64"
    assert "sse4_2" in listed()["cpu-flags"].recommended
    arm = listed(platform=Platform.parse("linux/arm64/v8"), unpacked=None)
    assert arm["platform"].required.startswith("arm64")
    assert arm["cpu-flags"].recommended == ""
    assert listed()["inodes"].required == "10050"
    assert "which a build knows" in arm["inodes"].required


@pytest.mark.parametrize(
    ("name", "value"), [("memory", "much"), ("memory", "9" * 5000), ("no-such-check", "1"), ("cpu:x", "1")]
)
def test_a_bundle_of_another_program_is_shown_as_it_is(name: str, value: str) -> None:
    found = listed(Requirement(name, value))
    assert found[name].required == value if name == "memory" else name not in found


def test_a_check_says_nothing_in_backquotes() -> None:
    assert not [check for check in listed().values() if "`" in check.required + check.recommended]
