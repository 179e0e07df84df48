"""`make demo`: a sample registry, a bundle from it, verified, preflighted; installed where Docker answers."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from examples.demo.host_image import host_programs  # noqa: E402 after the path is set
from examples.demo.sample_registry import SampleRegistry, make_image  # noqa: E402 likewise

BUNDLE = [sys.executable, "-m", "bundler.cli"]
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def say(text: str) -> None:
    """Tell what comes next."""
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def run(*command: str, cwd: Path, allowed: tuple[int, ...] = (0,)) -> int:
    """Show a command as one would type it, and run it.

    Raises:
        SystemExit: it returned something else than `allowed`.
    """
    shown = [part if part != sys.executable else "python" for part in command]
    line = shlex.join(shown).replace("python -m bundler.cli", "bundle")
    print(f"$ {line}", flush=True)
    environment = {**os.environ, "BUNDLE_CACHE": str(cwd / "cache")}
    code = subprocess.run(command, cwd=cwd, env=environment, check=False).returncode
    if code not in allowed:
        sys.exit(f"demo: {command[0]} returned {code}")
    return code


def engine_answers() -> bool:
    """Whether a Docker engine with Compose is there."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    probes = ([docker, "info"], [docker, "compose", "version"])
    return all(subprocess.run(p, capture_output=True, check=False).returncode == 0 for p in probes)


def main() -> None:
    """Run the demo in a temporary folder; it is removed at the end."""
    os_arch = f"linux/{ARCHITECTURES.get(platform.machine(), platform.machine())}"
    with tempfile.TemporaryDirectory(prefix="bundle-demo-") as folder, SampleRegistry() as registry:
        work = Path(folder)
        say(f"A sample registry answers on {registry.host}; a small image is pushed to it")
        programs = host_programs()
        image = make_image({**programs, "etc/release": b"hello 1.0\n"}, {"Cmd": ["/bin/sh"]}, os_arch)
        registry.add_image("hello", "1.0", image)
        say("A key pair to sign with")
        run(*BUNDLE, "keygen", cwd=work)
        say("What a build would do")
        source = ("--profile", "demo", "--platform", os_arch)
        mirror = ("--registry-mirror", f"registry.demo.example={registry.host}")
        run(*BUNDLE, "plan", *source, *mirror, cwd=work)
        say("The build: resolve, fetch, render, sign, pack")
        run(*BUNDLE, "build", *source, *mirror, cwd=work)
        say("Every byte of the bundle, checked")
        bundle = next((work / "dist").glob("*.tar"))
        run(*BUNDLE, "verify", str(bundle.relative_to(work)), cwd=work)
        say("The site: the file is unpacked, its installer looks at the hardware")
        run("tar", "-xf", str(bundle), cwd=work)
        install, root = f"{bundle.stem}/install", str(work / "site")
        run("sh", install, "preflight", "--root", root, cwd=work, allowed=(0, 3))
        if not programs or not engine_answers():
            say("No Docker engine with Compose answers here, so the installation is left out")
            return
        say("The installation: verify, load, start, wait until healthy")
        run("sh", install, "--root", root, "--key", "bundle.pub", "--yes", cwd=work)
        run("sh", install, "status", "--root", root, cwd=work)
        say("And away again, with its data")
        run("sh", install, "uninstall", "--root", root, "--purge", "all", "--yes", cwd=work)


if __name__ == "__main__":
    main()
