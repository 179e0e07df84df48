"""The flat tables of a bundle, each declared once.

The builder writes them according to these declarations (`facts.py`), the site checks their fields against the
same forms (`forms.py`), and the shell reads them by the names of their columns (`readers.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

BUNDLE_ENV: Final = "bundle.env"
"""The file with the facts that are not in tables: lines `key=value`."""
LANGUAGES: Final = ("en", "zh")
"""Languages of the installer. A column `prompt_zh` contains the text `prompt` in Chinese."""
OPTIONAL: Final = "?"
"""Suffix of a form's name: the field may be `-` for no value."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: name in the first line of the table, and of the shell's variable.
        what: content of the column.
        form: name of one of `forms.FORMS`, with `OPTIONAL` if it may be empty.
    """

    name: str
    what: str
    form: str = "text"


@dataclass(frozen=True)
class Table:
    """A table whose lines have fields separated by tabs.

    Attributes:
        name: name of the file.
        row: name of a line, in the singular: the shell has a function `read_<row>`.
        columns: columns in order.
    """

    name: str
    row: str
    columns: tuple[Column, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)


_SERVICE = Column("service", "of the Compose document", "word")
_REFERENCE = Column("reference", "that compose.yaml uses; the tag of the loaded image", "reference")
_DATA = "below <root>/data"

BUNDLE_TABLES: Final = (
    Table(
        "images.tsv",
        "image",
        (
            _REFERENCE,
            Column(
                "manifest", "digest of the manifest: the image's ID in a containerd image store", "digest"
            ),
            Column("config", "digest of the config: the image's ID elsewhere", "digest"),
            Column("bytes", "of its blobs", "number"),
            Column("unpacked", "bytes of its layers once unpacked", "number"),
        ),
    ),
    Table(
        "image-oci.tsv",
        "oci_entry",
        (_REFERENCE, Column("descriptor", "its object of images/index.json, on one line")),
    ),
    Table(
        "image-archive.tsv",
        "archive_entry",
        (_REFERENCE, Column("entry", "its object of images/manifest.json, on one line")),
    ),
    Table(
        "blobs.tsv",
        "blob",
        (
            Column("manifest", "digest of the manifest of the image that it belongs to", "digest"),
            Column("blob", "its digest", "digest"),
            Column("bytes", "of the blob", "number"),
            Column("kind", "manifest, config or layer", "word"),
        ),
    ),
    Table(
        "services.tsv",
        "service",
        (
            _SERVICE,
            _REFERENCE,
            Column("expect", "healthy, running, started or completed", "word"),
            Column("replicas", "number of its containers, with ${NAME} of site variables"),
        ),
    ),
    Table(
        "mounted.tsv",
        "mount",
        (
            _SERVICE,
            Column("path", "below config/, of a file or folder that it mounts", f"path{OPTIONAL}"),
            Column("variable", "site variable in a config or secret that it mounts", f"name{OPTIONAL}"),
            Column("text", "digest of the text of a config that it mounts", f"digest{OPTIONAL}"),
        ),
    ),
    Table(
        "ports.tsv",
        "port",
        (
            _SERVICE,
            Column("address", "IP address, ${NAME}, or - for all"),
            Column("port", "number, or ${NAME} of a site variable"),
            Column("protocol", "tcp or udp", "word"),
        ),
    ),
    Table(
        "networks.tsv",
        "network",
        (
            Column("name", "of the Compose document"),
            Column("subnet", "IPv4 range, or - where Docker chooses"),
        ),
    ),
    Table(
        "document.tsv",
        "feature",
        (
            Column("service", "that asks for it; - for networks and volumes", f"word{OPTIONAL}"),
            Column("what", "kind of feature: docs/reference/bundle-format.md", "check"),
            Column("value", "its name or amount, with ${NAME} of site variables"),
        ),
    ),
    Table(
        "checks.tsv",
        "check",
        (
            Column("id", "names the check, its messages and its function measure_<id>", "check"),
            Column("group", "of the report", "check"),
            Column("required", "what fails the preflight where it is not met"),
            Column("recommended", "what warns where it is not met"),
            Column("parameter", "what the check is about, where there are several of one id"),
        ),
    ),
    Table(
        "variables.tsv",
        "variable",
        (
            Column("name", "as in ${NAME}", "name"),
            Column("kind", "string, port, integer, boolean, host, path, choice or secret", "word"),
            Column("required", "whether the operator must give it", "yesno"),
            Column("default", "taken where the operator gives none"),
            Column("generator", "makes a value where the operator gives none"),
            Column("pattern", "POSIX extended regular expression that the whole value must match"),
            Column("choices", "separated by commas"),
            Column("prompt_en", "what the installer asks, in English"),
            Column("prompt_zh", "what the installer asks, in Chinese"),
            Column("lacking", "default, empty or unset: what applies where the operator gives none", "word"),
            Column("default_is", "what the documents take without a value, for people"),
            Column("ask", "whether a terminal is asked even if the operator can give none", "yesno"),
        ),
    ),
    Table(
        "templates.tsv",
        "template",
        (
            Column("path", "of a file in which @@NAME@@ is replaced", "path"),
            Column("mode", "at the site", "mode"),
            Column("format", "how a value is quoted there", "format"),
        ),
    ),
    Table(
        "modes.tsv",
        "file_mode",
        (Column("path", "of a file below config/ or files/", "path"), Column("mode", "at the site", "mode")),
    ),
    Table(
        "data.tsv",
        "data_folder",
        (
            Column("path", _DATA, "path"),
            Column("mode", "at the site", "foldermode"),
            Column("uid", "owner; - leaves it", f"number{OPTIONAL}"),
            Column("gid", "group; - leaves it", f"number{OPTIONAL}"),
        ),
    ),
    Table(
        "initial.tsv",
        "initial_file",
        (
            Column("path", f"{_DATA}, of a file whose content is config/.initial-data/<path>", "path"),
            Column("mode", "at the site", "foldermode"),
            Column("uid", "owner; - leaves it", f"number{OPTIONAL}"),
            Column("gid", "group; - leaves it", f"number{OPTIONAL}"),
        ),
    ),
    Table(
        "certificates.tsv",
        "certificate",
        (
            Column("host", "site variable: the name that the certificate must be for", "name"),
            Column("certificate", "site variable: path of the PEM file with the certificates", "name"),
            Column("key", "site variable: path of the PEM file with the key", "name"),
            Column("self_signed", "site variable: whether one is made where none is given", "name"),
            Column("certificate_path", f"{_DATA}: where the certificates are put", "path"),
            Column("key_path", f"{_DATA}: where the key is put", "path"),
        ),
    ),
    Table(
        "dumps.tsv",
        "dump",
        (
            Column("id", "names the file in a backup", "word"),
            _SERVICE,
            Column("backup", "line for `sh -c` in its container that writes the dump"),
            Column("restore", "line for `sh -c` in its container that reads the dump"),
        ),
    ),
    Table(
        "lifecycle.tsv",
        "role",
        (
            Column("what", "quiesce, dumped, disposable or migrations", "word"),
            Column("name", "service, or folder or volume with data", "path"),
        ),
    ),
    Table(
        "probes.tsv",
        "probe",
        (
            Column("id", "names the probe", "word"),
            Column("service", "whose container the command runs in", "word"),
            Column("limit", "seconds that it may take", "number"),
            Column("script", "file of the bundle that it reads on standard input", f"path{OPTIONAL}"),
            Column("when", "site variable without whose value there is nothing to prove", f"name{OPTIONAL}"),
            Column("title_en", "what it proves, in English"),
            Column("title_zh", "what it proves, in Chinese"),
            Column("remedy_en", "what to do where it fails, in English"),
            Column("remedy_zh", "what to do where it fails, in Chinese"),
        ),
    ),
    Table(
        "probe-words.tsv",
        "probe_word",
        (Column("probe", "that it belongs to", "word"), Column("word", "of its command, in order")),
    ),
    Table(
        "adopt.tsv",
        "adoption",
        (
            Column(
                "what",
                "value, file, published, folder, volume, seed, dump, needs, most, image, note or refuse",
                "word",
            ),
            Column("service", "of the installation that is adopted", f"word{OPTIONAL}"),
            Column("from", "where it stands there"),
            Column("to", "what it becomes here", f"path{OPTIONAL}"),
            Column("how", "on which terms; a text, in English"),
            Column("zh", "the text, in Chinese"),
        ),
    ),
    Table(
        "engine.tsv",
        "engine_part",
        (
            Column("kind", "version, bytes, room, data-root, program, archive, compose, deb or rpm", "word"),
            Column("value", "path in the bundle, number or name", "place"),
            Column("name", "of the file or package", f"path{OPTIONAL}"),
        ),
    ),
)
"""Tables that the builder writes. docs/reference/bundle-format.md describes each."""

TABLES: Final = {table.name: table for table in BUNDLE_TABLES}
"""Tables of a bundle, by name."""
