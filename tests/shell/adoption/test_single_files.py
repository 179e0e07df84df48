"""A single file that the old installation wrote becomes the site's, instead of the one in the bundle."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())
COPY = """
printf 'folder\\tacme.json\\tproxy\\t/acme.json\\tbind\\t{source}\\t10\\n' >"$SCRATCH/old-copies"
copy_folders
deliver_initial
"""


@shell
def test_a_file_of_the_old_installation_is_copied(shell: str, tmp_path: Path) -> None:
    here = tmp_path / "here"
    (here / "config/.initial-data").mkdir(parents=True)
    (here / "config/.initial-data/acme.json").write_text("{}")
    tables = {
        "initial.tsv": "#path\tmode\tuid\tgid\nacme.json\t0600\t-\t-\n",
        "lifecycle.tsv": "#what\tname\n",
        "data.tsv": "#path\tmode\tuid\tgid\n",
        "adopt.tsv": "#what\tservice\tfrom\tto\thow\tzh\n",
    }
    for name, text in tables.items():
        (here / name).write_text(text)
    old = tmp_path / "old.json"
    old.write_text("certificates")
    done = call(shell, COPY.replace("{source}", str(old)), tmp_path)
    assert done.returncode == 0, done.stderr
    taken = tmp_path / "root/data/acme.json"
    assert taken.read_text() == "certificates"
    assert stat.S_IMODE(taken.stat().st_mode) == 0o600
    assert "data/acme.json" in done.stdout + done.stderr, "the bundle's own version is mentioned"
