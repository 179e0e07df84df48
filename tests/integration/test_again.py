"""Reinstalling without changes: the number of engine calls does not grow with the number of images."""

from __future__ import annotations

from pathlib import Path

from tests.support.kiosk import Host

CALLS = 24
"""Limit on `docker` calls (20 to 150 ms each on a real engine): preflight 8, start 6 and more as it waits."""


def test_the_engine_is_asked_for_all_images_at_once(host: Host) -> None:
    assert host.install().returncode == 0
    first = [call for call in host.calls().splitlines() if call.startswith(("image ", "images ", "load"))]
    assert [call.partition(" -")[0] for call in first] == [
        "image inspect", "image inspect", "image inspect", "images", "load", "image inspect",
    ]  # fmt: skip
    Path(f"{host.docker}.calls").unlink()
    again = host.install()
    assert again.returncode == 0, again.stdout + again.stderr
    calls = host.calls().splitlines()
    lines = (host.unpacked / "images.tsv").read_text().splitlines()[1:]
    references = [line.partition("\t")[0] for line in lines]
    assert len(references) > 1
    asked = [call for call in calls if call.startswith("image inspect")]
    assert asked == ["image inspect -f {{.Id}} " + " ".join(references)] * 3  # free space, inodes, loading
    assert sum(call.startswith("compose version") for call in calls) == 1
    assert not any(call.startswith(("load", "tag")) for call in calls)
    assert len(calls) <= CALLS, "\n".join(calls)
