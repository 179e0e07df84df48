"""Charts and plain manifests of applications, and how they are compared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bundler.api.application import ApplicationModel
from bundler.api.compose import running
from bundler.api.output import ImageFacts
from bundler_kubernetes.renderer import KubernetesRenderer
from bundler_kubernetes.text import SiteText, parse
from tests.support.kube_objects import pinned

NAMED = re.compile("@@([A-Z_a-z0-9]+)@@")
Objects = dict[tuple[str, str], dict[str, Any]]
"""Objects by kind and name."""


@dataclass(frozen=True)
class Rendered:
    """An application as it is rendered for a cluster.

    Attributes:
        application: the application.
        folder: the folder `kubernetes` of its bundle.
    """

    application: ApplicationModel
    folder: Path

    @classmethod
    def write(cls, application: ApplicationModel, folder: Path) -> Rendered:
        """Render an application below a folder."""
        facts = {service.name: ImageFacts("1000:1000") for service, _ in running(application.compose)}
        for member in KubernetesRenderer().render(application, pinned(application, facts)):
            path = folder / member.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(member.read())
        return cls(application, folder / "kubernetes")

    @property
    def chart(self) -> Path:
        """The folder of the chart."""
        return self.folder / "chart"

    @property
    def secrets(self) -> dict[str, str]:
        """A value for each secret."""
        return {
            each.name: f"secret-of-{each.name}".ljust(43, "-")  # as long as a key of 32 bytes in base64
            for each in self.application.variables
            if each.kind == "secret"
        }

    def manifests(
        self, namespace: str, answers: Mapping[str, str] | None = None, *, ingress: bool = False
    ) -> Objects:
        """Return the objects of the plain manifests, with the defaults of the site's variables."""
        given = {each.name: each.default for each in self.application.variables if each.default is not None}
        rows = [line.split("\t") for line in (self.folder / "variables.tsv").read_text().splitlines()[1:]]
        given |= {name: plain(default) for name, kind, default, _ in rows if kind == "variable" and default}
        given |= {**self.secrets, **(answers or {})}
        names = dict(given)
        for name, kind, default, _ in rows:
            if kind == "expression":
                text = parse(plain(default))
                names[name] = text.fill(given) if isinstance(text, SiteText) else text
            elif kind == "namespace":
                names[name] = namespace
            elif kind not in {"secret", "variable"}:
                names[name] = default

        def value(found: re.Match[str]) -> str:
            return json.dumps(names.get(found[1], ""))[1:-1]

        folders = ("manifests", "ingress") if ingress else ("manifests",)
        paths = [path for folder in folders for path in sorted((self.folder / folder).glob("*"))]
        return by_name("---\n".join(NAMED.sub(value, path.read_text()) for path in paths))


def plain(cell: str) -> str:
    """Return a cell of a table as the text that it stands for."""
    escapes = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}
    return re.sub(r"\\(.)", lambda found: escapes[found[1]], cell)


def differences(chart: Objects, plain: Objects) -> list[str]:
    """Return what differs between the objects of a chart and those of the manifests; empty if nothing does.

    Only a chart has the Secret that keeps what it made, the annotation for what an uninstallation leaves,
    and Helm as manager. Only manifests have null, for a field that is left to the cluster. The order of the
    environment means nothing, since no value refers to another one. Checksums are made in different ways.
    """
    one = {key: _comparable(each) for key, each in chart.items() if key != ("Secret", "site-secrets")}
    other = {key: _comparable(each) for key, each in plain.items()}
    found = [f"only in the chart: {key}" for key in one.keys() - other.keys()]
    found += [f"only in the manifests: {key}" for key in other.keys() - one.keys()]
    for key in sorted(one.keys() & other.keys()):
        found += [f"{key}: {line}" for line in _differences("", one[key], other[key])]
    return sorted(found)


def _comparable(value: Any) -> Any:  # noqa: ANN401 any part of an object
    if isinstance(value, list):
        return [_comparable(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, each in value.items():
        if each is None or key in {"app.kubernetes.io/managed-by", "helm.sh/resource-policy"}:
            continue
        item = "a checksum" if key == "bundle/checksum" else _comparable(each)
        if key == "annotations" and not item:
            continue
        found[key] = sorted(item, key=lambda entry: entry["name"]) if key == "env" else item
    return found


def _differences(path: str, one: Any, other: Any) -> Iterator[str]:  # noqa: ANN401 any part of an object
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from _differences(f"{path}.{key}", one.get(key), other.get(key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(f"{path}[{number}]", left, right)
    elif one != other or type(one) is not type(other):
        yield f"{path}: chart {one!r}, manifests {other!r}"


def by_name(text: str) -> Objects:
    """Return the objects of a YAML stream."""
    found = {}
    for document in yaml.safe_load_all(text):
        if document:
            key = (document["kind"], document["metadata"]["name"])
            assert key not in found, key
            found[key] = document
    return found
