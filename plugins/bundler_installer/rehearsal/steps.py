"""The steps of a rehearsal, in order. Each returns what it waited for, or raises `StepFailure`."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bundler.api.compose import EXPECTATIONS, Expectation
from bundler.errors import BundleError
from bundler.language import tr, tr_later
from bundler.terminal.progress import format_bytes
from bundler_installer.rehearsal.data import (
    Store,
    compare,
    find_stores,
    leave_strays,
    take_snapshot,
)
from bundler_installer.rehearsal.engine import PLACE
from bundler_installer.rehearsal.machine import UnrehearsableError
from bundler_installer.rehearsal.site import Site, StepFailure, expect_success, read_json
from bundler_installer.rehearsal.standins import make_stand_ins
from bundler_installer.rehearsal.tables import read_table

SIZES: Final = frozenset(
    {"cpu", "cpu-flags", "page-size", "memory", "memory-available", "swap", "ssd", "write-latency", "clock"}
)
"""Checks of the preflight about the size and speed of the server: this machine is not the site's."""
PURGED: Final = "all"


@dataclass(frozen=True)
class Step:
    """A step: its name in English, its function, and whether a site that is to stay leaves it out."""

    name: str
    run: Callable[[Site], str]
    ends: bool = False


def unpack(site: Site, bundle: Path) -> None:
    """Unpack the bundle at the site.

    Raises:
        StepFailure: it cannot be unpacked.
    """
    done = subprocess.run(  # noqa: S603 our own command line, without a shell
        ["tar", "-xf", str(bundle), "-C", str(site.server.folder)],  # noqa: S607 of the system
        capture_output=True,
        check=False,
    )
    if done.returncode != 0 or not site.bundle.is_dir():
        raise StepFailure(f"tar: {done.stderr.decode(errors='replace').strip()[-200:]}")


def verify(site: Site) -> str:
    """Verify the bundle as the site does."""
    expect_success(site.install("verify"), "verify", site)
    return tr("every file, and the signature") if "--key" in site.options else tr("every file; unsigned")


def stand_in(site: Site) -> str:
    """Make what the document expects of the server."""
    rows = read_table(site.bundle, "variables.tsv")
    values = {row["name"]: row["default"] for row in rows if row["default"] != "-"}
    made = make_stand_ins(site.server, site.bundle, {**values, **site.answers.made, **site.answers.given})
    for path in site.answers.paths:
        site.server.run("mkdir", "-p", path)
        made.append((tr("empty folder of the server"), path))
    site.notes["stand_ins"] = [{"what": what, "name": name} for what, name in made]
    return ", ".join(f"{what} {name}" for what, name in made) or tr("nothing is needed")


def preflight(site: Site) -> str:
    """Check the site. What is only smaller or slower than the bundle asks is accepted, and reported.

    Raises:
        UnrehearsableError: this machine lacks something that the bundle requires, for example a GPU.
    """
    done = site.install("preflight", "--json")
    if done.status not in {0, 3}:
        expect_success(done, "preflight", site)
    checks = [each for each in read_json(done.output)["checks"] if each["result"] == "fail"]
    accepted = [each for each in checks if each["id"] in SIZES]
    site.options = (*site.options, *(word for each in accepted for word in ("--accept", each["id"])))
    site.notes["not_rehearsed"] += [
        {
            "what": each["id"],
            "reason": tr(
                "this machine has {measured}, asked: {required}",
                measured=each["measured"],
                required=each["required"],
            ),
        }
        for each in accepted
    ]
    lacking = [each for each in checks if each["id"] not in SIZES]
    if lacking:
        texts = [f"{each['id']}: {each['measured']} ({each['remedy']})" for each in lacking]
        site.notes["not_rehearsed"] += [
            {"what": each["id"], "reason": str(each["measured"])} for each in lacking
        ]
        raise UnrehearsableError(
            tr("this machine is not enough for the bundle: {names}", names="; ".join(texts)),
            hint=tr("rehearse on a machine that has it, or give other answers with --set NAME=VALUE"),
        )
    return tr("{count} accepted", count=len(accepted)) if accepted else tr("passed")


