"""Vulnerability and VEX files that were made elsewhere, recognised by their content, carried as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bundler.bundle.manifest import AdvisoryEntry
from bundler.bundle.tar import Member
from bundler.errors import BundleError
from bundler.io.json import parse_json
from bundler.language import tr, tr_later

FOLDER: Final = "attestations/advisories"
LARGEST: Final = 64 << 20
"""Bytes of the largest file."""
MOST_VALUES: Final = 4_000_000
"""Values of the largest file: some ten thousand findings of a scanner."""
MOST_WORDS: Final = 20
"""Statuses or severities of a file that are counted each by itself; known formats have fewer than ten."""
_UNKNOWN: Final = "unknown"
_REMEDY: Final = tr_later(
    "OpenVEX, CSAF 2, CycloneDX with vulnerabilities, SARIF 2.1, and the JSON of Grype and Trivy are known;"
    " other files can be carried as `files`"
)
"""What to do about a file that is not of a known kind."""


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: as people know it.
        matches: whether a document is of this kind.
        date: when it was made; anything that is no text counts as unknown.
        counts: a status or severity for each of its findings.
    """

    name: str
    matches: Callable[[Mapping[str, Any]], bool]
    date: Callable[[Mapping[str, Any]], object]
    counts: Callable[[Mapping[str, Any]], Iterable[object]]


def _mapping(value: object, *path: str) -> Mapping[str, Any]:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _list(document: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    found = document.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _cyclonedx(document: Mapping[str, Any]) -> Iterable[object]:
    for each in _list(document, "vulnerabilities"):
        state = _mapping(each, "analysis").get("state")
        yield state or next(
            (one.get("severity") for one in _list(each, "ratings") if one.get("severity")), None
        )


def _csaf(document: Mapping[str, Any]) -> Iterable[object]:
    for each in _list(document, "vulnerabilities"):
        yield from _mapping(each, "product_status") or ["unknown"]


def _sarif(document: Mapping[str, Any]) -> Iterable[object]:
    """SARIF 2.1.0, 3.27.10: without `level`, it is the rule's, and without that `warning`."""
    for run in _list(document, "runs"):
        rules = {
            rule.get("id"): _mapping(rule, "defaultConfiguration").get("level")
            for rule in _list(_mapping(run, "tool", "driver"), "rules")
            if isinstance(rule.get("id"), str)
        }
        for each in _list(run, "results"):
            rule = each.get("ruleId")
            yield each.get("level") or (rules.get(rule) if isinstance(rule, str) else None) or "warning"


KINDS: Final = (
    Kind(
        "OpenVEX",
        lambda document: str(document.get("@context")).startswith("https://openvex.dev/ns"),
        lambda document: document.get("timestamp"),
        lambda document: (each.get("status") for each in _list(document, "statements")),
    ),
    Kind(
        "CSAF",
        lambda document: (
            "category" in _mapping(document, "document") and "csaf_version" in document["document"]
        ),
        lambda document: _mapping(document, "document", "tracking").get("current_release_date"),
        _csaf,
    ),
    Kind(
        "CycloneDX",
        lambda document: document.get("bomFormat") == "CycloneDX" and "vulnerabilities" in document,
        lambda document: _mapping(document, "metadata").get("timestamp"),
        _cyclonedx,
    ),
    Kind(
        "SARIF",
        lambda document: document.get("version") == "2.1.0" and isinstance(document.get("runs"), list),
        lambda document: next(
            (
                each.get("endTimeUtc")
                for run in _list(document, "runs")
                for each in _list(run, "invocations")
                if each.get("endTimeUtc")
            ),
            None,
        ),
        _sarif,
    ),
    Kind(
        "Grype",
        lambda document: _mapping(document, "descriptor").get("name") == "grype" and "matches" in document,
        lambda document: _mapping(document, "descriptor").get("timestamp"),
        lambda document: (
            _mapping(each, "vulnerability").get("severity") for each in _list(document, "matches")
        ),
    ),
    Kind(
        "Trivy",
        lambda document: "SchemaVersion" in document and "ArtifactName" in document,
        lambda document: document.get("CreatedAt"),
        lambda document: (
            each.get("Severity")
            for result in _list(document, "Results")
            for each in _list(result, "Vulnerabilities")
        ),
    ),
)


@dataclass(frozen=True)
class Advisories:
    """The files of a profile.

    Attributes:
        entries: what bundle.json says about them, sorted by path.
        members: the files themselves, in the same order.
    """

    entries: tuple[AdvisoryEntry, ...] = ()
    members: tuple[Member, ...] = ()


def read_advisories(
    paths: Sequence[Path], base: Path, at: Callable[[Sequence[str | int]], str]
) -> Advisories:
    """Read the files of `advisories:` and recognise their kinds.

    Args:
        paths: from the profile.
        base: folder that they are relative to.
        at: key -> file, line and key of the profile, as a message begins.

    Raises:
        BundleError: a file is missing, too large or of an unknown kind.
    """
    found = {}
    for index, path in enumerate(paths):
        name = f"{FOLDER}/{path.name}"
        raw = _read(base / path, at(("advisories", index)))
        found[name] = (
            _recognise(raw, name, f"{at(('advisories', index))}: {base / path}"),
            Member.of(name, raw),
        )
    ordered = [found[name] for name in sorted(found)]
    return Advisories(tuple(entry for entry, _ in ordered), tuple(member for _, member in ordered))


def _read(path: Path, where: str) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise BundleError(
            tr("{at}: {path}: cannot be read: {strerror}", at=where, path=path, strerror=error.strerror),
            hint=tr("relative paths start from the folder of the file that contains them"),
        ) from error
    if len(raw) > LARGEST:
        raise BundleError(
            tr("{at}: {path}: it is larger than {limit} MiB", at=where, path=path, limit=LARGEST >> 20),
            hint=tr("carry it as one of `files`, or split it"),
        )
    return raw


def _recognise(raw: bytes, name: str, where: str) -> AdvisoryEntry:
    try:
        document = parse_json(raw, MOST_VALUES)
    except ValueError as error:
        raise BundleError(
            tr("{where}: it is not JSON: {error}", where=where, error=error),
            hint=tr(_REMEDY),
        ) from error
    kind = next((each for each in KINDS if isinstance(document, dict) and each.matches(document)), None)
    if kind is None:
        raise BundleError(
            tr("{where}: it is no vulnerability or VEX file of a known kind", where=where),
            hint=tr(_REMEDY),
        )
    date = kind.date(document)
    return AdvisoryEntry(
        path=name,
        kind=kind.name,
        date=date[:40] if isinstance(date, str) and date.isprintable() and date.isascii() else None,
        counts=_count(_word(each) for each in kind.counts(document)),
    )


def _count(words: Iterable[str]) -> dict[str, int]:
    """Return the most frequent words with their numbers, sorted; the others count as unknown."""
    counts = Counter(words)
    ordered = sorted(counts, key=lambda word: (word != _UNKNOWN, -counts[word], word))
    kept = {word: counts[word] for word in ordered[:MOST_WORDS]}
    if len(ordered) > MOST_WORDS:
        kept[_UNKNOWN] = kept.get(_UNKNOWN, 0) + sum(counts[word] for word in ordered[MOST_WORDS:])
    return dict(sorted(kept.items()))


def _word(value: object) -> str:
    """Return a status or severity in one spelling: lower case, with `_` between words."""
    text = value.lower().replace("-", "_").replace(" ", "_") if isinstance(value, str) else ""
    return text if text.isascii() and text.isidentifier() and len(text) <= 40 else _UNKNOWN  # noqa: PLR2004
