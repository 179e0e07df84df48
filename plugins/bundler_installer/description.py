"""The installer's part in the output of `bundle plan`, `bundle inspect` and `bundle build`."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bundler.api.application import Requirement
from bundler.api.output import Description, Finished
from bundler.image.platform import Platform
from bundler.language import tr, tr_later
from bundler.terminal.progress import format_bytes
from bundler_installer.facts import unpacked_bytes
from bundler_installer.manifest import EngineEntry, InstallerManifest, ReleaseEntry
from bundler_installer.requirements import merge_requirements
from bundler_installer.site_checks import list_checks

if TYPE_CHECKING:
    from bundler_installer.profile import Freshness, InstallerProfile


NAMES: Final = {"docker": "Docker", "compose": "Compose"}
"""Programs whose versions `bundle plan` shows."""


def describe_profile(
    profile: InstallerProfile, platform: Platform, required: Iterable[Requirement]
) -> Description:
    """Return the lines for `bundle plan`: counter and expiry, versions and why, and the carried engine."""
    engine = profile.engine.get(str(platform))
    lines = [(tr("release"), _release(profile.release))]
    requirements = merge_requirements(required, profile.requirements.to_requirements())
    lines += [
        (
            tr("the site requires {program}", program=NAMES[each.id]),
            tr(
                "{version} or newer ({reason})",
                version=each.minimum,
                reason=tr(each.reason or tr_later("the profile")),
            ),
        )
        for each in requirements
        if each.id in NAMES and each.minimum
    ]
    if engine:
        lines.append((tr("engine in the bundle, for sites without one"), ", ".join(engine.targets)))
    return Description(
        tuple(lines),
        data={
            "release": profile.release.model_dump(),
            "engine": list(engine.targets) if engine else None,
            "requirements": [asdict(each) for each in requirements],
        },
        requirements=tuple(requirements),
        checks=list_checks(platform, requirements, None),
    )


def describe_manifest(manifest: InstallerManifest) -> Description:
    """Return the lines for `bundle inspect`: counter and expiry, the engine, and the server requirements."""
    lines = []
    if manifest.release:
        lines.append((tr("release"), _release(manifest.release)))
    if manifest.engine:
        lines.append((tr("engine"), _engine(manifest.engine)))
    needs = [
        (r.id, r.minimum or "-", r.recommended or "-", tr(r.reason or "-")) for r in manifest.requirements
    ]
    head = (tr("requirement"), tr("minimum"), tr("recommended"), tr("reason"))
    tables = ((head, needs),) if needs else ()
    required = tuple(Requirement(r.id, r.minimum, r.recommended, r.reason) for r in manifest.requirements)
    platform, unpacked = Platform.parse(manifest.platform), unpacked_bytes(manifest.images)
    checks = list_checks(platform, required, unpacked)
    return Description(tuple(lines), tables, requirements=required, checks=checks)


def _release(release: Freshness | ReleaseEntry) -> str:
    """Return counter and expiry in one line."""
    counter = release.counter
    parts = [tr("counter {counter}", counter=counter) if counter else tr("counter from the date")]
    if release.expires is None:
        parts.append(tr("no expiry"))
    else:
        parts.append(tr("expires {time}", time=_time(release.expires)))
        parts.append(tr("refused after {time}", time=_time(release.expires + release.grace)))
    return tr(", ").join(parts)


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _engine(engine: EngineEntry) -> str:
    parts = [file.path.rpartition("/")[2] for file in engine.files]
    version = f"Docker {engine.version}, " if engine.version else ""
    return f"{version}{format_bytes(engine.size)}: {', '.join(parts)} (install --install-engine)"


def next_steps(bundle: Finished) -> list[str]:
    """Return instructions: what to send ahead, what to carry to the site, and what to run there."""
    trusted = " ".join(f"--key {shlex.quote(Path(key).name)}" for key in bundle.public_keys)
    lines = []
    for sidecar in bundle.sidecars:
        files = tr("{file} and {file}.sig", file=sidecar.name) if bundle.signed else sidecar.name
        lines.append(tr("send {files} ahead; on the site's server:", files=files))
        if bundle.signed:
            lines.append(f"  {_check_line(sidecar.name, Path(bundle.public_keys[0]).name)} &&")
        lines.append(f"  sh {shlex.quote(sidecar.name)}")
    carried, trust = tr("{name} and its .sha256", name=bundle.path.name), "--allow-unsigned"
    if bundle.signed:
        trust = trusted
        carried = tr(
            "{name}, its .sha256 and {keys}", name=bundle.path.name, keys=", ".join(bundle.public_keys)
        )
    name = shlex.quote(bundle.path.name)
    lines += [
        tr("carry {files} to the site; there:", files=carried),
        f"  sha256sum -c {name}.sha256 &&",
        f"  tar -xf {name} &&",
        f"  sh {shlex.quote(bundle.path.stem)}/install {trust}",
    ]
    return lines


def _check_line(name: str, public_key: str) -> str:
    """Return a command that verifies a file with the first signature beside it, using only openssl."""
    file, key = shlex.quote(name), shlex.quote(public_key)
    return (
        f"head -n 1 {file}.sig | base64 -d | openssl dgst -sha256 -verify {key} -signature /dev/stdin {file}"
    )