def install(site: Site) -> str:
    """Install, with the answers of the rehearsal, until the services are healthy."""
    answers = ("--answers", _answers_inside(site))
    expect_success(site.install("install", *answers), "install", site)
    site.notes["started"] = {state.service: state.state for state in site.wait(tr("after the installation"))}
    return _counted(site)


def restart_each(site: Site) -> str:
    """Restart each service alone, as after a crash, and wait for all of them."""
    times: dict[str, float] = {}
    site.notes["restarts"] = times
    for state in site.states():
        if state.expect == "completed":
            continue
        begun = time.monotonic()
        for container in state.containers:
            site.server.docker("restart", container)
        site.wait(tr("after the restart of {service}", service=state.service))
        times[state.service] = round(time.monotonic() - begun, 1)
    return tr.plural("{number} service came up again", "{number} services came up again", len(times))


def stop_and_start(site: Site) -> str:
    """Stop the whole application, note its data, and start it."""
    site.notes["stores"] = stores = _stop(site)
    site.notes["first"] = take_snapshot(stores)
    _start(site)
    return _counted(site)


def backup(site: Site) -> str:
    """Make a backup; then stop, and note the data again."""
    before = _backups(site)
    expect_success(site.control("backup"), "backup", site)
    new = [path for path in _backups(site) if path not in before]
    if not new:
        raise StepFailure(tr("backup made nothing below backups/"))
    size = sum(path.stat().st_size for path in new[-1].rglob("*") if path.is_file())
    site.notes["backup"] = {"name": new[-1].name, "bytes": size}
    stores = _stop(site)
    site.notes["second"] = take_snapshot(stores)
    leave_strays(stores)
    return f"{new[-1].name}, {format_bytes(size)}"


def restore(site: Site) -> str:
    """Restore the backup, and compare the data with those before it.

    Raises:
        StepFailure: the restore failed, or the data are not the same.
    """
    expect_success(site.control("restore", site.notes["backup"]["name"]), "restore", site)
    site.wait(tr("after the restore"))
    stores = _stop(site)
    site.notes["after"] = take_snapshot(stores)
    found = compare(site.notes["first"], site.notes["second"], site.notes["after"])
    site.notes["data"] = found
    for each in found:
        if each.unlike:
            raise StepFailure(
                tr(
                    "{name}: not as before the backup: {paths} ({count} in all)",
                    name=each.name,
                    paths=", ".join(each.unlike[:3]),
                    count=len(each.unlike),
                )
            )
    _start(site)
    spared = [store.name for store in stores if store.dumped]
    compared, files = sum(each.compared for each in found), sum(each.files for each in found)
    text = tr(
        "{same} of {files} files as before the backup, the others change at each start",
        same=compared,
        files=files,
    )
    if compared == files:
        text = tr("all {files} files as before the backup", files=files)
    return text + (
        tr("; from dumps, or not in the backup: {names}", names=", ".join(spared)) if spared else ""
    )


def install_again(site: Site) -> str:
    """Install the same bundle over itself."""
    expect_success(site.install("install"), "install", site)
    site.wait(tr("after the second installation"))
    return _counted(site)


def uninstall(site: Site) -> str:
    """Uninstall, and show that the data stay.

    Raises:
        StepFailure: it failed, containers are left, or data are gone.
    """
    before = take_snapshot(_stop(site))
    expect_success(site.control("uninstall"), "uninstall", site)
    left = _left(site)
    site.notes["uninstalled"] = left
    if left["containers"]:
        raise StepFailure(tr("containers are left: {names}", names=", ".join(left["containers"])))
    now = take_snapshot(_stores(site))
    for each in compare(before, before, now):
        if each.unlike:
            raise StepFailure(
                tr(
                    "{name}: the uninstallation changed {paths}",
                    name=each.name,
                    paths=", ".join(each.unlike[:3]),
                )
            )
    return tr(
        "stays: {volumes} volumes, {images} images, {names}",
        volumes=len(left["volumes"]),
        images=len(left["images"]),
        names=", ".join(left["root"]),
    )


