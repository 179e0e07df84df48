"""The command that installs Dify's plugins at the site."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bundler_dify import offline_plugins
from tests.support.programs import need_program, run


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_the_shell_part_passes_everything_on(shell: str, tmp_path: Path) -> None:
    source = Path(offline_plugins.__file__).parent / "site" / "install.sh"
    folder = tmp_path / "dify-plugins"
    folder.mkdir()
    shutil.copy(source, folder)
    (folder / "hello.difypkg").write_text("package")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "docker").write_text(
        "#!/bin/sh\n"
        'case $1 in ps) echo c0ffee ;; exec) shift; [ "$1" != -i ] || shift\n'
        '[ "$1" = c0ffee ] || exit 9; shift\n'
        'case $1 in python3) echo "$@"; ls "$3" ;; *) "$@" ;; esac ;; esac\n'
    )
    (programs / "docker").chmod(0o755)
    command = [need_program(shell), *(["sh"] if shell == "busybox" else [])]
    text = source.read_text().replace("/tmp/dify-plugins", str(tmp_path / "inside"))  # noqa: S108
    (folder / "install.sh").write_text(text)
    printed = run(*command, folder / "install.sh", env={"PATH": f"{programs}:/usr/bin:/bin"})
    inside = tmp_path / "inside"
    assert printed.splitlines()[0] == f"python3 {inside}/install_plugins.py {inside}"
    assert "hello.difypkg" in printed
    assert not inside.exists()


def test_shellcheck_finds_nothing() -> None:
    source = Path(offline_plugins.__file__).parent / "site" / "install.sh"
    run(need_program("shellcheck"), source)
