"""`bundle build`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bundler.cli.options import COMMON, PROFILE, SHARED, JobOptions, add, make_jobs
from bundler.cli.rehearse import (
    find_rehearser,
    make_options,
    rehearsal_error,
    rehearsal_json,
    rehearse,
    show_rehearsal,
)
from bundler.cli.signing import KEY_OPTIONS, OpenKey, chosen_keys, open_keys, public_names
from bundler.errors import UsageError
from bundler.language import tr
from bundler.terminal.console import echo, echo_json

if TYPE_CHECKING:
    from bundler.api.output import Packer
    from bundler.api.rehearsal import Rehearsal
    from bundler.build.pipeline import Built, Job
    from bundler.profile.model import Profile


@click.command("build")
@PROFILE
@click.option(
    "-o",
    "--output",
    default="dist",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the bundle.",
)
@click.option("--locked", is_flag=True, help="Refuse every image that the lock file does not pin.")
@click.option(
    "--write-once",
    is_flag=True,
    help="Download large layers directly into the bundle: half the disk space, but they are not cached.",
)
@add(SHARED)
@add(KEY_OPTIONS)
@click.option(
    "--rotation",
    "statements",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Include this rotation or revocation; the ones beside a key file are always included.",
)
@click.option(
    "--rehearse",
    "rehearses",
    is_flag=True,
    help="Rehearse the finished bundle on this machine, as `bundle rehearse` does.",
)
@click.option(
    "--scratch",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="With --rehearse: folder for what the rehearsed site holds. Default: in the cache folder.",
)
@click.option("--unsigned", is_flag=True, help="Build without a signature. Sites refuse such a bundle.")
@add(COMMON)
def build_command(
    output: Path,
    locked: bool,
    write_once: bool,
    references: tuple[str, ...],
    passphrase_files: tuple[Path, ...],
    statements: tuple[Path, ...],
    rehearses: bool,
    scratch: Path | None,
    unsigned: bool,
    **options: Any,  # noqa: ANN401 shared options, typed by JobOptions
) -> None:
    """Build a bundle: resolve, fetch, render, sign, pack.

    Writes OUTPUT/<name>-<version>-<profile>-<os>-<arch>.tar, a small .preflight.sh to send ahead of it
    with its .sig, and a .sha256 for both. Downloads are kept in the cache, so an interrupted build continues
    where it stopped; with --write-once it starts over. A bundle that already exists with the same content
    is left unchanged. If its rehearsal fails, the build does; the bundle stays.

    With several platforms, all images are found first; then each platform gets a bundle of its own, which
    stays if the next one fails. With --json, each is one line.
    """
    if unsigned and references:
        raise UsageError(tr("--key and --unsigned cannot be used together"), hint=tr("remove one of them"))
    chosen = JobOptions(**options)
    jobs = make_jobs(chosen, locked=locked, obey_profile=True, write_once=write_once)
    job, profile = jobs[0], jobs[0].profile.profile
    packer = job.plugins.packer(profile.packer)
    if unsigned and profile.signing.required:
        raise UsageError(
            tr("the profile {name} requires a signature; --unsigned is refused", name=profile.name)
        )
    if rehearses:  # before the long steps
        _check_rehearsal(jobs, packer)
    references = () if unsigned else chosen_keys(references, job.profile.path)
    names = public_names(references)
    shown: list[Built] = []

    def finish(built: Built) -> None:
        if not rehearses:
            _show(built, names, packer, as_json=chosen.as_json, another=bool(shown))
        shown.append(built)

    public: tuple[bytes, ...] = ()
    if unsigned:
        job.reporter.warn(tr("UNSIGNED: the publisher of this bundle cannot be verified; sites refuse it"))
        _build(jobs, output, (), (), finish)
    else:
        with open_keys(job.plugins, profile.signer, references, passphrase_files, job.reporter) as keys:
            _check_signatures(profile, keys)
            _build(jobs, output, keys, statements, finish)
            public = tuple(key.key.public_key for key in keys)
    if rehearses:
        (built,) = shown
        found = _rehearse(job, built, public, scratch)
        _show(built, names, packer, as_json=chosen.as_json, rehearsal=found)
        if found.failed is not None:
            raise rehearsal_error(built.bundle.path, found)


def _check_signatures(profile: Profile, keys: Sequence[OpenKey]) -> None:
    wanted = profile.signing.signatures
    if len(keys) < wanted:
        raise UsageError(
            tr(
                "the profile {profile_name} requires {wanted} signatures, but only {count} given",
                profile_name=profile.name,
                wanted=wanted,
                count=len(keys),
            ),
            hint=tr("repeat --key for each signer"),
        )


def _check_rehearsal(jobs: Sequence[Job], packer: Packer) -> None:
    rehearser = find_rehearser(packer)
    if len(jobs) > 1:
        raise UsageError(
            tr("--rehearse cannot be combined with several platforms: a machine rehearses its own"),
            hint=tr("build without it, then `bundle rehearse FILE` on a machine of each platform"),
        )
    rehearser.check_machine()


def _build(
    jobs: Sequence[Job],
    output: Path,
    keys: Sequence[OpenKey],
    statements: Sequence[Path],
    finish: Callable[[Built], None],
) -> None:
    """Build the bundle of each job; `finish` is called as soon as one is finished."""
    from bundler.build import pipeline
    from bundler.cli.signing import load_statements

    members = load_statements(statements, keys, jobs[0].plugins.signer("ecdsa")) if keys else []
    _prepare(output)
    for built in pipeline.build(jobs, output, [key.key for key in keys], members):
        finish(built)


def _rehearse(job: Job, built: Built, keys: Sequence[bytes], scratch: Path | None) -> Rehearsal:
    """Rehearse the finished bundle."""
    packer = find_rehearser(job.plugins.packer(job.profile.profile.packer))
    options = make_options(
        cache_dir=job.store.root,
        keys=keys,
        values=(),
        answer_file=None,
        scratch=scratch,
        keep=False,
        reporter=job.reporter,
    )
    return rehearse(packer, built.bundle.path, built.manifest, options)


def _prepare(output: Path) -> None:
    """Create the output folder now, so that a failure is reported before downloading gigabytes."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            tr("--output {output}: cannot be created: {strerror}", output=output, strerror=error.strerror),
            hint=tr("choose another folder"),
        ) from error
    if not os.access(output, os.W_OK | os.X_OK):
        raise UsageError(
            tr("--output {output}: is not writable", output=output), hint=tr("choose another folder")
        )


