"""What a site waits for: verifying, loading, installing again; against openssl, sha256sum, `docker load`.

    make bench-site                       redis and nginx on one base, kept and compact
    make bench-site BENCH=--medium        verifying also of the 2 GB that `make bench SIZES=medium` carries

Requires root: each engine runs in its own network namespace, as in the tests.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.build import OUTPUT
from benchmarks.report import Spread
from benchmarks.workload import RECIPES, prepare
from tests.support.builder import Builder
from tests.support.engines import DistributionRegistry, Site
from tests.support.images import build_images
from tests.support.programs import free_port

PROFILE = Path(__file__).parents[1] / "tests" / "e2e" / "pair.yaml"
IMAGES = {"redis": "library/redis:7", "nginx": "library/nginx:1.22"}
FORMS = {"keep": ("--set", "pack.compression=keep"), "compact": ("--set", "pack.level=12")}
ENGINES = {"Docker 20.10": False, "Docker 26.1": True}
OPENSSL = "`openssl dgst -sha256` of its files"
PLAIN = "plain `docker load` of the layout"
"""The baselines: rows of the table are compared with the last baseline above them."""
AGAIN = "installing again, nothing changed"
TIMED = """#!/bin/sh
[ "$1" = load ] || exec {docker} "$@"
start=$(date +%s.%N)
{docker} "$@"
code=$?
echo "$start $(date +%s.%N)" >{times}
exit $code
"""
"""Wraps the real client and records how long each load takes."""


def main() -> None:
    """Parse the options and run the benchmark."""
    parser = argparse.ArgumentParser(prog="make bench-site", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--medium", action="store_true", help="verify also a bundle of 2 GB")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the table")
    chosen = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("needs root: the engines are its own")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that engines and registry are stopped
    chosen.output.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bs-")))
        registry = DistributionRegistry(folder / "registry", free_port()).start()
        stack.callback(registry.stop)
        bundles = _build(folder, registry)
        rows: dict[str, list[float]] = {}
        _verify(bundles["keep"], chosen.rounds, rows)
        if chosen.medium:
            medium = _build_medium(folder / "medium", registry)
            _verify(medium, chosen.rounds, rows, "2 GB: ")
            shutil.rmtree(medium)
        for name, newer in ENGINES.items():
            site = Site(folder / ("new" if newer else "old"), newer=newer)
            stack.callback(site.close)
            site.open()
            _load(name, site, bundles, chosen.rounds, rows)
        text = _table(rows)
        print(text)
        (chosen.output / "site.md").write_text(text)


def _table(rows: Mapping[str, Sequence[float]]) -> str:
    """Return a Markdown table of the times, and their ratios to the baseline's times in the same rounds."""
    lines = ["| | wall, s | / openssl, / plain load |", "|---|---|---|"]
    yardstick: Sequence[float] = ()
    for name, times in rows.items():
        if name.endswith((OPENSSL, PLAIN)):
            yardstick = times
        ratio = Spread.of([one / other for one, other in zip(times, yardstick, strict=True)]).text(2)
        lines.append(f"| {name} | {Spread.of(times).text(2)} | {'' if name.endswith(AGAIN) else ratio} |")
    return "\n".join(lines) + "\n"


def _build(folder: Path, registry: DistributionRegistry) -> dict[str, Path]:
    """Return the unpacked bundle of each form."""
    for name, layout in build_images(list(IMAGES), RECIPES).items():
        registry.push(layout, IMAGES[name])
    found = {}
    for form, options in FORMS.items():
        builder = Builder(folder / form, folder / "cache")
        found[form] = _unpacked(builder.build(PROFILE, registry.host, *options))
    return found


def _build_medium(folder: Path, registry: DistributionRegistry) -> Path:
    work = prepare("medium", registry, folder)
    once = ("--write-once", "--set", "sbom.packages=false")
    return _unpacked(Builder(folder, folder / "cache").build(work.profile, registry.host, *once))


