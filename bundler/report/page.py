"""Renders the pages: data and words into one self-contained HTML file without scripts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bundler.language import tr
from bundler.report import attested, graph, treemap
from bundler.report.catalogue import TAGS, Words, load_words
from bundler.report.difference import FACTS, KINDS, Difference, count, find_changes
from bundler.report.hardening import CHECKS
from bundler.report.model import Image, Package, Report
from bundler.terminal.console import clean
from bundler.terminal.progress import format_bytes, format_counts

MOST_PACKAGES: Final = 500
"""Most packages of one image that a page lists."""
MARKS: Final = {"good": "✓", "plain": "·", "risk": "!"}
"""Signs of findings, for readers who do not see colours."""
REPORT_SECTIONS: Final = {
    "overview": ("facts", "notes"),
    "signatures": ("signatures",),
    "sizes": ("sizes_about", "sizes"),
    "images": ("images",),
    "shared": ("shared",),
    "topology": ("topology",),
    "hardening": ("hardening",),
    "ports": ("ports",),
    "data": ("data",),
    "variables": ("variables",),
    "secrets": ("secrets",),
    "requirements": ("requirements", "checks"),
    "sbom": ("sbom",),
    "provenance": ("provenance",),
}
"""Anchors of the sections of a report, which are also keys of their names, and the parts of each."""
Row = tuple[str, ...]


def render_report(reports: Sequence[Report], language: str) -> bytes:
    """Return the page of a bundle or a plan; the same data gives the same bytes.

    Args:
        reports: what it shows: one, or those of a plan for several platforms. What is the same for all of
            them is shown once.
        language: a key of `catalogue.TAGS`.
    """
    w = load_words(language)
    first = reports[0]
    return _render(
        "report.html",
        w,
        TAGS[language],
        sections=[(each, w[each]) for each in REPORT_SECTIONS],
        parts_of=REPORT_SECTIONS,
        r=first,
        kind=w["report_of_bundle" if first.checked else "report_of_plan"],
        views=[{**_view(each, w), **_facts_of_all(reports, w)} for each in reports],
    )


def _view(report: Report, w: Words) -> dict[str, Any]:
    """Return what the sections of a report show."""
    checked = report.checked
    tiles = treemap.draw(report.images)
    return {
        "r": report,
        "fingerprints": [(each,) for each in (checked.signers or checked.claimed)] if checked else [],
        "tiles": tiles,
        "carried": sum(tile.size for tile in tiles),
        "images": [_image(each, w) for each in report.images],
        "foreign": any(each.platform for each in report.images),
        "shared": [
            (each.layer.digest, format_bytes(each.layer.size), ", ".join(each.images))
            for each in report.shared
        ],
        "graph": graph.draw(report.services, report.networks, report.ports),
        "hardened": [each for each in report.services if each.hardening],
        "protections": [w[about] for about in CHECKS],
        "marks": MARKS,
        "most": MOST_PACKAGES,
        "sbom": attested.SBOM,
        "provenance": attested.PROVENANCE,
        "built": [(w[key], text) for key, text in report.provenance.facts] if report.provenance else [],
        "contained": [
            (each.name, each.version, each.purpose.lower(), format_counts(each.counts))
            for each in report.contained or ()
        ],
        "advisories": [
            (each.path, each.kind, each.date, format_counts(each.counts)) for each in report.advisories
        ],
        **_service_tables(report, w),
        **_site_tables(report, w),
    }


def render_difference(difference: Difference, language: str) -> bytes:
    """Return the page of a difference; the same data gives the same bytes."""
    w = load_words(language)
    changes = find_changes(difference, w)
    groups = [
        (w[what], rows)
        for what in FACTS
        if (rows := [(c.name, w[c.kind], c.old, c.new) for c in changes if c.what == what])
    ]
    old, new = _facts(difference.old, w), _facts(difference.new, w)
    counted = {what: count(changes, what) for what in FACTS}
    return _render(
        "difference.html",
        w,
        TAGS[language],
        sections=[("overview", w["overview"]), ("transfer", w["to_transfer"]), ("changes", w["changes"])],
        d=difference,
        old=f"{w['old']} ({difference.old.version}): ",
        new=f"{w['new']} ({difference.new.version}): ",
        facts=[(name, before, after) for (name, before), (_, after) in zip(old, new, strict=True)],
        images=[
            (
                each.image.name,
                format_bytes(each.image.size),
                format_bytes(each.bytes),
                str(len(each.image.layers)),
                str(each.layers),
            )
            for each in difference.images
        ],
        groups=groups,
        counts=[
            (w[what], *(str(numbers[kind]) for kind in KINDS))
            for what, numbers in counted.items()
            if any(numbers.values())
        ],
    )


def _facts_of_all(reports: Sequence[Report], w: Words) -> dict[str, Sequence[Any]]:
    """Return one table for all reports, with a column for each."""
    rows = [
        (rows[0][0], *(text for _, text in rows))
        for rows in zip(*(_facts(each, w) for each in reports), strict=True)
    ]
    several = [each.platform for each in reports]
    return {"facts": rows, "facts_head": (w["fact"], *(several if len(several) > 1 else [w["value"]]))}


def _facts(report: Report, w: Words) -> list[Row]:
    packed, kept = format_bytes(report.packed), format_bytes(report.kept)
    rows = [
        ("application", report.name),
        ("version", report.version),
        ("profile", report.profile),
        ("platform", report.platform),
        ("project", report.project),
        *((("file", report.file),) if report.file is not None else ()),
        ("size" if report.file is not None else "size_planned", format_bytes(report.size)),
        *((("created", _time(report.created)),) if report.created is not None else ()),
        ("packing", w[f"packed_{report.compression}"].format(packed=packed, kept=kept)),
        (
            "counts",
            w["count_of"].format(
                images=len(report.images), services=len(report.services), variables=len(report.variables)
            ),
        ),
    ]
    return [(w[key], text) for key, text in rows]


def _image(image: Image, w: Words) -> Row:
    return (
        image.name,
        ", ".join(image.services) or w["nothing"],
        str(len(image.layers)) if image.layers else w["unknown"],
        format_bytes(image.size),
        w["unknown"] if image.unpacked is None else format_bytes(image.unpacked),
        image.digest,
        *((image.platform,) if image.platform else ()),
    )


def _service_tables(report: Report, w: Words) -> dict[str, list[Row]]:
    return {
        "services": [
            (
                each.name,
                each.image,
                w[f"expect_{each.expect}"],
                each.replicas,
                ", ".join(each.networks) or each.mode or w["nothing"],
                ", ".join(each.depends),
            )
            for each in report.services
        ],
        "networks": [
            (
                each.name,
                each.driver,
                _yes(w, not each.internal),
                ", ".join(each.subnets) or w["chosen_by_engine"],
                _yes(w, each.external),
            )
            for each in report.networks
        ],
        "ports": [
            (
                each.service,
                w["all_addresses"] if each.address == "-" else each.address,
                each.port,
                each.protocol,
            )
            for each in report.ports
        ],
        "volumes": [
            (each.name, each.driver, ", ".join(each.services) or w["nothing"], _yes(w, each.external))
            for each in report.volumes
        ],
        "mounts": [
            (each.service, each.target, w[f"mount_{each.kind}"], each.place, _yes(w, not each.read_only))
            for each in report.mounts
        ],
    }


def _site_tables(report: Report, w: Words) -> dict[str, list[Row]]:
    return {
        "variables": [
            (each.name, each.kind, _yes(w, each.required), each.default or "", each.generator or "")
            for each in report.variables
        ],
        "secrets": [
            *((each.name, w["secret_variable"]) for each in report.variables if each.kind == "secret"),
            *((name, w["secret_compose"]) for name in report.secrets),
        ],
        "requirements": [
            (
                shown.name or each.id,
                each.id,
                shown.required,
                shown.recommended,
                tr(each.reason) if each.reason else w["by_profile"],
            )
            for each, shown in report.wanted
        ],
        "checks": [
            (each.name, each.id, each.group, each.required, each.recommended) for each in report.checks
        ],
    }


def _yes(w: Words, said: bool) -> str:  # noqa: FBT001
    return w["yes" if said else "no"]


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _render(template: str, w: Words, tag: str, **data: Any) -> bytes:  # noqa: ANN401 what the template takes
    return _environment().get_template(template).render(w=w, tag=tag, **data).encode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "bytes": format_bytes,
        "share": _share,
        "tail": lambda name: name.rpartition("/")[2],
        "fill": lambda text, **values: text.format(**values),
        "packages": _packages,
    }
    return environment


def _finalize(value: object) -> object:
    """Escape characters that reorder or hide text; markup is the templates' own, of escaped parts."""
    return clean(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _share(part: int, whole: int) -> str:
    return f"{part / whole * 100:.1f}%" if whole else "0%"


def _packages(packages: Sequence[Package]) -> Iterable[Row]:
    return [(each.name, each.version, each.license) for each in packages[:MOST_PACKAGES]]