def _show(
    built: Built,
    public_keys: Sequence[str],
    packer: Packer,
    *,
    as_json: bool,
    another: bool = False,
    rehearsal: Rehearsal | None = None,
) -> None:
    """Print the result: a JSON document on one line, or tables, after a blank line if it is another one."""
    if as_json:
        added = {} if rehearsal is None else {"rehearsal": rehearsal_json(built.bundle.path, rehearsal)}
        echo_json({**_built_json(built), **added})
        return
    if another:
        echo()
    _show_built(built, public_keys, packer)
    if rehearsal is not None:
        echo()
        show_rehearsal(rehearsal)


def _built_json(built: Built) -> dict[str, object]:
    return {
        "path": str(built.bundle.path),
        "platform": built.manifest.platform,
        "size": built.bundle.size,
        "sha256": built.bundle.sha256,
        "signed": built.bundle.signed,
        "sidecars": [str(path) for path in built.bundle.sidecars],
        "images": [
            {
                "reference": image.reference,
                "digest": image.origin,
                "size": image.size,
                "source": image.source,
            }
            for image in built.manifest.images
        ],
    }


def _show_built(built: Built, public_keys: Sequence[str], packer: Packer) -> None:
    from bundler.api.output import Finished
    from bundler.build.pack import SIGNATURE_SUFFIX
    from bundler.cli.mounts import count_mounts
    from bundler.image.reference import Reference
    from bundler.terminal.progress import format_bytes
    from bundler.terminal.table import echo_table

    rows = [
        (
            Reference.parse(image.reference).familiar,
            image.origin[:19],
            format_bytes(image.size),
            image.source,
        )
        for image in built.manifest.images
    ]
    bundle = built.bundle
    echo_table((tr("image"), tr("digest"), tr("size"), tr("source")), rows)
    echo()
    echo(f"{bundle.path}  {format_bytes(bundle.size)}  {tr('signed') if bundle.signed else tr('UNSIGNED')}")
    echo(f"sha256 {bundle.sha256}")
    if built.manifest.mounts:
        echo(tr("mounts: {mounts} (`bundle inspect` shows each)", mounts=count_mounts(built.manifest.mounts)))
    ahead = [path for path in bundle.sidecars if path.suffix != SIGNATURE_SUFFIX]
    for sidecar in ahead:
        echo(f"{sidecar}  {format_bytes(sidecar.stat().st_size)}")
    echo()
    echo(tr("Next:"))
    if bundle.signed:
        options = " ".join(f"--key {shlex.quote(key)}" for key in public_keys)
        echo(f"  bundle verify {shlex.quote(str(bundle.path))} {options}")
    for line in packer.next_steps(Finished(bundle.path, bundle.signed, tuple(ahead), tuple(public_keys))):
        echo(f"  {line}")
