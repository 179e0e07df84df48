"""Which commands may read a bundle of an unknown publisher."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())
UNSIGNED = (
    'FACTS=$SCRATCH/bundle; mkdir "$FACTS"; COMMAND={command} DRY_RUN={dry}; verify_signature; echo went on'
)


@shell
@pytest.mark.parametrize("command", ["install", "verify", "restore", "adopt"])
def test_what_installs_a_bundle_refuses_one_that_is_not_signed(
    shell: str, command: str, tmp_path: Path
) -> None:
    done = call(shell, UNSIGNED.format(command=command, dry=""), tmp_path)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("The bundle is not signed")


@shell
@pytest.mark.parametrize(("command", "dry"), [("plan", ""), ("preflight", ""), ("adopt", "yes")])
def test_what_only_looks_reads_it(shell: str, command: str, dry: str, tmp_path: Path) -> None:
    done = call(shell, UNSIGNED.format(command=command, dry=dry), tmp_path)
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr
