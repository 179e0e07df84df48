"""`bundle rehearse`."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from bundler.cli.bundles import KEYS, chosen_keys, load_trust, naming
from bundler.cli.options import COMMON, Decorator, add, cache_folder, make_plugins, make_reporter
from bundler.errors import BundleError, UsageError
from bundler.language import tr, tr_later
from bundler.terminal.console import echo, echo_json

if TYPE_CHECKING:
    from bundler.api.output import Packer
    from bundler.api.plugins import Plugins
    from bundler.api.rehearsal import Rehearsal, RehearsalOptions, Rehearser, StepResult
    from bundler.bundle.manifest import BundleManifest
    from bundler.terminal.progress import Reporter

SCRATCH = click.option(
    "--scratch",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder for everything that the rehearsed site holds. Default: in the cache folder.",
)
RESULTS: Mapping[StepResult, str] = {
    "passed": tr_later("passed"),
    "failed": tr_later("failed"),
    "not rehearsed": tr_later("not rehearsed"),
}
"""Result of a step -> what a person reads."""
ANSWER_OPTIONS: tuple[Decorator, ...] = (
    click.option(
        "--set", "values", multiple=True, metavar="NAME=VALUE", help="Answer for the installer; repeat."
    ),
    click.option(
        "--answers",
        "answer_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="File of NAME=VALUE lines. Other values that the site must give are generated.",
    ),
)


@click.command("rehearse")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@KEYS
@click.option("--allow-unsigned", is_flag=True, help="Rehearse an unsigned bundle.")
@add(ANSWER_OPTIONS)
@add((SCRATCH,))
@click.option("--keep", is_flag=True, help="Leave the site running, do not uninstall; --clean ends it.")
@click.option("--clean", is_flag=True, help="End kept sites, and remove what killed rehearsals left.")
@click.option("--signer", default="ecdsa", show_default=True, help="Signature scheme.")
@add(COMMON)
def rehearse_command(
    file: Path | None,
    key_files: tuple[Path, ...],
    allow_unsigned: bool,
    values: tuple[str, ...],
    answer_file: Path | None,
    scratch: Path | None,
    keep: bool,
    clean: bool,
    signer: str,
    plugins_dir: tuple[Path, ...],
    cache_dir: Path | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Install FILE on a throwaway site on this machine, use it, and remove it.

    The site has an engine of its own in a network without a way out; this machine's engine is not used. The
    bundle is verified and installed with generated answers; each service is restarted; a backup is made and
    restored; the bundle is installed again and uninstalled. The report shows each step.

    Needs Linux, root, and Docker Engine with Compose. Exits with 1 if a step fails, with 3 if this machine
    cannot rehearse the bundle, and with 4 if the bundle is not trusted.
    """
    plugins, reporter = make_plugins(plugins_dir), make_reporter(as_json=as_json, verbose=verbose)
    if clean:
        _clean(plugins, _records(cache_dir), as_json=as_json)
        return
    if file is None:
        raise UsageError(tr("missing argument 'FILE'"), hint=tr("`bundle rehearse --help` shows the options"))
    if not allow_unsigned:
        key_files = chosen_keys(key_files)
    packer, manifest = _open(file, plugins)
    packer.check_machine()
    _verify(file, key_files, plugins, signer, reporter, allow_unsigned=allow_unsigned)
    options = make_options(
        cache_dir=cache_dir,
        keys=[path.read_bytes() for path in key_files],
        values=values,
        answer_file=answer_file,
        scratch=scratch,
        keep=keep,
        reporter=reporter,
    )
    found = rehearse(packer, file, manifest, options)
    if as_json:
        echo_json(rehearsal_json(file, found))
    else:
        show_rehearsal(found)
    if found.failed is not None:
        raise rehearsal_error(file, found)


def make_options(
    *,
    cache_dir: Path | None,
    keys: Sequence[bytes],
    values: Sequence[str],
    answer_file: Path | None,
    scratch: Path | None,
    keep: bool,
    reporter: Reporter,
) -> RehearsalOptions:
    """Return how to rehearse, from the options of the command line."""
    from bundler.api.rehearsal import RehearsalOptions

    records = _records(cache_dir)
    records.mkdir(parents=True, exist_ok=True)
    answers = _answers(values, answer_file)
    return RehearsalOptions(tuple(keys), answers, scratch or records, records, keep, reporter)


