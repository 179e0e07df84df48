"""The objects of a cluster, written by no dialect yet: plain mappings whose leaves may be decided later.

A leaf is a text, number, truth value or None, as in JSON, or one of `SiteText`, `Setting`, `Checksum` and
`ImageName`. Writers walk an object and write each leaf in their own way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal

from bundler_kubernetes.text import SiteText

SettingKind = Literal["size", "class", "exposure", "host", "port", "namespace", "certificate"]


class Stage(IntEnum):
    """When an object is applied; the number begins the name of its file."""

    ACCOUNTS = 10
    CONFIGURATION = 20
    STORAGE = 30
    POLICIES = 40
    SERVICES = 50
    WORKLOADS = 60
    SCALING = 65
    DISRUPTION = 70
    INGRESS = 80


@dataclass(frozen=True)
class Setting:
    """A value that the cluster decides, and not the application: a size, a class, how a port is exposed.

    Attributes:
        name: as a site variable: `KUBE_...`.
        path: place in the values of a chart.
        default: what applies without an answer; `null` leaves the field to the cluster.
        kind: what it is.
        about: what it is for, in English.
        choices: the possible values, if they are few.
    """

    name: str
    path: tuple[str, ...]
    default: str
    kind: SettingKind
    about: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checksum:
    """The value of an annotation that changes with configuration, so that pods are replaced.

    Attributes:
        objects: the ConfigMaps and Secrets, as `(kind, name)`.
        digest: SHA-256, in hex digits, of what is known of them at the build.
        names: the site variables in them that are no secrets.
    """

    objects: tuple[tuple[str, str], ...]
    digest: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class ImageName:
    """An image of the bundle, by the tag that `images.tsv` has."""

    tag: str


Leaf = str | int | float | bool | SiteText | Setting | Checksum | ImageName | None
Body = dict[str, Any]
"""An object: keys in the order in which they are written."""


@dataclass(frozen=True)
class KubeObject:
    """An object of the cluster.

    Attributes:
        stage: when it is applied.
        body: the object, without a namespace.
        service: name of the Compose service that it belongs to; empty for those of several.
        when: `ingress`: it is wanted only if ports are exposed by an Ingress; empty if it is always wanted.
        single: whether it must never have two pods, not even while one replaces the other.
    """

    stage: Stage
    body: Body = field(hash=False)
    service: str = ""
    when: Literal["", "ingress"] = ""
    single: bool = False

    @property
    def kind(self) -> str:
        """Return its kind."""
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        """Return its name."""
        return str(self.body["metadata"]["name"])


@dataclass(frozen=True)
class Note:
    """What is different in a cluster: a line of the report.

    Attributes:
        subject: `service web`, `volume db`, `network back`; empty for the application.
        key: key of the Compose document; empty if there is none.
        text: what is so, a template in English that the catalogue translates.
        values: what its placeholders stand for.
    """

    subject: str
    key: str
    text: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Mapped:
    """An application as objects of a cluster.

    Attributes:
        name, version, title: of the application.
        objects: in the order in which they are applied.
        notes: what is mapped with a loss.
        settings: those that occur in the objects, each once.
        variables: names of the site variables that occur in the objects, sorted.
        defaults: what applies of them at a site where the operator says nothing, by name.
        in_files: formats of the configuration files that contain a site variable, by its name. A value that
            the format quotes cannot stand there as it is: `SAFE_VALUE` of `files`.
    """

    name: str
    version: str
    title: str
    objects: tuple[KubeObject, ...]
    notes: tuple[Note, ...] = ()
    settings: tuple[Setting, ...] = ()
    variables: tuple[str, ...] = ()
    in_files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)


def leaves(value: Any) -> Iterator[Leaf]:  # noqa: ANN401 an object, or a part of one
    """Yield the leaves of an object in its order."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    else:
        yield value
