"""SHA256SUMS in the installer: it accepts everything the builder writes, and no ambiguous names."""

from __future__ import annotations

import shutil
from pathlib import Path

from bundler.bundle.checksums import parse_sums
from bundler.errors import BundleError
from tests.fuzz.mutations import is_plain
from tests.fuzz.targets import sums
from tests.support.installer import call

SHELL = "dash" if shutil.which("dash") else "bash"
SCRIPT = """
FACTS=$SCRATCH/bundle
mkdir "$FACTS"
take_small SHA256SUMS
list_sums
cp "$SCRATCH/signed" "$HERE/signed"
"""
make = sums.make


def check(data: bytes, folder: Path) -> bool:
    """Return whether the site accepts the text; raise AssertionError if that is wrong."""
    here = folder / "here"
    shutil.rmtree(here, ignore_errors=True)
    here.mkdir()
    (here / "SHA256SUMS").write_bytes(data)
    result = call(SHELL, SCRIPT, folder)
    if result.returncode not in {0, 4} or not is_plain(result.stdout + result.stderr):
        raise AssertionError(f"exit code {result.returncode}: {result.stderr[:200]!r}")
    try:
        listed = parse_sums(data)
    except BundleError:
        listed = {}
    if result.returncode:
        if listed:
            raise AssertionError("the builder writes what the site refuses")
        return False
    paths = (here / "signed").read_bytes().split(b"\n")[:-1]
    if listed and [path.encode() for path in listed] != paths:
        raise AssertionError("the site reads other paths")
    if len({path.lower() for path in paths}) != len(paths):
        raise AssertionError("two paths that are one without regard to case")
    for path in paths:
        names = path.split(b"/")
        if (
            b".." in names
            or b"." in names
            or b"" in names
            or [name for name in names if name.startswith(b"-")]
        ):
            raise AssertionError(f"the site takes the path {path!r}")
        if b"\\" in path or [byte for byte in path if byte < 0x20 or byte == 0x7F]:
            raise AssertionError(f"the site takes the name {path!r}")
    return True
