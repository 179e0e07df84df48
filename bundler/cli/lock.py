"""`bundle lock`."""

from __future__ import annotations

from typing import Any

import click

from bundler.cli.options import COMMON, PROFILE, SHARED, JobOptions, add, make_job
from bundler.terminal.console import echo, echo_json


@click.command("lock")
@PROFILE
@add(SHARED)
@add(COMMON)
def lock_command(**options: Any) -> None:  # noqa: ANN401 see build
    """Resolve every image again and write its digest to the lock file beside the profile.

    `bundle build` then uses exactly these; `bundle build --locked` refuses anything else.
    """
    from bundler.build import pipeline
    from bundler.build.lock import Lock

    chosen = JobOptions(**options)
    job = make_job(chosen, locked=False, ignore_lock=True)
    fresh = pipeline.lock(job)
    before = Lock.read(fresh.path)
    for name, pins in before.pins.items():  # keep pins for other platforms of images that are still used
        if name in fresh.pins:
            merged = {**pins, **fresh.pins[name]}
            fresh = Lock(fresh.path, {**fresh.pins, name: merged})
    fresh.write()
    rows = [(name, pin.digest) for name, pins in sorted(fresh.pins.items()) for pin in pins.values()]
    if chosen.as_json:
        echo_json({"path": str(fresh.path), "images": dict(rows)})
        return
    for name, digest in rows:
        echo(f"{name}  {digest}")
    echo(f"wrote {fresh.path}; commit it, and build with --locked")
