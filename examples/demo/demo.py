"""`make demo`: builds a bundle from a sample registry, verifies it, and installs it if Docker answers."""

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

BUNDLE = [sys.executable, "-m", "bundler"]
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
PREFLIGHT_FAILED = 3


class Demo:
    """The steps of the demo, in a folder that is removed at the end.

    Attributes:
        work: the folder; commands are shown as if they ran in the reader's current folder.
        step: number of the current step.
    """

    def __init__(self, work: Path, registry: SampleRegistry) -> None:
        self.work = work
        self.step = 0
        self._registry = registry
        self._platform = f"linux/{ARCHITECTURES.get(platform.machine(), platform.machine())}"
        self._environment = {**os.environ, "BUNDLE_CACHE": str(work / "cache")}

    def say(self, title: str, *lines: str) -> None:
        """Print the next step and its reason."""
        self.step += 1
        bold, plain = ("\033[1;36m", "\033[0m") if sys.stdout.isatty() else ("", "")
        print(f"\n{bold}{self.step}. {title}{plain}", *lines, sep="\n   ", flush=True)

    def run(self, *command: str, allowed: tuple[int, ...] = (0,)) -> int:
        """Print a command as a user would type it, run it, and return its exit code.

        Raises:
            SystemExit: the exit code is not in `allowed`.
        """
        line = shlex.join(command).replace(shlex.join(BUNDLE), "bundle")
        bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
        print(f"{bold}$ {line}{plain}", flush=True)
        code = subprocess.run(command, cwd=self.work, env=self._environment, check=False).returncode
        if code not in allowed:
            sys.exit(f"demo: this command returned {code}: {line}")
        return code

    def build(self, programs: dict[str, bytes]) -> str:
        """Run the release engineer's steps, and return the bundle's name."""
        self.say(
            f"A registry answers on {self._registry.host}",
            "It lives in this process and has one small image, which holds this machine's own shell.",
        )
        image = make_image({**programs, "etc/release": b"hello 1.0\n"}, {"Cmd": ["/bin/sh"]}, self._platform)
        self._registry.add_image("hello", "1.0", image)
        self.say("A key pair", "The private key signs bundles; the public key goes to the sites.")
        self.run(*BUNDLE, "keygen")
        source = ("--profile", "demo", "--platform", self._platform)
        mirror = ("--registry-mirror", f"registry.demo.example={self._registry.host}")
        self.say("The plan", "What a build would do: images, digests, sizes. Nothing is written.")
        self.run(*BUNDLE, "plan", *source, *mirror)
        self.say(
            "The build", "Resolve, fetch, render, sign, pack: one file comes out. No Docker engine is used."
        )
        self.run(*BUNDLE, "build", *source, *mirror)
        name = next((self.work / "dist").glob("*.tar")).stem
        self.say(
            "The bundle is verified", "Signature, structure and every byte, with the key that sites get."
        )
        self.run(*BUNDLE, "verify", f"dist/{name}.tar", "--key", "bundle.pub")
        return name

    def look(self, name: str) -> bool:
        """Run the operator's steps that change nothing, and return whether the preflight succeeds."""
        self.say("The site unpacks the file", "From here on: plain sh. Nothing of Python is used any more.")
        self.run("tar", "-xf", f"dist/{name}.tar")
        self.say("The installer verifies", "The same checks again, with openssl, at the place that matters.")
        self.run("sh", f"{name}/install", "verify", "--key", "bundle.pub", "--root", "site")
        self.say("The preflight", "Is this server good enough? It measures and changes nothing.")
        code = self.run("sh", f"{name}/install", "preflight", "--root", "site", allowed=(0, PREFLIGHT_FAILED))
        if code == PREFLIGHT_FAILED:
            print(f"   (exit code {code}: a site would now know what to mend, before anything was changed)")
        return code == 0

    def install(self, name: str) -> None:
        """Install, show the status and logs, and uninstall, even if a step fails."""
        self.say("The installation", "Verify, load the image, make the secret, start, wait until healthy.")
        try:
            self.run("sh", f"{name}/install", "--root", "site", "--key", "bundle.pub", "--yes")
            self.say("The status", "After installation the same commands are site/helloctl.")
            self.run("sh", "site/helloctl", "status")
            self.run("sh", "site/helloctl", "logs", "hello", "--tail", "3")
        finally:
            self.say(
                "Away again", "Containers, image, data and secrets: everything is named, so everything goes."
            )
            command = ("uninstall", "--root", "site", "--purge", "all", "--yes")
            self.run("sh", f"{name}/install", *command, allowed=(0, 1))


def lacking(programs: dict[str, bytes]) -> str:
    """Return why the demo cannot install anything on this machine; empty if it can."""
    if not programs:
        return "no image that runs can be made from this machine's programs (that takes a Linux with ldd)"
    host = os.environ.get("DOCKER_HOST", "unix://")
    if not host.startswith("unix://"):
        return f"the Docker engine is another machine's (DOCKER_HOST={host})"
    docker = shutil.which("docker")
    if docker is None:
        return "Docker is not installed"
    for words, reason in (
        (("info", "-f", "{{.ServerVersion}}"), "no Docker engine answers"),
        (("compose", "version"), "Docker has no Compose plugin"),
    ):
        probe = subprocess.run([docker, *words], capture_output=True, check=False)
        if probe.returncode != 0:
            return reason
    return ""


def main() -> None:
    """Run the demo in a temporary folder."""
    programs = host_programs()
    with tempfile.TemporaryDirectory(prefix="bundle-demo-") as folder, SampleRegistry() as registry:
        demo = Demo(Path(folder), registry)
        name = demo.build(programs)
        if sys.platform != "linux":
            demo.say("This is not a Linux machine", "The site's half needs one, so the demo ends here.")
            return
        good = demo.look(name)
        reason = lacking(programs) or ("" if good else "the preflight failed")
        if reason:
            demo.say("The installation is left out", f"Here, {reason}.")
        else:
            demo.install(name)
    demo.say("Done", "Everything was in a temporary folder, which is gone. For a project of your own:")
    print("     bundle init --from path/to/compose.yaml    (docs/how-to/build.md continues from there)")


if __name__ == "__main__":
    main()
