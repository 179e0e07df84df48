from __future__ import annotations

import gzip
import hashlib
import io
import random
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from bundler.errors import FetchError
from bundler.layer.sketch import measure, order_by_likeness

NOISE = random.Random(5).randbytes(3_000_000)  # noqa: S311 the same each time


def tar_of(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def digest(raw: bytes) -> str:
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def test_a_layer_is_measured_and_checked(tmp_path: Path) -> None:
    raw = tar_of({"usr/lib/a.so": NOISE[:10_000], "etc/small": b"x"})
    path = tmp_path / "layer"
    path.write_bytes(gzip.compress(raw))
    found = measure(path, digest(raw), "app:1")
    assert (found.size, found.diff_id, len(found.sketch)) == (len(raw), digest(raw), 1)
    with pytest.raises(
        FetchError, match=r"app:1: layer sha256:layer unpacks to sha256:.*the image's config says"
    ):
        measure(path, digest(b"other"), "app:1")


def test_a_layer_that_is_not_a_tar_is_measured_too(tmp_path: Path) -> None:
    path = tmp_path / "layer"
    path.write_bytes(gzip.compress(NOISE))
    found = measure(path, digest(NOISE), "app:1")
    assert (found.size, found.sketch) == (len(NOISE), frozenset())


def test_layers_with_the_same_files_are_ordered_together(tmp_path: Path) -> None:
    python = {f"usr/lib/python3/{n}.py": NOISE[: 5000 + n] for n in range(20)}
    java = {f"usr/lib/jvm/{n}.jar": NOISE[: 9000 + n] for n in range(20)}
    contents = [python, java, {**python, "opt/more": NOISE[:6000]}, {**java, "opt/app.jar": NOISE[:7000]}]
    layers = []
    for number, files in enumerate(contents):
        raw = tar_of(files)
        path = tmp_path / str(number)
        path.write_bytes(raw)
        layers.append(measure(path, digest(raw), "app:1"))
    assert [layer.path.name for layer in order_by_likeness(layers)] == ["0", "2", "1", "3"]
    assert order_by_likeness([]) == []
