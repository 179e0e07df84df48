"""The release of a chart: Helm keeps each in a Secret, so it cannot be larger than one."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from bundler.api.application import ApplicationModel
from bundler.api.output import PinnedService
from bundler.language import tr_later
from bundler_kubernetes.chart.writer import write_chart
from bundler_kubernetes.mapping import map_application
from bundler_kubernetes.objects import Mapped, Note

LARGEST: Final = 1_000_000
"""Bytes of a Secret, with room for what only the site knows: k8s.io/api, core/v1, MaxSecretSize is 1 MiB."""


def map_with_chart(
    application: ApplicationModel, images: Sequence[PinnedService]
) -> tuple[Mapped, dict[str, str]]:
    """Return the objects, and the files of the chart; none, but a note, if Helm could not keep a release.

    Raises:
        BundleError: something cannot be mapped.
    """
    mapped = map_application(application, images)
    chart = write_chart(mapped, application.variables)
    if release_size(chart) <= LARGEST:
        return mapped, chart
    text = tr_later("there is no chart: Helm keeps a release in a Secret, and this one is larger than 1 MiB")
    return replace(mapped, notes=(*mapped.notes, Note("application", "", text))), {}


def release_size(files: Mapping[str, str]) -> int:
    """Return the bytes of a release: the chart and its objects as JSON, compressed, in base64.

    Source: helm.sh/helm/v4, pkg/storage/driver/util.go, encodeRelease. The objects are taken to be as large
    as the templates.
    """
    chart = {path: base64.b64encode(text.encode()).decode() for path, text in files.items()}
    objects = "".join(text for path, text in files.items() if path.startswith("templates/"))
    release = json.dumps({"chart": chart, "manifest": objects}, ensure_ascii=False).encode()
    return len(base64.b64encode(gzip.compress(release, mtime=0)))