def purge(site: Site) -> str:
    """Uninstall with everything that can be named, and show what is left.

    Raises:
        StepFailure: it failed, or containers, volumes or data are left.
    """
    expect_success(site.install("uninstall", "--purge", PURGED), "uninstall --purge all", site)
    left = _left(site)
    site.notes["purged"] = left
    wrong = [*left["containers"], *left["volumes"], *left["networks"], *({"data"} & {*left["root"]})]
    if wrong:
        raise StepFailure(
            tr("left after `uninstall --purge {purged}`: {names}", purged=PURGED, names=", ".join(wrong))
        )
    return tr("stays: {names}", names=", ".join([*left["root"], *left["images"]]) or tr("nothing"))


STEPS: Final = (
    Step(tr_later("verify"), verify),
    Step(tr_later("stand-ins"), stand_in),
    Step(tr_later("preflight"), preflight),
    Step(tr_later("install"), install),
    Step(tr_later("restart each service"), restart_each),
    Step(tr_later("stop and start"), stop_and_start),
    Step(tr_later("backup"), backup),
    Step(tr_later("restore"), restore),
    Step(tr_later("install again"), install_again),
    Step(tr_later("uninstall"), uninstall, ends=True),
    Step(tr_later("uninstall --purge all"), purge, ends=True),
)
"""After the site's server was started and the bundle unpacked."""


def _answers_inside(site: Site) -> str:
    (site.server.folder / "answers.env").write_text(site.answers.lines())
    return f"{PLACE}/answers.env"


def _counted(site: Site) -> str:
    counts: dict[Expectation, int] = {}
    for each in site.manifest.services:
        counts[each.expect] = counts.get(each.expect, 0) + 1
    return tr(", ").join(
        tr("{count} {kind}", count=number, kind=tr(EXPECTATIONS[expect])) for expect, number in counts.items()
    ) or tr("no services")


def _stores(site: Site) -> list[Store]:
    lifecycle = read_table(site.bundle, "lifecycle.tsv")
    return find_stores(site.server, site.root, site.manifest.project, lifecycle)


def _stop(site: Site) -> list[Store]:
    """Stop the services; return the stores, which nobody writes to now."""
    expect_success(site.control("stop"), "stop", site)
    return _stores(site)


def _start(site: Site) -> None:
    expect_success(site.control("start"), "start", site)
    site.wait(tr("after the start"))


def _backups(site: Site) -> list[Path]:
    folder = site.root / "backups"
    return (
        sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []
    )


def _left(site: Site) -> dict[str, list[str]]:
    """Return what is at the site: containers, volumes, networks, images, entries of the root."""
    mine = ("--filter", f"label=com.docker.compose.project={site.manifest.project}")
    listed = {
        "containers": ("ps", "-a", "--format", "{{.Names}}", *mine),
        "volumes": ("volume", "ls", "-q", *mine),
        "networks": ("network", "ls", "--format", "{{.Name}}", *mine),
        "images": ("images", "--format", "{{.Repository}}:{{.Tag}}"),
    }
    found = {name: sorted(site.server.docker(*command).split()) for name, command in listed.items()}
    root = site.root.iterdir() if site.root.is_dir() else ()
    return {**found, "root": sorted(path.name for path in root)}


def service_log(site: Site, failure: StepFailure) -> str:
    """Return the last lines of the service at fault; empty if there is none."""
    if failure.service is None:
        return ""
    try:
        return site.log_of(failure.service)
    except BundleError:
        return ""
