"""What is found in the layers of an image."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

from bundler.build.contents import LayerContents


def layer(path: Path, *members: tuple[str, bytes | str | None]) -> Path:
    """Write a layer: files with their content, links with their target, empty files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
            raw = content if isinstance(content, bytes) else b""
            entry.size = len(raw)
            tar.addfile(entry, io.BytesIO(raw))
    path.write_bytes(gzip.compress(made.getvalue()))
    return path


def test_the_uppermost_layer_says_what_there_is(tmp_path: Path) -> None:
    contents = LayerContents(
        [
            layer(
                tmp_path / "1",
                ("./bin/sh", "busybox"), ("usr/bin/curl", b"elf"), ("usr/bin/wget", b"elf"),
                ("opt/bin/getent", b""), ("etc/passwd", b"old"), ("etc/group", b"group"),
            ),
            layer(
                tmp_path / "2",
                ("usr/bin/.wh.curl", None), ("etc/passwd", b"new"), ("usr/local/bin/date", b""),
            ),
        ]
    )  # fmt: skip
    assert contents.programs(["sh", "curl", "wget", "getent", "date"]) == {"sh", "wget", "date"}
    assert contents.read("etc/passwd") == b"new"
    assert contents.read("etc/group") == b"group"
    assert contents.read("etc/shadow") is None


def test_an_opaque_folder_hides_what_is_below(tmp_path: Path) -> None:
    contents = LayerContents(
        [
            layer(tmp_path / "1", ("usr/bin/curl", b""), ("etc/passwd", b"x"), ("bin/sh", b"")),
            layer(tmp_path / "2", ("usr/.wh..wh..opq", None), (".wh.etc", None)),
        ]
    )
    assert contents.programs(["curl", "sh"]) == {"sh"}
    assert contents.read("etc/passwd") is None