def rehearse(packer: Rehearser, file: Path, manifest: BundleManifest, options: RehearsalOptions) -> Rehearsal:
    """Rehearse; a signal that ends the process ends the site first."""
    with _interruptible():
        return packer.rehearse(file, manifest, options)


def find_rehearser(packer: Packer | None) -> Rehearser:
    """Return the packer as one that can rehearse.

    Raises:
        UsageError: it cannot.
    """
    from bundler.api.rehearsal import Rehearser

    if not isinstance(packer, Rehearser):
        name = (
            tr("the packer of this bundle")
            if packer is None
            else tr("the packer {packer_name}", packer_name=packer.name)
        )
        raise UsageError(tr("{name} cannot rehearse", name=name))
    return packer


def show_rehearsal(found: Rehearsal) -> None:
    """Print the report for people."""
    from bundler.terminal.progress import format_seconds
    from bundler.terminal.table import echo_table

    rows = [
        (tr(step.name), tr(RESULTS[step.result]), format_seconds(step.seconds), step.said)
        for step in found.steps
    ]
    echo_table((tr("step"), tr("result"), tr("time"), tr("waited for, or reason")), rows)
    for head, body in found.tables:
        echo()
        echo_table(head, body)
    if found.lines:
        echo()
    for line in found.lines:
        echo(line)


def rehearsal_json(file: Path, found: Rehearsal) -> dict[str, Any]:
    """Return the report for machines."""
    steps = [
        {"step": step.name, "result": step.result, "seconds": round(step.seconds, 1), "said": step.said}
        for step in found.steps
    ]
    return {"file": str(file), "ok": found.failed is None, "steps": steps, **found.data}


def rehearsal_error(file: Path, found: Rehearsal) -> BundleError:
    """Return the error of a failed rehearsal."""
    step = found.failed
    reason = f"{tr(step.name)}: {step.said}" if step else ""
    return BundleError(
        tr("{file}: the rehearsal failed at {reason}", file=file, reason=reason),
        hint=tr("the report above shows what happened"),
    )


def _records(cache_dir: Path | None) -> Path:
    return cache_folder(cache_dir) / "rehearsals"


def _open(file: Path, plugins: Plugins) -> tuple[Rehearser, BundleManifest]:
    """Return the packer that wrote the bundle, and the manifest."""
    from bundler.trust.verify import inspect

    with naming(file):
        manifest = inspect(file, plugins.format()).manifest
    packers = (each for each in plugins.packers().values() if isinstance(manifest, each.format.manifests))
    return find_rehearser(next(packers, None)), manifest


def _verify(
    file: Path,
    key_files: Sequence[Path],
    plugins: Plugins,
    signer: str,
    reporter: Reporter,
    *,
    allow_unsigned: bool,
) -> None:
    """Verify the bundle, because its installer runs as root."""
    from bundler.trust.verify import verify

    with naming(file), reporter.transfer(tr("verify"), file.stat().st_size) as transfer:
        verify(
            file,
            plugins.signer(signer),
            load_trust(key_files, 1, ()),
            allow_unsigned=allow_unsigned,
            advance=lambda size: transfer.advance(file.name, size),
            form=plugins.format(),
        )


def _answers(values: Sequence[str], file: Path | None) -> Mapping[str, str]:
    """Return the given answers by name; `--set` takes precedence."""
    found: dict[str, str] = {}
    for number, line in enumerate(file.read_text().splitlines() if file else (), 1):
        if line.strip() and not line.startswith("#"):
            name, equals, value = line.partition("=")
            if not equals:
                raise UsageError(tr("{file}:{number}: not NAME=VALUE", file=file, number=number))
            found[name] = value
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(tr("--set {text}: not NAME=VALUE", text=text))
        found[name] = value
    return found


def _clean(plugins: Plugins, records: Path, *, as_json: bool) -> None:
    from bundler.api.rehearsal import Rehearser

    packers = [packer for packer in plugins.packers().values() if isinstance(packer, Rehearser)]
    lines = (
        [line for packer in packers for line in packer.end_rehearsals(records)] if records.is_dir() else []
    )
    if as_json:
        echo_json({"removed": lines})
        return
    for line in lines or [tr("nothing to remove")]:
        echo(line)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let TERM and HUP end the block as Ctrl-C does, so that it can clean up."""

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 the signature of handlers
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