def _unpacked(bundle: Path) -> Path:
    print(f"{bundle.parents[1].name}: {bundle.stat().st_size / 1e6:.0f} MB", flush=True)
    subprocess.run(["tar", "-xf", bundle, "-C", bundle.parent], check=True)
    return bundle.with_suffix("")


def _timed(command: list[str | Path], cwd: Path) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def _verify(bundle: Path, rounds: int, rows: dict[str, list[float]], prefix: str = "") -> None:
    files = [path.relative_to(bundle) for path in sorted(bundle.rglob("*")) if path.is_file()]
    key = bundle.parents[1] / "bundle.pub"
    contenders: dict[str, list[str | Path]] = {
        OPENSSL: ["openssl", "dgst", "-sha256", *files],
        f"`sh install verify`, {os.cpu_count()} cores": ["sh", "install", "verify", "--key", key],
        "`sha256sum -c SHA256SUMS`": ["sha256sum", "--quiet", "-c", "SHA256SUMS"],
        "`bundle verify`": [
            sys.executable, "-m", "bundler", "verify", bundle.parent / f"{bundle.name}.tar", "--key", key,
        ],
    }  # fmt: skip
    for _ in range(rounds):
        for name, command in contenders.items():
            rows.setdefault(prefix + name, []).append(_timed(command, bundle))


def _load(
    engine: str, site: Site, bundles: Mapping[str, Path], rounds: int, rows: dict[str, list[float]]
) -> None:
    times = site.folder / "load-times"
    bin_folder = site.folder / "timed"
    bin_folder.mkdir()
    real = site.environment["PATH"].partition(":")[0] + "/docker"
    wrapper = bin_folder / "docker"
    wrapper.write_text(TIMED.format(docker=real, times=times))
    wrapper.chmod(0o755)
    path = {"PATH": f"{bin_folder}:{site.environment['PATH']}"}
    archive = site.folder / "layout.tar"
    subprocess.run(["tar", "-cf", archive, "-C", bundles["keep"] / "images", "."], check=True)
    compact = site.folder / "images.tar.zst"
    parts = sorted((bundles["compact"] / "images").iterdir())
    compact.write_bytes(b"".join(part.read_bytes() for part in parts))

    def plain(file: Path) -> float:
        started = time.perf_counter()
        site.docker("load", "-q", "-i", file)
        return time.perf_counter() - started

    def install(form: str, *, second: bool = False) -> float:
        started = time.perf_counter()
        key = bundles[form].parents[1] / "bundle.pub"
        options = ("--root", site.folder / "root", "--key", key, "--yes")
        done = site.run("sh", bundles[form] / "install", *options, environment=path)
        assert done.returncode == 0, done.stdout + done.stderr  # noqa: S101 do not measure failures
        whole = time.perf_counter() - started
        start, end = map(float, times.read_text().split())
        return whole if second else end - start

    contenders: dict[str, Callable[[], float]] = {
        f"{engine}: {PLAIN}": lambda: plain(archive),
        f"{engine}: loading, keep": lambda: install("keep"),
        f"{engine}: loading, compact": lambda: install("compact"),
    }
    if site.newer:
        contenders[f"{engine}: plain `docker load` of images.tar.zst"] = lambda: plain(compact)
    for number in range(rounds):
        for name, run in contenders.items():
            _forget(site)
            os.sync()
            rows.setdefault(name, []).append(run())
            print(f"  {number + 1} {name}: {rows[name][-1]:.2f} s", flush=True)
        _forget(site)
        install("keep")
        rows.setdefault(f"{engine}: {AGAIN}", []).append(install("keep", second=True))
    _forget(site)


def _forget(site: Site) -> None:
    for kind, remove in (("ps", "rm"), ("images", "rmi")):
        found = site.docker(kind, "-aq").split()
        if found:
            site.docker(remove, "-f", *sorted(set(found)))
    shutil.rmtree(site.folder / "root", ignore_errors=True)


if __name__ == "__main__":
    main()
