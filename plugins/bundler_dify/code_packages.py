"""Python packages for Code nodes: carried as wheels, or installed from a mirror of the intranet.

The sandbox runs `pip3 install -r` on the text of `/dependencies/python-requirements.txt`, with `-i` if
`PIP_MIRROR_URL` is set, at its start and then every half hour. If pip fails at the start, the sandbox exits
(langgenius/dify-sandbox 0.2.15, 5631afef06ec: internal/static/config.go, internal/server/server.go,
internal/core/runner/python/setup.go). pip reads `PIP_NO_INDEX` and `PIP_FIND_LINKS` from its environment,
which the sandbox passes on. Therefore the set of wheels must be complete: at build time, pip itself resolves
them for the sandbox's Python and platform.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Final

from bundler.api.application import ApplicationContext, ConfigFile
from bundler.errors import BundleError
from bundler.language import tr
from bundler_dify.connections import Environment
from bundler_dify.repackage import pip_download, why_pip_failed
from bundler_dify.settings.model import DifySettings

FOLDER: Final = "code-packages"
INSIDE: Final = "/dependencies"
"""Folder in which the sandbox looks for packages."""
_WHEEL = re.compile(r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[^-]+)(?:-[0-9][^-]*)?(?:-[^-]+){3}\.whl")
_LIMIT: Final = 600
"""Time limit of pip in seconds; it downloads nothing."""


def package_volumes(settings: DifySettings) -> list[str]:
    """Return the volume with the packages of the bundle, or a data folder that the site fills."""
    if settings.code_packages.used:
        return [f"./{FOLDER}:{INSIDE}:ro"]
    return [f"${{BUNDLE_DATA}}/sandbox/dependencies:{INSIDE}"]


def sandbox_packages(settings: DifySettings) -> Environment:
    """Return the variables that set where the sandbox of Code nodes gets packages."""
    packages = settings.code_packages
    if not packages.used:
        return {}
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    if packages.wheels:
        return {
            "PIP_MIRROR_URL": "",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": f"{INSIDE}/wheels",
            **quiet,
        }
    return {"PIP_MIRROR_URL": str(settings.mirrors.pip), **quiet}


def agent_mirrors(settings: DifySettings) -> Environment:
    """Return the package indexes for pip, uv and npm in agents' shells: each reads its own variable.

    The shells inherit the container's environment (langgenius/dify 0efa09a68cba,
    dify-agent-runtime/cmd/runner).
    """
    pip, npm = settings.mirrors.pip, settings.mirrors.npm
    return {
        **({"PIP_INDEX_URL": pip, "UV_DEFAULT_INDEX": pip} if pip else {}),
        **({"NPM_CONFIG_REGISTRY": npm} if npm else {}),
    }


def package_files(settings: DifySettings, context: ApplicationContext) -> tuple[ConfigFile, ...]:
    """Return the requirements file and the wheels that it requires, below `config/`.

    Raises:
        BundleError: a wheel cannot be read, or the set of wheels is incomplete.
    """
    packages = settings.code_packages
    if not packages.used:
        return ()
    wheels = {path.name: context.base / path for path in packages.wheels}
    requirements = list(packages.requirements) or _pins(wheels)
    text = "".join(f"{line}\n" for line in requirements)
    found = [ConfigFile(f"{FOLDER}/python-requirements.txt", text.encode())]
    if wheels:
        needed = _resolve(text, wheels, str(packages.python), context)
        found += [ConfigFile(f"{FOLDER}/wheels/{name}", wheels[name]) for name in sorted(needed)]
    return tuple(found)


def _pins(wheels: dict[str, Path]) -> list[str]:
    pins = set()
    for name in wheels:
        parts = _WHEEL.fullmatch(name)
        if parts is None:
            raise _wrong(name, tr("is not a wheel file name"), tr("keep the file name that pip gave it"))
        pins.add(f"{parts['name']}=={parts['version']}")
    return sorted(pins)


def _resolve(text: str, wheels: dict[str, Path], python: str, context: ApplicationContext) -> set[str]:
    """Return the names of the wheels that pip selects for this Python and platform, with all dependencies."""
    with tempfile.TemporaryDirectory(prefix="code-packages-") as scratch:
        folder = Path(scratch)
        (folder / "given").mkdir()
        for name, path in wheels.items():
            if not path.is_file():
                raise _wrong(
                    str(path), tr("cannot be read"), tr("relative paths start from the folder of the profile")
                )
            (folder / "given" / name).symlink_to(path.resolve())
        (folder / "requirements.txt").write_text(text, encoding="utf-8")
        options = ["--isolated", "--no-cache-dir", "--no-index", "--find-links=given", "--dest=taken"]
        options += ["--requirement=requirements.txt"]
        result = pip_download("code_packages", python, context.platform, options, folder, limit=_LIMIT)
        if result.returncode:
            raise _wrong(
                tr("the set of wheels is incomplete"),
                why_pip_failed(result.stderr),
                tr(
                    "add the missing wheel for CPython {python} on {platform}",
                    python=python,
                    platform=context.platform,
                ),
            )
        return {path.name for path in (folder / "taken").iterdir()}


def _wrong(what: str, message: str, hint: str) -> BundleError:
    return BundleError(
        tr("settings: code_packages: {what}: {message}", what=what, message=message), hint=hint
    )
