"""The compared programs: each makes one portable file or folder from the images of the same registry."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.measure import Sample, measure
from benchmarks.workload import Workload
from tests.support.engines import Engine, docker_client

Command = Sequence[str | Path]
COPY = "cp of the bundle"
WARM = "bundle build, warm"
AGAIN = "bundle build, again"


@dataclass(frozen=True)
class Contender:
    """One of the compared programs.

    Attributes:
        name: name in the table.
        reset: removes everything that an earlier run left.
        commands: commands to run one after another.
        result: file or folder that they make.
        environment, cwd: environment and working folder of the commands.
        daemons: processes that work for the commands.
        keep: whether the result of the previous run is kept.
    """

    name: str
    reset: Callable[[], None]
    commands: Sequence[Command]
    result: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    daemons: tuple[int, ...] = ()
    keep: bool = False

    def run(self) -> Sample:
        """Run the commands once and measure them."""
        if self.result.is_file() and not self.keep:
            self.result.unlink()
        return measure(
            self.commands,
            result=self.result,
            environment=self.environment,
            cwd=self.cwd,
            daemons=self.daemons,
        )


def ours(work: Workload, folder: Path, *, warm: bool, options: Sequence[str] = ()) -> Contender:
    """Return a signed `bundle build`. Warm: nothing has changed and the cache is full; there is no bundle."""
    home = folder / f"ours-{'warm' if warm else 'cold'}{''.join(options)}".replace("=", "-")
    home.mkdir(parents=True, exist_ok=True)
    bundle: Command = (sys.executable, "-m", "bundler")
    measure([[*bundle, "keygen"]], result=home, cwd=home)
    # peers list no packages either: Zarf can, which is disabled in its profile
    build: Command = (
        *bundle, "build", "--profile", work.profile, "--registry-mirror", f"docker.io={work.host}",
        "--cache", home / "cache", "--set", "sbom.packages=false", *options,
    )  # fmt: skip

    def reset() -> None:
        if not warm:
            shutil.rmtree(home / "cache", ignore_errors=True)
            shutil.rmtree(home / "dist", ignore_errors=True)

    name = WARM if warm else "bundle build" + "".join(f" {o}" for o in options)
    result = home / "dist" / f"{work.size}-1.0-{work.size}-linux-amd64.tar"
    # installed programs have bytecode; with these variables set, a working copy would be compiled on each run
    bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    if warm:
        measure([build], result=home, environment=bytecode, cwd=home)
    return Contender(name, reset, [build], result, bytecode, home)


def again(warm: Contender) -> Contender:
    """Return the warm build, run again while its bundle still exists."""
    return replace(warm, name=AGAIN, keep=True)


def copy(warm: Contender, folder: Path) -> Contender:
    """Return a plain copy of the bundle, which shows the time to write its bytes on this machine."""
    target = folder / "copy.tar"
    return Contender(COPY, lambda: None, [["cp", warm.result, target]], target)


def skopeo(work: Workload, folder: Path) -> Contender:
    """Return `skopeo copy` of each image into one OCI layout: no archive, no signature."""
    layout = folder / "skopeo"
    copies = [
        ("skopeo", "copy", "--quiet", "--src-tls-verify=false",
         f"docker://{work.host}/{image}", f"oci:{layout}:{image.rpartition('/')[2]}")
        for image in work.images
    ]  # fmt: skip
    return Contender("skopeo copy", lambda: shutil.rmtree(layout, ignore_errors=True), copies, layout)


def docker(work: Workload, folder: Path, engine: Engine, packer: str) -> Contender:
    """Return `docker pull`, then `docker save` through a compressor: the common manual procedure."""
    names = [f"{work.host}/{image}" for image in work.images]
    client = [docker_client(), "-H", engine.host]
    result = folder / f"docker.{packer.split(maxsplit=1)[0]}"

    def reset() -> None:
        there = engine.docker("images", "-q").split()
        if there:
            engine.docker("rmi", "-f", *set(there))

    pulls: list[Command] = [[*client, "pull", "--quiet", name] for name in names]
    save: Command = [
        "sh",
        "-c",
        f'out=$1; shift; "$@" | {packer} >"$out"',
        "sh",
        result,
        *client,
        "save",
        *names,
    ]
    pid = int((engine.folder / "pid").read_text())
    return Contender(f"docker pull, save | {packer}", reset, [*pulls, save], result, daemons=(pid,))


def podman(work: Workload, folder: Path) -> Contender:
    """Return `podman pull`, then `podman save` of all images into one archive."""
    names = [f"{work.host}/{image}" for image in work.images]
    home = folder / "podman"
    program: Command = [
        "podman",
        "--root",
        home / "root",
        "--runroot",
        home / "run",
        "--tmpdir",
        home / "tmp",
    ]
    result = folder / "podman.tar"

    def reset() -> None:
        result.unlink(missing_ok=True)
        if home.is_dir():
            measure([[*program, "rmi", "--all", "--force"]], result=folder / "podman")

    pulls: list[Command] = [[*program, "pull", "--quiet", "--tls-verify=false", name] for name in names]
    save: Command = [*program, "save", "--quiet", "--multi-image-archive", "-o", result, *names]
    return Contender("podman pull, save", reset, [*pulls, save], result)


def zarf(work: Workload, folder: Path) -> Contender:
    """Return `zarf package create` of a component that lists the images."""
    home = folder / "zarf"
    home.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"      - {work.host}/{image}\n" for image in work.images)
    (home / "zarf.yaml").write_text(
        "kind: ZarfPackageConfig\nmetadata:\n  name: bench\n"
        f"components:\n  - name: all\n    required: true\n    images:\n{lines}"
    )
    result = home / "out"
    cache = home / "cache"
    command: Command = [
        "zarf", "package", "create", home, "--confirm", "--skip-sbom", "--plain-http",
        "--cache", cache, "--output", result, "--architecture", "amd64",
    ]  # fmt: skip

    def reset() -> None:
        for each in (result, cache):
            shutil.rmtree(each, ignore_errors=True)

    return Contender("zarf package create", reset, [command], result)


def hauler(work: Workload, folder: Path) -> Contender:
    """Return `hauler store sync` of a list, with its default concurrency, then `hauler store save`."""
    home = folder / "hauler"
    home.mkdir(parents=True, exist_ok=True)
    store, result, wanted = home / "store", home / "haul.tar.zst", home / "images.txt"
    wanted.write_text("".join(f"{work.host}/{image}\n" for image in work.images))
    common: Command = ["--store", store, "--haulerdir", home / "settings", "--tempdir", home]
    sync: Command = [
        "hauler", "store", "sync", "--image-txt", wanted, "--platform", "linux/amd64",
        "--exclude-extras", "--no-progress", *common,
    ]  # fmt: skip
    save: Command = ["hauler", "store", "save", "--filename", result, *common]
    return Contender(
        "hauler sync, save", lambda: shutil.rmtree(store, ignore_errors=True), [sync, save], result
    )


def available(work: Workload, folder: Path, engine: Engine | None) -> tuple[list[Contender], list[str]]:
    """Return the contenders whose programs are installed, ours first, and what is missing for the others."""
    warm = ours(work, folder, warm=True)
    once = ours(work, folder, warm=False, options=("--write-once",))
    found = [ours(work, folder, warm=False), once, warm, again(warm), copy(warm, folder)]
    lacking = []
    for program, make in {"skopeo": skopeo, "podman": podman, "zarf": zarf, "hauler": hauler}.items():
        if shutil.which(program) is None:
            lacking.append(f"{program} is not on PATH")
        elif program == "podman" and os.geteuid() != 0:
            lacking.append("podman: needs root for a store of its own")
        else:
            found.append(make(work, folder))
    if engine:
        found += [docker(work, folder, engine, packer) for packer in ("gzip", "zstd -3 -T0")]
    else:
        lacking.append("docker pull and save: needs root and dockerd for an engine of its own")
    return found, lacking
