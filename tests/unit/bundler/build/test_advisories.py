"""Files about vulnerabilities are recognised by their content."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from bundler.build.advisories import MOST_WORDS, Advisories, read_advisories
from bundler.errors import BundleError

DOCUMENTS: dict[str, tuple[dict[str, object], str | None, dict[str, int]]] = {
    "OpenVEX": (
        {
            "@context": "https://openvex.dev/ns/v0.2.0",
            "timestamp": "2026-10-01T00:00:00Z",
            "statements": [{"status": "not_affected"}, {"status": "fixed"}, {"status": "fixed"}],
        },
        "2026-10-01T00:00:00Z",
        {"fixed": 2, "not_affected": 1},
    ),
    "CSAF": (
        {
            "document": {
                "category": "csaf_vex",
                "csaf_version": "2.0",
                "tracking": {"current_release_date": "2026-10-02T00:00:00Z"},
            },
            "vulnerabilities": [
                {"cve": "CVE-1", "product_status": {"known_not_affected": ["a", "b"], "fixed": ["c"]}},
                {"cve": "CVE-2"},
            ],
        },
        "2026-10-02T00:00:00Z",
        {"fixed": 1, "known_not_affected": 1, "unknown": 1},
    ),
    "CycloneDX": (
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "metadata": {"timestamp": "2026-10-03T00:00:00Z"},
            "vulnerabilities": [
                {"analysis": {"state": "not_affected"}, "ratings": [{"severity": "high"}]},
                {"ratings": [{"method": "other"}, {"severity": "high"}]},
                {},
            ],
        },
        "2026-10-03T00:00:00Z",
        {"high": 1, "not_affected": 1, "unknown": 1},
    ),
    "SARIF": (
        {
            "version": "2.1.0",
            "runs": [
                {
                    "invocations": [{"endTimeUtc": "2026-10-04T00:00:00Z"}],
                    "tool": {"driver": {"rules": [{"id": "A", "defaultConfiguration": {"level": "error"}}]}},
                    "results": [{"ruleId": "A"}, {"ruleId": "B"}, {"ruleId": "A", "level": "note"}],
                }
            ],
        },
        "2026-10-04T00:00:00Z",
        {"error": 1, "note": 1, "warning": 1},
    ),
    "Grype": (
        {
            "matches": [
                {"vulnerability": {"severity": "High"}},
                {"vulnerability": {"severity": "Negligible"}},
            ],
            "descriptor": {"name": "grype", "timestamp": "2026-10-05T00:00:00.123456789Z"},
        },
        "2026-10-05T00:00:00.123456789Z",
        {"high": 1, "negligible": 1},
    ),
    "Trivy": (
        {
            "SchemaVersion": 2,
            "ArtifactName": "web:1",
            "Results": [{"Vulnerabilities": [{"Severity": "CRITICAL"}, {"Severity": 7}]}, {"Target": "x"}],
        },
        None,
        {"critical": 1, "unknown": 1},
    ),
}


def at(key: Sequence[str | int]) -> str:
    return f"p.yaml:7: {'.'.join(map(str, key))}"


def read(folder: Path, *names: str) -> Advisories:
    return read_advisories([Path(name) for name in names], folder, at)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_kinds(kind: str, tmp_path: Path) -> None:
    document, date, counts = DOCUMENTS[kind]
    (tmp_path / "x.json").write_text(json.dumps(document))
    found = read(tmp_path, "x.json")
    (entry,) = found.entries
    assert (entry.path, entry.kind, entry.date, entry.counts) == (
        "attestations/advisories/x.json",
        kind,
        date,
        counts,
    )
    assert b"".join(found.members[0].content.chunks()) == (tmp_path / "x.json").read_bytes()


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_documents_of_any_shape_are_counted_or_refused(kind: str, tmp_path: Path) -> None:
    for key in DOCUMENTS[kind][0]:
        for value in (None, 7, [7], {"a": 7}, [{"a": [7]}], "x"):
            (tmp_path / "x.json").write_text(json.dumps({**DOCUMENTS[kind][0], key: value}))
            try:
                read(tmp_path, "x.json")
            except BundleError as error:
                assert "of a known kind" in error.message  # noqa: PT017 either is right


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", r"p\.yaml:7: advisories\.0: .*x\.json: it is not JSON"),
        (b"[]", r"p\.yaml:7: advisories\.0: .*x\.json: it is no vulnerability or VEX file of a known kind"),
        (b'{"bomFormat": "CycloneDX"}', "of a known kind"),
        (None, r"p\.yaml:7: advisories\.0: .*x\.json: cannot be read: No such file"),
    ],
    ids=["text", "list", "sbom", "missing"],
)
def test_other_files_are_refused_with_a_remedy(content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(BundleError, match=message) as error:
        read(tmp_path, "x.json")
    assert error.value.hint


def test_only_the_most_frequent_words_are_counted_by_themselves(tmp_path: Path) -> None:
    words = [*["high"] * 9, *["low"] * 5, *(f"w{number:05}" for number in range(30_000)), 7]
    statements = [{"status": word} for word in words]
    (tmp_path / "x.json").write_text(json.dumps({**DOCUMENTS["OpenVEX"][0], "statements": statements}))
    (entry,) = read(tmp_path, "x.json").entries
    assert entry.counts == {
        "high": 9,
        "low": 5,
        "unknown": 30_000 - 17 + 1,
        **{f"w{number:05}": 1 for number in range(17)},
    }
    assert list(entry.counts) == sorted(entry.counts)
    (tmp_path / "x.json").write_text(json.dumps({**DOCUMENTS["OpenVEX"][0], "statements": statements[:-1]}))
    (entry,) = read(tmp_path, "x.json").entries
    assert len(entry.counts) == MOST_WORDS + 1
    assert sum(entry.counts.values()) == len(words) - 1


def test_files_are_sorted_by_name(tmp_path: Path) -> None:
    for name in ("b.json", "a.json"):
        (tmp_path / name).write_text(json.dumps(DOCUMENTS["OpenVEX"][0]))
    found = read(tmp_path, "b.json", "a.json")
    assert [each.path.rpartition("/")[2] for each in found.entries] == ["a.json", "b.json"]
    assert [each.path for each in found.members] == [each.path for each in found.entries]
