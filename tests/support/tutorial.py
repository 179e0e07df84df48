"""Run the tutorial's commands, with a registry in this process in place of the one on the page.

`python -m tests.support.tutorial` runs them on a machine where an engine answers.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from examples.demo.sample_registry import Image, SampleRegistry, make_image

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/tutorial/first-site.md"
IMAGE = "docker.io/library/nginx:1.27-alpine"
LOOK = (
    "python3 -c 'import urllib.request as r; print(r.urlopen(\"http://localhost:18080\").read().decode())'\n"
)
"""What a reader does in the browser once the site is installed."""
WELCOME = "the notes are served"


def commands() -> list[str]:
    """Return the command blocks of the page."""
    return re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)


def new_users_machine(folder: Path) -> dict[str, str]:
    """Return the variables for an empty home, where what `pip install .` downloads is already installed."""
    return {
        "HOME": str(folder),
        "PYTHONPATH": next(path for path in sys.path if path.endswith("site-packages")),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def type_in(
    blocks: list[str], image: Image, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run the blocks in one shell that exits at the first failure."""
    with SampleRegistry() as registry:
        registry.add_image("library/nginx", "1.27-alpine", image)
        script = "".join(blocks).replace(IMAGE, f"{registry.host}/library/nginx:1.27-alpine")
        assert registry.host in script
        return subprocess.run(
            ["sh", "-exc", script], cwd=ROOT, env=dict(environment), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip


def web_server() -> Image:
    """Return an image that runs: busybox serves a page, and has the `wget` of the health check."""
    busybox = Path("/bin/busybox").read_bytes()
    return make_image(
        {"bin/sh": busybox, "bin/wget": busybox, "bin/httpd": busybox, "www/index.html": WELCOME.encode()},
        {"Cmd": ["/bin/httpd", "-f", "-p", "80", "-h", "/www"], "Env": ["PATH=/bin"]},
    )


def main() -> int:
    """Run the tutorial in the home named by `HOME`, and fetch the page that the site serves."""
    blocks = commands()
    shows_status = ['notesctl" status' in block for block in blocks]
    blocks.insert(shows_status.index(True) + 1, LOOK)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    machine = new_users_machine(Path(os.environ["HOME"]))
    done = type_in(blocks, web_server(), {**os.environ, **machine, "PATH": path})
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
