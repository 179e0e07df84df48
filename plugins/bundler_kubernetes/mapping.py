"""Maps an application to objects of a cluster: a pure function of the model and the pinned images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bundler.api.application import ApplicationModel
from bundler.api.output import PinnedService
from bundler.language import tr, tr_later
from bundler_kubernetes.claims import Claims, check_volumes
from bundler_kubernetes.context import Context, Workload
from bundler_kubernetes.files import SAFE_VALUE, Files
from bundler_kubernetes.hosts import CONTENTS, rename_hosts
from bundler_kubernetes.keys import SERVICE, Fate
from bundler_kubernetes.names import LONGEST, is_label, object_name
from bundler_kubernetes.network import write_policies
from bundler_kubernetes.objects import Mapped, Stage
from bundler_kubernetes.text import names_in
from bundler_kubernetes.waiting import Waits
from bundler_kubernetes.workloads import ACCOUNT, write_workload

_MENTIONS = (
    "environment", "command", "entrypoint", "healthcheck", "labels", "annotations", "links", "extra_hosts",
)  # fmt: skip
"""Keys of a service where the name of another can stand, beside those that only Compose reads."""
_OWN = frozenset({"environment", "labels", "annotations"})
"""Those of them where a service can have its own name as anything."""
_LOCAL_LOGS = frozenset({"json-file", "local"})


def map_application(application: ApplicationModel, images: Sequence[PinnedService]) -> Mapped:
    """Return an application as objects, in the order in which they are applied.

    Raises:
        BundleError: something cannot be mapped; the message names all of it, each with its service and key.
    """
    here = application.in_cluster
    application = here or application
    renamed = rename_hosts(application)
    context = Context(renamed.application, {image.service: image for image in images})
    _check_names(context, renamed.places)
    for remark in here.remarks if here else ():
        context.findings.note(f"application {application.name}", "", remark)
    for workload in context.workloads.values():
        _check_keys(context, workload)
    check_volumes(context)
    context.add(Stage.ACCOUNTS, "ServiceAccount", ACCOUNT, {"automountServiceAccountToken": False})
    write_policies(context)
    claims, files = Claims(context), Files(context)
    jobs = {name: _job_name(context, each) for name, each in context.workloads.items() if each.job}
    waits = Waits(context, jobs)
    for name, workload in context.workloads.items():
        write_workload(context, workload, claims, files, waits, job=jobs.get(name, ""))
    _check_defaults(context)
    objects = sorted(context.objects, key=lambda each: each.stage)  # stable: the order of the document
    variables = frozenset().union(*(names_in(each.body) for each in objects))
    _check_variables(context, variables)
    context.findings.check()
    return Mapped(
        name=object_name(application.name),
        version=application.version,
        title=application.title,
        objects=tuple(objects),
        notes=tuple(context.findings.notes),
        settings=context.settings,
        variables=tuple(sorted(variables)),
        defaults={name: text for name, text in context.defaults.items() if name in variables},
        in_files={name: tuple(sorted(formats)) for name, formats in sorted(context.in_files.items())},
    )


def _check_names(context: Context, places: Mapping[str, Sequence[str]]) -> None:
    taken: dict[str, str] = {}
    for service, workload in context.workloads.items():
        if not is_label(workload.name):
            context.findings.refuse(
                workload.subject,
                "name",
                tr("{name!r} is no name of a Service", name=workload.name),
                tr("use up to 63 lower-case letters, digits and `-`, beginning with a letter"),
            )
        other = taken.setdefault(workload.name, service)
        if other != service:
            context.findings.refuse(
                workload.subject,
                "name",
                tr("it is called {name} like the service {other}", name=workload.name, other=other),
                tr("rename one of them"),
            )
        if workload.name != service:
            _check_renamed(context, workload, places.get(service, ()))


def _check_renamed(context: Context, workload: Workload, places: Sequence[str]) -> None:
    """Refuse a service that is called otherwise in a cluster, if others may still know it by its name.

    A Service cannot be called `app_db`, and a program that looks for it would not find it.
    """
    name = workload.service.name
    # a default in `${X:-app_db}` is a mention, though `-` stands before it
    word = re.compile(rf"(?:(?<![A-Za-z0-9_.-])|\$\{{\w+:?[-+]){re.escape(name)}(?![A-Za-z0-9_-])")
    users = [
        other
        for other, each in context.workloads.items()
        for key in _MENTIONS
        if any(word.search(text) for text in _texts(each.entry.get(key)))
        and (other != name or key not in _OWN)
    ]
    users += [
        path for path, file in context.files.items() if word.search(file.read().decode(errors="replace"))
    ]
    users += [
        f"{kind}.{each}"
        for kind in CONTENTS
        for each, entry in (context.document.get(kind) or {}).items()
        if word.search(str((entry or {}).get("content") or ""))
    ]
    users += [
        f"variable {each.name}"
        for each in context.application.variables
        if each.default is not None and word.search(each.default)
    ]
    if users:
        context.findings.refuse(
            workload.subject,
            "name",
            tr(
                "no Service can be called {name}, and this name occurs in {users}",
                name=name,
                users=", ".join(dict.fromkeys(users)),
            ),
            tr("rename the service to {name}, there too", name=workload.name),
        )
        return
    context.findings.note(workload.subject, "name", tr_later("it is called {name}"), name=workload.name)
    if places:
        text = tr_later("where it is the host of a URL or of a variable, it is renamed in {places}")
        context.findings.note(workload.subject, "name", text, places=", ".join(places))


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 any YAML value
    """Yield the keys and the texts in a value."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif value is not None:
        yield str(value)


