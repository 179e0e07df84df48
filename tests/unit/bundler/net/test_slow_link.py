"""On a slow line that is cut repeatedly, no bytes are fetched twice."""

from __future__ import annotations

import json
from pathlib import Path

from bundler.net.errors import TransientError
from bundler.net.retry import Retry, RetryPolicy
from tests.support.faults import FaultRegistry
from tests.support.link import Link
from tests.support.scale import huge_image, many_images, run_counted, write_profile

SIZE = 24_000_000


def test_nothing_is_fetched_twice_over_a_flaky_link(tmp_path: Path) -> None:
    image = huge_image(tmp_path, SIZE)
    with (
        FaultRegistry() as registry,
        Link(registry.host, rate=20e6, latency=0.1, cut_after=(1_000_000, 6_000_000)) as link,
    ):
        registry.add_image("app/big", "1", image)
        profile = write_profile(tmp_path, {"big": "registry.example/app/big:1"})
        mirror = f"registry.example={link.host}"
        costs = run_counted(
            tmp_path, "build", "--profile", profile, "--registry-mirror", mirror, "--unsigned", "--json"
        )
        requests = len(registry.requests)
        blobs = [request for request in registry.requests if request.path.endswith(image.layers[0])]
    assert json.loads(costs.out)["size"] > SIZE
    assert link.cuts >= 4
    assert link.delivered < SIZE + 1000 * requests + 10_000  # the content, and headers
    offsets = [int((r.headers["Range"] or "bytes=0-")[6:-1]) for r in blobs]
    assert offsets == sorted(set(offsets)), "each request goes on where the one before ended"


def test_connections_are_reused(tmp_path: Path) -> None:
    images = many_images(20, shared=2)
    with FaultRegistry() as registry, Link(registry.host, rate=20e6, latency=0.02) as link:
        for number, image in enumerate(images):
            registry.add_image(f"app/{number}", "1", image)
        names = {f"s{n}": f"registry.example/app/{n}:1" for n in range(len(images))}
        profile = write_profile(tmp_path, names)
        mirror = f"registry.example={link.host}"
        run_counted(tmp_path, "build", "--profile", profile, "--registry-mirror", mirror, "--unsigned")
        requests = len(registry.requests)
    assert requests >= 20 + 2 + 40
    assert link.connections <= 12


def test_a_productive_connection_is_reopened_at_once_and_a_dead_one_after_a_pause() -> None:
    pauses: list[float] = []
    retry = Retry("blob", RetryPolicy(), pauses.append)
    broken = TransientError("the connection broke")
    for _ in range(20):
        retry.progress(300_000)
        retry.wait(broken)
    assert pauses == [0.0] * 20
    retry.wait(broken)
    retry.wait(TransientError("busy", retry_after=7))
    assert pauses[-2] > 0
    assert pauses[-1] == 7
