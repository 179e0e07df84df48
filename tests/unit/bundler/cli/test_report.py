"""`bundle report` and `bundle diff`: what is verified first, and where the page is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bundler.bundle.tar import Member
from bundler.errors import ExitCode
from tests.support.console import Console, isolate, make_console
from tests.support.pages import read_page
from tests.support.tiny import KEY, PUBLIC, signed, tiny_members, write_bundle


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Console:
    isolate(monkeypatch, tmp_path)
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.chdir(tmp_path)
    return make_console(capsys)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "publisher.pub"
    path.write_bytes(PUBLIC)
    return path


def write(path: Path, members: Sequence[Member] = (), *, unsigned: bool = False) -> Path:
    return write_bundle(path, signed([*tiny_members(), *members], key=None if unsigned else KEY))


def test_the_page_lies_beside_the_bundle(console: Console, tmp_path: Path, key: Path) -> None:
    done = console("report", write(tmp_path / "tiny.tar"), "--key", key)
    assert (done.code, done.out) == (0, f"wrote {tmp_path}/tiny.report.html\n")
    page = (tmp_path / "tiny.report.html").read_bytes()
    assert "✓ Verified: every byte is as signed, by a key that you gave." in read_page(page).said("strong")
    said = console("report", tmp_path / "tiny.tar", "--key", key, "-o", tmp_path / "x.html", "--json").json
    assert said == {"file": f"{tmp_path}/x.html", "size": len(page)}
    assert (tmp_path / "x.html").read_bytes() == page
    assert console("report", tmp_path / "tiny.tar", "--key", key, "-o", "-").out.encode() == page


def test_without_a_key_the_page_and_a_warning_say_so(console: Console, tmp_path: Path) -> None:
    done = console("report", write(tmp_path / "tiny.tar"), "-o", "-")
    assert done.code == 0
    assert "SIGNATURES NOT VERIFIED" in done.out
    assert "tiny.tar: its signatures were not verified: no public key (--key bundle.pub)" in done.err


def test_an_unsigned_bundle_is_refused_where_a_key_is_given(
    console: Console, tmp_path: Path, key: Path
) -> None:
    bundle = write(tmp_path / "tiny.tar", unsigned=True)
    done = console("report", bundle, "--key", key)
    assert done.code == ExitCode.VERIFICATION
    assert list(tmp_path.glob("*.html")) == []
    for options in ([], ["--key", str(key), "--allow-unsigned"]):
        done = console("report", bundle, "-o", "-", *options)
        assert "NOT SIGNED" in done.out
        assert "tiny.tar: it is not signed" in done.err


def test_a_damaged_bundle_has_no_page(console: Console, tmp_path: Path) -> None:
    bundle = write(tmp_path / "tiny.tar")
    data = bundle.read_bytes()
    bundle.write_bytes(
        data.replace(b"services: {web: {image: 'web:1'}}", b"services: {web: {image: 'web:2'}}")
    )
    done = console("report", bundle)
    assert (done.code, done.out) == (ExitCode.VERIFICATION, "")
    assert "tiny.tar: the bundle differs from what was signed" in done.err
    assert "config/compose.yaml: changed" in done.err


def test_a_document_that_cannot_be_read_is_named(console: Console, tmp_path: Path) -> None:
    bundle = write(tmp_path / "tiny.tar", [Member.of("attestations/sbom.spdx.json", b"{")])
    done = console("report", bundle)
    assert done.code == ExitCode.VERIFICATION
    assert "tiny.tar: attestations/sbom.spdx.json cannot be read" in done.err


def test_the_page_never_replaces_the_bundle(console: Console, tmp_path: Path) -> None:
    bundle = write(tmp_path / "tiny.tar")
    before = bundle.read_bytes()
    for words in (("report", bundle, "-o", bundle), ("diff", bundle, bundle, "-o", bundle)):
        done = console(*words)
        assert done.code == ExitCode.USAGE
        assert "the page would replace the bundle" in done.err
    assert bundle.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give either a bundle or a profile"),
        (("tiny.tar", "-p", "demo"), "give either a bundle or a profile"),
        (("tiny.tar", "--require", "2"), "there is no public key to verify the bundle with"),
        (("tiny.tar", "-o", "no/such/page.html"), "no/such: there is no such folder"),
    ],
)
def test_wrong_command_lines(console: Console, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    write(tmp_path / "tiny.tar")
    done = console("report", *words)
    assert done.code == ExitCode.USAGE
    assert said in done.err


@pytest.mark.parametrize(
    ("locale", "options", "tag"),
    [
        ("zh_CN.UTF-8", (), "zh-Hans"),
        ("C", ("--lang", "zh"), "zh-Hans"),
        ("zh_CN.UTF-8", ("--lang", "en"), "en"),
    ],
)
def test_the_language(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locale: str, options: tuple[str, ...],
    tag: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("LC_ALL", locale)
    done = console("report", write(tmp_path / "tiny.tar"), "-o", "-", *options)
    assert read_page(done.out.encode()).all("html") == [{"lang": tag}]


def test_a_difference_on_the_terminal(console: Console, tmp_path: Path, key: Path) -> None:
    old = write(tmp_path / "old.tar")
    changed = Member.of("config/compose.yaml", b"services: {web: {image: 'web:1', privileged: true}}\n")
    members = [changed if each.path == changed.path else each for each in tiny_members()]
    new = write_bundle(tmp_path / "new.tar", signed(members))
    done = console("diff", old, new, "--key", key)
    assert done.code == 0
    assert done.out.splitlines()[:2] == [
        "Tiny: 1.0 (linux/amd64) -> 1.0 (linux/amd64)",
        "0 B of image data is new; 0 B is there already.",
    ]
    assert "Hardening  web: Privileged  changed  no   yes" in done.out
    assert (
        "安全加固  web: 特权模式  更改  否  是" in console("diff", old, new, "--key", key, "--lang", "zh").out
    )
    assert console("diff", old, old, "--key", key).out.endswith("Nothing has changed.\n")
    (change,) = console("diff", old, new, "--key", key, "--json").json["changes"]
    assert (change["what"], change["name"], change["kind"]) == ("hardening", "web: Privileged", "changed")
    page = console("diff", old, new, "--key", key, "-o", "-")
    assert "web: Privileged" in read_page(page.out.encode()).said("th")
