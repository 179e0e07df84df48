"""`bundle receipt`: verified, shown, refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.console import Console, make_console
from tests.support.receipts import ED25519, P256, document, public, receipt


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Console:
    monkeypatch.chdir(tmp_path)
    Path("r.json").write_bytes(receipt(ED25519))
    Path("site.pub").write_bytes(public(ED25519, Encoding.PEM))
    Path("other.pub").write_bytes(public(P256, Encoding.PEM))
    return make_console(capsys)


def test_a_receipt_is_shown(console: Console) -> None:
    shown = console("receipt", "r.json", "--key", "site.pub")
    assert shown.code == 0
    assert shown.out.startswith("installation: Shop 1.0 (bank), release 1.0-abc\n")
    for part in ("accepted by option: --yes", "accepted: cpu: 1; needed: 2", "service web: running/healthy"):
        assert part in shown.out
    assert "ok: signed by the given key" in shown.out


def test_without_a_key_only_changes_are_found(console: Console) -> None:
    shown = console("receipt", "r.json")
    assert shown.code == 0
    assert "Whose key that is was not checked" in shown.out
    printed = console("receipt", "r.json", "--json").json
    assert printed["receipt"] == document(ED25519)
    assert printed["key_compared"] is False


def test_another_key_and_a_change_are_refused(console: Console) -> None:
    other = console("receipt", "r.json", "--key", "other.pub")
    assert (other.code, other.out) == (4, "")
    assert "r.json: the receipt is signed by another site" in other.err
    Path("r.json").write_bytes(receipt(ED25519)[:-40])
    assert console("receipt", "r.json").code == 4


def test_an_unusable_key_is_wrong_usage(console: Console) -> None:
    Path("site.pub").write_text("nonsense")
    refused = console("receipt", "r.json", "--key", "site.pub")
    assert refused.code == 2
    assert "not a public key" in refused.err


def test_the_schema_is_printed(console: Console) -> None:
    assert console("schema", "receipt").json["title"] == "Receipt"
