"""The steps of a rehearsal, in order. Each returns what it waited for, or raises `StepFailure`."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bundler.errors import BundleError
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
    """A step: its name, its function, and whether a site that is to stay leaves it out."""

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
    return "every file, and the signature" if "--key" in site.options else "every file; unsigned"


def stand_in(site: Site) -> str:
    """Make what the document expects of the server."""
    rows = read_table(site.bundle, "variables.tsv")
    values = {row["name"]: row["default"] for row in rows if row["default"] != "-"}
    made = make_stand_ins(site.server, site.bundle, {**values, **site.answers.made, **site.answers.given})
    for path in site.answers.paths:
        site.server.run("mkdir", "-p", path)
        made.append(("empty folder of the server", path))
    site.notes["stand_ins"] = [{"what": what, "name": name} for what, name in made]
    return ", ".join(f"{what} {name}" for what, name in made) or "nothing is needed"


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
        {"what": each["id"], "reason": f"this machine has {each['measured']}, asked: {each['required']}"}
        for each in accepted
    ]
    lacking = [each for each in checks if each["id"] not in SIZES]
    if lacking:
        texts = [f"{each['id']}: {each['measured']} ({each['remedy']})" for each in lacking]
        site.notes["not_rehearsed"] += [
            {"what": each["id"], "reason": str(each["measured"])} for each in lacking
        ]
        raise UnrehearsableError(
            f"this machine is not enough for the bundle: {'; '.join(texts)}",
            hint="rehearse on a machine that has it, or give other answers with --set NAME=VALUE",
        )
    return f"{len(checks) - len(lacking)} accepted" if accepted else "passed"


def install(site: Site) -> str:
    """Install, with the answers of the rehearsal, until the services are healthy."""
    answers = ("--answers", _answers_inside(site))
    expect_success(site.install("install", *answers), "install", site)
    site.notes["started"] = {state.service: state.state for state in site.wait("after the installation")}
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
        site.wait(f"after the restart of {state.service}")
        times[state.service] = round(time.monotonic() - begun, 1)
    return f"{len(times)} services came up again"


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
        raise StepFailure("backup made nothing below backups/")
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
    site.wait("after the restore")
    stores = _stop(site)
    site.notes["after"] = take_snapshot(stores)
    found = compare(site.notes["first"], site.notes["second"], site.notes["after"])
    site.notes["data"] = found
    for each in found:
        if each.unlike:
            raise StepFailure(
                f"{each.name}: not as before the backup: {', '.join(each.unlike[:3])}"
                f" ({len(each.unlike)} in all)"
            )
    _start(site)
    spared = [store.name for store in stores if store.dumped]
    compared, files = sum(each.compared for each in found), sum(each.files for each in found)
    text = f"{compared} of {files} files as before the backup, the others change at each start"
    if compared == files:
        text = f"all {files} files as before the backup"
    return text + (f"; from dumps, or not in the backup: {', '.join(spared)}" if spared else "")


def install_again(site: Site) -> str:
    """Install the same bundle over itself."""
    expect_success(site.install("install"), "install again", site)
    site.wait("after the second installation")
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
        raise StepFailure(f"containers are left: {', '.join(left['containers'])}")
    now = take_snapshot(_stores(site))
    for each in compare(before, before, now):
        if each.unlike:
            raise StepFailure(f"{each.name}: the uninstallation changed {', '.join(each.unlike[:3])}")
    return f"stays: {len(left['volumes'])} volumes, {len(left['images'])} images, {', '.join(left['root'])}"


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
        raise StepFailure(f"left after `uninstall --purge {PURGED}`: {', '.join(wrong)}")
    return f"stays: {', '.join([*left['root'], *left['images']]) or 'nothing'}"


STEPS: Final = (
    Step("verify", verify),
    Step("stand-ins", stand_in),
    Step("preflight", preflight),
    Step("install", install),
    Step("restart each service", restart_each),
    Step("stop and start", stop_and_start),
    Step("backup", backup),
    Step("restore", restore),
    Step("install again", install_again),
    Step("uninstall", uninstall, ends=True),
    Step("uninstall --purge all", purge, ends=True),
)
"""After the site's server was started and the bundle unpacked."""


def _answers_inside(site: Site) -> str:
    (site.server.folder / "answers.env").write_text(site.answers.lines())
    return f"{PLACE}/answers.env"


def _counted(site: Site) -> str:
    counts: dict[str, int] = {}
    for each in site.manifest.services:
        counts[each.expect] = counts.get(each.expect, 0) + 1
    return ", ".join(f"{number} {expect}" for expect, number in counts.items()) or "no services"


def _stores(site: Site) -> list[Store]:
    lifecycle = read_table(site.bundle, "lifecycle.tsv")
    return find_stores(site.server, site.root, site.manifest.project, lifecycle)


def _stop(site: Site) -> list[Store]:
    """Stop the services; return the stores, which nobody writes to now."""
    expect_success(site.control("stop"), "stop", site)
    return _stores(site)


def _start(site: Site) -> None:
    expect_success(site.control("start"), "start", site)
    site.wait("after the start")


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
