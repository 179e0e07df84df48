"""shellcheck reports nothing in the rendered files."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from bundler_installer.assemble import KUBERNETES_SOURCES, SOURCES, join_sources
from tests.support.kiosk import Kiosk
from tests.support.programs import need_program, run

LOCAL = "--exclude=SC3043"
"""`local` is not in POSIX, but dash, bash and busybox ash have it."""


def test_the_rendered_installer_and_preflight(kiosk: Kiosk, tmp_path: Path) -> None:
    """The tables have every kind of variable, and all texts in both languages."""
    program = need_program("shellcheck")
    run(program, "--shell=sh", LOCAL, kiosk.unpack(tmp_path) / "install")
    run(program, "--shell=sh", kiosk.path.with_suffix(".preflight.sh"), f"{LOCAL},SC2034,SC2317,SC2329")
    run(program, "--shell=sh", Path(__file__).parents[2] / "support/fake_docker.sh")


def test_no_function_is_defined_twice() -> None:
    """The later definition would replace the earlier one. That is what a cluster's functions are for."""
    others = [name for name in SOURCES if name not in KUBERNETES_SOURCES]
    for names in (others, KUBERNETES_SOURCES):
        text = join_sources(names, nested=False).decode()
        defined = Counter(re.findall(r"^([a-z_]+)\(\)", text, flags=re.MULTILINE))
        assert [name for name, times in defined.items() if times > 1] == []
