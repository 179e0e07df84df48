"""The tables that the installer writes for itself: state of a site, parts of a backup, lists of one run.

Only their columns are declared, for the functions with which the shell reads them. Values from outside
(a backup, an engine) are checked where they are read.
"""

from __future__ import annotations

from typing import Final

from bundler_installer.tables import Column, Table


def _table(name: str, row: str, /, **columns: str) -> Table:
    return Table(name, row, tuple(Column(column, what) for column, what in columns.items()))


_FACT = "which kind of line this is"

STATE_TABLES: Final = (
    _table(
        "journal",
        "journal_line",
        time="in UTC",
        release="that the run works on",
        event="begin, end, failed or accepted",
        step="of the run, or the id of what was accepted",
    ),
    _table(
        "adopt.containers",
        "stopped_container",
        id="of a container of the installation that is adopted",
        service="of its Compose document",
        policy="by which the engine starts it again",
        running="whether it ran",
    ),
)
"""Tables below <root>/state."""

BACKUP_TABLES: Final = (
    _table(
        "volumes.tsv",
        "stored_volume",
        file="of the backup",
        name="of the volume, when the backup was made",
        key="its name in the Compose document, or -",
    ),
    _table(
        "edits.tsv",
        "stored_edit",
        what="changed, removed or added",
        digest="of the edited file, or -",
        path="below config/",
    ),
)
"""Tables in a backup."""

