"""Users and groups by number: a cluster does not read the names that an image has for them."""

from __future__ import annotations

import re
from typing import Final

from bundler.language import tr, tr_later
from bundler_kubernetes.context import Context, Workload

_NUMBER: Final = re.compile(r"[0-9]{1,10}")


def find_user(context: Context, workload: Workload) -> tuple[int | None, int | None]:
    """Return the user and the group that run a service; None for what only the image knows.

    Docker takes the group from `/etc/passwd` of the image if none is given, also for a number
    (moby/sys, user/user.go, `GetExecUser`).
    """
    given = context.constant(workload, "user", workload.entry.get("user") or "")
    said = given or workload.facts.user
    if not said:
        return (None, None) if workload.image.facts is None else (0, None)
    name, _, group = said.partition(":")
    entries = _read(workload, "etc/passwd")
    entry = next((each for each in entries if name in {each[0], each[2]}), None)
    user = int(name) if _NUMBER.fullmatch(name) else int(entry[2]) if entry else None
    number = _group(workload, group)
    if user is None or (group and number is None):
        _unresolved(context, workload, "user", said, given=bool(given))
        return None, None
    if number is None and entry is not None:
        number = int(entry[3])
    return user, number


def find_groups(context: Context, workload: Workload) -> list[int]:
    """Return the numbers of `group_add`."""
    found = []
    for group in workload.entry.get("group_add") or ():
        number = _group(workload, str(group))
        if number is None:
            _unresolved(context, workload, "group_add", str(group), given=True)
        else:
            found.append(number)
    return found


def _unresolved(context: Context, workload: Workload, key: str, name: str, *, given: bool) -> None:
    """Report or refuse a name without a number."""
    if workload.image.facts is None:
        context.findings.note(
            workload.subject, key, tr_later("{name}: the build finds its number in the image"), name=name
        )
    elif not given:
        context.findings.note(
            workload.subject,
            key,
            tr_later(
                "the image runs as {name}, whose number is not known: Pod Security `restricted` refuses it"
            ),
            name=name,
        )
    else:
        context.findings.refuse(
            workload.subject,
            key,
            tr("{name!r} has no number in the image, and a cluster checks numbers", name=name),
            tr('give the numbers that the image has for it, such as `user: "1000:1000"`'),
        )


def _group(workload: Workload, name: str) -> int | None:
    if _NUMBER.fullmatch(name):
        return int(name)
    return next((int(each[2]) for each in _read(workload, "etc/group") if name and each[0] == name), None)


def _read(workload: Workload, path: str) -> list[list[str]]:
    """Return the entries of passwd(5) or group(5) in the image that have numbers."""
    contents = workload.facts.contents
    raw = contents.read(path) if contents else None
    lines = (raw or b"").decode(errors="replace").splitlines()
    needed = {"etc/passwd": (2, 3), "etc/group": (2,)}[path]
    entries = [line.split(":") for line in lines]
    return [
        each
        for each in entries
        if len(each) > max(needed) and all(_NUMBER.fullmatch(each[field]) for field in needed)
    ]