def _job_name(context: Context, workload: Workload) -> str:
    """Return the name of a Job: with the release, since Jobs cannot be changed."""
    name = f"{workload.name}-{object_name(context.application.version)}"
    if len(name) > LONGEST:
        context.findings.refuse(
            workload.subject,
            "name",
            tr("{name} is longer than {limit} characters", name=name, limit=LONGEST),
            tr("shorten the name of the service, or the version"),
        )
    return name


def _check_keys(context: Context, workload: Workload) -> None:
    """Refuse and report what the table of keys says."""
    entry, findings = workload.entry, context.findings
    for name, value in entry.items():
        key = SERVICE.get(name)
        if key is None or value in (None, False, "", [], {}):
            continue  # extensions, which programs of their own read
        if key.fate is Fate.REFUSED:
            findings.refuse(workload.subject, name, tr(key.text))
        elif key.fate is Fate.REPORTED:
            findings.note(workload.subject, name, key.text)
    _check_values(context, workload)


def _check_values(context: Context, workload: Workload) -> None:
    """Refuse and report values of keys that are mapped in part."""
    entry, findings = workload.entry, context.findings
    for name, allowed in (("ipc", {"private", "shareable", "none"}), ("cgroup", {"private"})):
        if entry.get(name) and str(entry[name]) not in allowed:
            findings.refuse(
                workload.subject,
                name,
                tr("{value} shares it with a host or another container", value=entry[name]),
            )
    driver = str((entry.get("logging") or {}).get("driver") or "json-file")
    if driver not in _LOCAL_LOGS:
        findings.refuse(
            workload.subject,
            "logging",
            tr("the nodes keep logs, and no driver {driver} does", driver=driver),
            tr("collect logs from the nodes, and remove the driver"),
        )
    elif entry.get("logging"):
        findings.note(workload.subject, "logging", tr_later("the node keeps and rotates the logs"))
    for link in entry.get("links") or ():
        service, _, alias = str(link).partition(":")
        if alias and alias != service:
            findings.refuse(
                workload.subject,
                "links",
                tr("{alias} would be a name for one service alone", alias=alias),
                tr("use the name of the service, or an alias in its `networks`"),
            )
    depends = entry.get("depends_on")
    listed = depends.items() if isinstance(depends, dict) else ()
    restarts = [name for name, how in listed if (how or {}).get("restart")]
    if restarts:
        findings.note(
            workload.subject,
            "depends_on",
            tr_later("it is not restarted together with {services}"),
            services=", ".join(restarts),
        )


def _check_defaults(context: Context) -> None:
    """Report defaults that cannot stand in the configuration files that have them."""
    for variable in context.application.variables:
        formats = context.in_files.get(variable.name)
        if formats and variable.default and not re.fullmatch(SAFE_VALUE, variable.default):
            context.findings.note(
                f"variable {variable.name}",
                "default",
                tr_later("a site must give another value, since it stands in a file of the format {format}"),
                format=", ".join(sorted(formats)),
            )


def _check_variables(context: Context, names: frozenset[str]) -> None:
    """Refuse variables that only the installer of one host has."""
    known = {each.name for each in context.application.variables}
    for name in sorted(names - known):
        context.findings.refuse(
            "application",
            f"${{{name}}}",
            tr("it is a value of the installer on one host, or is not declared"),
        )