RUN_TABLES: Final = (
    _table("absent", "absent_image", reference="of an image to load", manifest="its digest"),
    _table("known-layers", "known_layer", manifest="of an image on the engine", layer="of it, lowest first"),
    _table("image-files", "image_file", digest="of a large file of images/", path="in the bundle"),
    _table(
        "delivery",
        "delivery",
        what="deliver, renew, keep, gone, same or obsolete",
        path="below <root>/data",
    ),
    _table(
        "placing",
        "placing",
        what="as in delivery",
        path="below <root>/data",
        mode="at the site",
        uid="owner, or -",
        gid="group, or -",
    ),
    _table(
        "metered",
        "metered",
        group="of files that are used one after the other",
        bytes="of the file, or -",
        path="below the folder of the step",
    ),
    _table(
        "metered-bytes", "metered_byte", bytes="passed in all, or -", seen="last file of each group, or -"
    ),
    _table(
        "metered-pace",
        "metered_pace",
        rate="bytes a second, or -",
        left="seconds, or -",
        samples="times and bytes of the last seconds",
    ),
    _table("edits", "edit", what="changed, removed or added", path="of a file"),
    _table(
        "settled-volumes",
        "settled_volume",
        file="of the backup",
        volume_here="that takes it",
        key="its name in the Compose document, or -",
    ),
    _table(
        "plan-images",
        "planned_image",
        what="new, changed, kept or dropped",
        reference="of the image",
        bytes="of its blobs",
    ),
    _table(
        "push-images",
        "pushed_image",
        reference="of the image",
        manifest="its digest",
        repository="in the registry",
        tag="there",
    ),
    _table(
        "push-tasks",
        "push_task",
        what="blob or name (to ask for), mount, upload or put (a manifest)",
        repository="in the registry",
        digest="of the blob or manifest",
        bytes="of the blob, or -",
        more="tag, repository to mount from, or -",
    ),
    _table(
        "push-results",
        "push_result",
        what="there, absent, named, unnamed, mounted, refused, uploaded or put",
        repository="in the registry",
        digest="of the blob or manifest",
        bytes="of the blob, or -",
        more="as in the task",
    ),
    _table(
        "push-unnamed",
        "unnamed_image",
        mark="!",
        what="is wrong",
        reference="of the image",
        other="of the same name, or -",
    ),
    _table("push-media", "manifest_type", manifest="its digest", type="its media type"),
    _table(
        "push-references",
        "pushed_reference",
        reference="of the image",
        pushed="what it is called in the registry",
    ),
    _table("challenges", "challenge", scheme="basic or bearer", name="of a parameter", value="of it"),
    _table("leaves", "json_leaf", path="keys, separated by >", value="of the leaf"),
    _table(
        "runtimes",
        "runtime",
        kind="containerd, k3s, rke2, microk8s or k0s",
        socket="where it listens",
        program="that speaks to it",
        folder="of its data, or -",
    ),
    _table(
        "object-variables",
        "object_variable",
        name="of the value",
        kind="variable, secret, expression, or a setting of the cluster",
        default="if nobody sets it",
        about="what it is for",
    ),
    _table("page", "page_item", what="language, folder, variable or certificate", name="of the variable"),
    _table("plan-services", "planned_service", what="added, changed, kept or removed", service="its name"),
    _table(
        "plan-variables",
        "planned_variable",
        what="new, changed or removed",
        name="its name",
        note="for people",
    ),
    _table(
        "checks",
        "finding",
        id="of the check",
        group="of the report",
        result="pass, warn, fail or accepted",
        measured="for people",
        needed="for people",
        remedy="for people",
        level="required or recommended: what `needed` is",
    ),
    _table(
        "inspection",
        "inspected",
        what="was looked at",
        result="pass, warn, fail or info",
        measured="for people",
        limit="for people",
    ),
    _table("probed", "probed", id="of the probe", result="pass, fail or skip", said="by one that failed"),
    _table(
        "status", "service_state", service="its name", expect="as in services.tsv", state="of its containers"
    ),
    _table(
        "chosen",
        "listed_container",
        service="of it",
        id="of it",
        name="of it",
        status="in the engine's words",
        ports="that are published, or nothing",
    ),
    _table(
        "running",
        "running_service",
        service="its name",
        image="its reference",
        manifest="digest of the image",
        config="digest of its config",
        states="of its containers, or -",
    ),
    _table("stats", "container_use", name="of the container", cpu="percent", memory="used", share="percent"),
    _table(
        "needs",
        "need",
        device="and where it is mounted",
        bytes="needed",
        more="bytes recommended",
        free="bytes",
        point="where it is mounted",
    ),
    _table(
        "devices",
        "device",
        point="where it is mounted",
        bytes="needed",
        more="bytes recommended",
        free="bytes",
    ),
    _table("inodes", "inodes", total="of a file system", free="of them", point="where it is mounted"),
    _table("taken", "taken_range", kind="ssh, dns or route", range="of addresses", name="of the interface"),
    _table(
        "pool-clashes",
        "pool_clash",
        pool="of Docker's",
        kind="ssh, dns or route",
        range="of addresses",
        name="of the interface",
    ),
    _table(
        "refused",
        "refused_value",
        path="of the template",
        form="its format",
        number="of the line",
        name="of the variable",
        reason="a part of the message's id",
        piece="what cannot stand there",
    ),
    _table(
        "old-all",
        "compose_container",
        id="of a container",
        project="of Compose",
        service="of its document",
        folder="of the document",
    ),
    _table("old-ids", "old_id", id="of a container of the old installation", project="of Compose"),
    _table(
        "old-raw",
        "raw_container",
        fact=_FACT,
        id="of a container",
        service="of its document",
        running="true or false",
        policy="by which the engine starts it again",
        image="that it was made from",
    ),
    _table(
        "old-raw-mounts", "raw_mount", fact=_FACT, type="bind or volume", place="in JSON", source="in JSON"
    ),
    _table("old-raw-ports", "raw_port", fact=_FACT, port="in JSON, or as a number"),
    _table(
        "old",
        "old_container",
        fact=_FACT,
        service="of the document",
        id="of a container",
        running="true or false",
        policy="by which the engine starts it again",
        image="that it was made from",
    ),
    _table(
        "old-mounts",
        "old_mount",
        fact=_FACT,
        service="of the document",
        place="in the container",
        mount_type="bind or volume",
        mount_source="folder on this server, or -",
    ),
    _table(
        "old-settings", "old_setting", fact=_FACT, service="of the document", text="NAME=VALUE, or a name"
    ),
    _table(
        "old-copies",
        "old_copy",
        what="folder or volume",
        to="what it becomes here",
        service="that has it",
        place="in its container",
        mount_type="bind or volume",
        mount_source="folder on this server, or -",
        bytes="that it takes, or -",
    ),
    _table("old-left", "old_left", what="folder or volume", to="what stays empty here"),
    _table(
        "old-dumps",
        "old_dump",
        id="of the dump",
        service="that hands it out",
        database="its name, or -",
        line="for `sh -c`",
    ),
    _table("old-taken", "taken_value", variable="of this site", kind="of it", where="it stood"),
    _table(
        "old-sorted", "start_order", number="who is started first", id="of a container", service="its name"
    ),
)
"""Tables in the scratch folder of a run."""

SITE_TABLES: Final = (*STATE_TABLES, *BACKUP_TABLES, *RUN_TABLES)
