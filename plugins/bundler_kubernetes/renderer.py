"""The renderer `kubernetes`: writes the objects of an application below `kubernetes/`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bundler.api.application import ApplicationModel
from bundler.api.output import PinnedService
from bundler.bundle.tar import Member

FOLDER: Final = "kubernetes"


class KubernetesRenderer:
    """Writes the model as manifests that the site applies."""

    name = "kubernetes"

    def notes(self, application: ApplicationModel, images: Sequence[PinnedService]) -> list[str]:
        """See `bundler.api.output.Renderer.notes`."""
        from bundler_kubernetes.chart.release import map_with_chart  # noqa: PLC0415 only for this target
        from bundler_kubernetes.report import show  # noqa: PLC0415 likewise

        return [show(note) for note in map_with_chart(application, images)[0].notes]

    def render(self, application: ApplicationModel, images: Sequence[PinnedService]) -> list[Member]:
        """See `bundler.api.output.Renderer.render`. Pods name their images as the nodes have them."""
        from bundler_kubernetes.chart.release import map_with_chart  # noqa: PLC0415 likewise
        from bundler_kubernetes.manifests import (  # noqa: PLC0415 likewise
            expressions_of,
            file_name,
            variables_table,
            write_manifest,
        )
        from bundler_kubernetes.report import report  # noqa: PLC0415 likewise

        mapped, chart = map_with_chart(application, images)
        expressions = expressions_of(mapped)
        members = []
        for number, each in enumerate(mapped.objects, 1):
            folder = "ingress" if each.when else "manifests"
            path = f"{FOLDER}/{folder}/{file_name(number, each)}"
            members.append(Member.of(path, write_manifest(each, expressions).encode()))
        secrets = frozenset(each.name for each in application.variables if each.kind == "secret")
        table = variables_table(mapped, expressions, secrets)
        return [
            *members,
            *(Member.of(f"{FOLDER}/chart/{path}", text.encode()) for path, text in chart.items()),
            Member.of(f"{FOLDER}/variables.tsv", table.encode()),
            Member.of(f"{FOLDER}/report.md", report(mapped).encode()),
        ]
