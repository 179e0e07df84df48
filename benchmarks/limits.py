"""Where the limits are: a huge blob, many small ones, many images, a slow line, one that is cut.

    make bench-limits

Registries and simulated lines run in this process. The huge blob is a sparse file of zeros.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.build import OUTPUT
from examples.demo.sample_registry import Image, SampleRegistry
from tests.support.link import Link
from tests.support.scale import huge_image, many_images, run_counted, write_profile

RATE, LATENCY = 20e6, 0.1
CUT_AFTER = (2_000_000, 40_000_000)
LINE = 200_000_000
"""Bytes to transfer over the slow line."""

Case = Callable[[Path], list[Image]]
CASES: dict[str, Case] = {
    "1 image, a blob of 1 GB": lambda folder: [huge_image(folder, 1_000_000_000)],
    "1 image, a blob of 5 GB": lambda folder: [huge_image(folder, 5_000_000_000)],
    "1 image, 3000 small blobs": lambda _: many_images(1, shared=0, own=3000),
    "30 images on 5 shared layers": lambda _: many_images(30, shared=5),
    "300 images on 5 shared layers": lambda _: many_images(300, shared=5),
}


def main() -> None:
    """Run all cases and write the table."""
    parser = argparse.ArgumentParser(prog="make bench-limits", description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the table")
    chosen = parser.parse_args()
    chosen.output.mkdir(parents=True, exist_ok=True)
    lines = [
        "| | bytes, MB | cold build, s | again, s | peak memory, MB | on the line, MB | its time, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, case in CASES.items():
        lines.append(_run(name, case, None))
        print(lines[-1], flush=True)
    huge: Case = lambda folder: [huge_image(folder, LINE)]  # noqa: E731 as those above
    for name, cut_after in (("20 MB/s, 100 ms", None), ("20 MB/s, 100 ms, cut at random", CUT_AFTER)):
        lines.append(_run(f"1 blob over {name}", huge, (cut_after,)))
        print(lines[-1], flush=True)
    (chosen.output / "limits.md").write_text("\n".join(lines) + "\n")


def _run(name: str, case: Case, line: tuple[tuple[int, int] | None] | None) -> str:
    """Run a case and return its row of the table.

    Args:
        name: name of the case.
        case: creates the images.
        line: None for loopback; otherwise a simulated line, with the range of bytes after which it cuts
            connections, or None if it does not.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        registry = stack.enter_context(SampleRegistry())
        images = case(folder)
        for number, image in enumerate(images):
            registry.add_image(f"app/{number}", "1", image)
        host = registry.host
        link = None
        if line:
            link = Link(host, rate=RATE, latency=LATENCY, cut_after=line[0])
            host = stack.enter_context(link).host
        names = {f"s{number}": f"registry.example/app/{number}:1" for number in range(len(images))}
        profile = write_profile(folder, names)
        command = (
            "build", "--profile", profile, "--registry-mirror", f"registry.example={host}", "--unsigned",
        )  # fmt: skip
        walls, peaks = [], []
        for _ in range(2):
            started = time.perf_counter()
            peaks.append(run_counted(folder, *command).peak)
            walls.append(time.perf_counter() - started)
        size = next((folder / "dist").glob("*.tar")).stat().st_size
        over = f"{link.delivered / 1e6:.1f} | {link.delivered / RATE:.1f}" if link else "- | -"
        cold, again = (f"{wall:.1f}" for wall in walls)
        return f"| {name} | {size / 1e6:.0f} | {cold} | {again} | {max(peaks) / 1e6:.0f} | {over} |"


if __name__ == "__main__":
    main()
