"""`bundle lock`."""

from __future__ import annotations

from typing import Any

import click

from bundler.cli.options import COMMON, PROFILE, SHARED, JobOptions, add, make_jobs
from bundler.language import tr
from bundler.terminal.console import echo, echo_json


@click.command("lock")
@PROFILE
@add(SHARED)
@add(COMMON)
def lock_command(**options: Any) -> None:  # noqa: ANN401 see build
    """Resolve every image again and write its digest to the lock file beside the profile.

    `bundle build` then uses exactly these; `bundle build --locked` refuses anything else. The file keeps the
    digests for other platforms.
    """
    from bundler.build import pipeline
    from bundler.build.lock import Lock

    chosen = JobOptions(**options)
    made = pipeline.lock(make_jobs(chosen, locked=False, ignore_lock=True))
    fresh = made.keeping(Lock.read(made.path))
    fresh.write()
    if chosen.as_json:
        images = {
            name: {platform: pin.digest for platform, pin in pins.items()}
            for name, pins in sorted(fresh.pins.items())
        }
        echo_json({"path": str(fresh.path), "images": images})
        return
    several = len({platform for pins in fresh.pins.values() for platform in pins}) > 1
    for name, pins in sorted(fresh.pins.items()):
        for platform, pin in sorted(pins.items()):
            echo(f"{name}  {pin.digest}" + (f"  {platform}" if several else ""))
    echo(tr("wrote {file}; commit it, and build with --locked", file=fresh.path))
