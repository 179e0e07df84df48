"""Builds the same images with `bundle` and with the peers, in turn, and compares.

    make bench                                  the small size, some minutes
    make bench SIZES="small medium large"       all; the first run makes the images, which takes long

Requires docker-registry and skopeo. As root, it also compares docker and podman, and a cold page cache.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.contenders import AGAIN, COPY, WARM, Contender, available
from benchmarks.measure import Sample, can_drop_caches, drop_caches, touch_memory
from benchmarks.report import excess, plot, table
from benchmarks.workload import SIZES, Workload, prepare
from tests.support.engines import DistributionRegistry, Engine
from tests.support.programs import free_port

OUTPUT = Path(__file__).parents[1] / "docs" / "explanation" / "performance"
CACHES = {"cold": "page cache emptied before every run", "warm": "page cache as it is"}


def main() -> None:
    """Parse the options and run the benchmark."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["small"])
    parser.add_argument("--rounds", type=int, default=3, help="runs of each contender, in turn (default 3)")
    parser.add_argument("--only", help="contenders whose name has this word; skopeo always runs")
    parser.add_argument("--skip", nargs="+", default=[], help="contenders whose name has one of these words")
    parser.add_argument("--caches", nargs="+", choices=CACHES, default=list(CACHES))
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the tables and plots")
    parser.add_argument("--folder", type=Path, help="where the work is done (default: a temporary folder)")
    chosen = parser.parse_args()
    for program in ("docker-registry", "skopeo"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is missing: apt-get install {program}")
    chosen.output.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that engine and registry are stopped
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=chosen.folder)))
        registry = DistributionRegistry(folder / "registry", free_port()).start()
        stack.callback(registry.stop)
        engine = _engine(folder, stack)
        for size in chosen.sizes:
            print(f"{size}: preparing the images", flush=True)
            work = prepare(size, registry, folder)
            _compare(work, folder / f"work-{size}", engine, chosen)


def _engine(folder: Path, stack: ExitStack) -> Engine | None:
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        return None
    engine = Engine(folder / "engine")
    stack.callback(engine.remove)
    return engine.start("--bridge=none", "--iptables=false", "--ip6tables=false")


def _compare(work: Workload, folder: Path, engine: Engine | None, chosen: argparse.Namespace) -> None:
    folder.mkdir()
    contenders, lacking = available(work, folder, engine)
    if chosen.only:
        contenders = [c for c in contenders if chosen.only in c.name or c.name in {"skopeo copy", COPY}]
    contenders = [c for c in contenders if not any(word in c.name for word in chosen.skip)]
    for line in lacking:
        print(f"left out: {line}")
    for cache in chosen.caches:
        if cache == "cold" and not can_drop_caches():
            print("left out: cold page cache (emptying it needs root)")
            continue
        print(
            f"\n{work.size}, {work.layers / 1e6:.0f} MB of blobs, {CACHES[cache]}, {chosen.rounds} rounds",
            flush=True,
        )
        results = _rounds(contenders, chosen.rounds, work.layers, cold=cache == "cold")
        text = table(results, "skopeo copy")
        for name in (WARM, AGAIN):
            if {name, COPY} <= results.keys():
                more = excess(results[name], results[COPY]).text(2)
                text += f"\n`{name}` takes {more} s more than a plain copy of its file in the same round.\n"
        print(text, flush=True)
        _write(chosen.output, f"build-{work.size}-{cache}", work, results, text)
    shutil.rmtree(folder, ignore_errors=True)


def _rounds(contenders: list[Contender], rounds: int, size: int, *, cold: bool) -> dict[str, list[Sample]]:
    """Run the contenders in turn, so that a busy minute affects all of them; each writes `size` bytes."""
    results: dict[str, list[Sample]] = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        for contender in contenders:
            os.sync()
            contender.reset()
            if cold:
                drop_caches()
            touch_memory(2 * size)
            sample = contender.run()
            print(f"  {number + 1} {contender.name}: {sample.wall:.2f} s", flush=True)
            results[contender.name].append(sample)
    return results


def _write(output: Path, name: str, work: Workload, results: dict[str, list[Sample]], text: str) -> None:
    raw = {key: [dataclasses.asdict(sample) for sample in samples] for key, samples in results.items()}
    (output / f"{name}.json").write_text(json.dumps(raw, indent=1) + "\n")
    (output / f"{name}.md").write_text(text)
    title = f"{len(work.images)} images, {work.layers / 1e6:.0f} MB: seconds, less is better"
    (output / f"{name}.svg").write_text(plot(title, results))


if __name__ == "__main__":
    main()
