"""The order of files in a bundle, for every packer."""

from __future__ import annotations

import pytest

from bundler.bundle.format import Format, join_formats

ONE = Format(first=("install",), last=("bundle.env",), programs=frozenset({"install"}), modes=("modes.tsv",))
OTHER = Format(first=("start", "start.cmd"), last=("motto",), sidecars=("note",))


def ordered(form: Format, *paths: str) -> list[str]:
    return sorted(paths, key=form.order)


def test_small_things_come_first() -> None:
    assert ordered(
        ONE,
        "images/index.json",
        "files/a",
        "attestations/x",
        "config/a",
        "a.tsv",
        "bundle.env",
        "bundle.json",
        "keys/a.rotation",
        "SHA256SUMS.pub",
        "SHA256SUMS.sig",
        "SHA256SUMS",
        "install",
    ) == [
        "install",
        "SHA256SUMS",
        "SHA256SUMS.sig",
        "SHA256SUMS.pub",
        "keys/a.rotation",
        "bundle.json",
        "bundle.env",
        "a.tsv",
        "config/a",
        "attestations/x",
        "files/a",
        "images/index.json",
    ]


def test_each_packer_keeps_the_order_of_its_own_files() -> None:
    joined = join_formats([ONE, OTHER])
    for form in (ONE, OTHER):
        paths = (*form.first, "SHA256SUMS", "bundle.json", *form.last, "other", "config/a")
        assert ordered(joined, *reversed(paths)) == ordered(form, *paths) == list(paths)
    assert (joined.modes, joined.sidecars) == (("modes.tsv",), ("note",))


def test_a_packer_that_adds_nothing() -> None:
    assert ordered(Format(), "install", "bundle.json", "SHA256SUMS") == [
        "SHA256SUMS",
        "bundle.json",
        "install",
    ]


def test_only_programs_are_run() -> None:
    assert [ONE.mode(path) for path in ("install", "bundle.json")] == [0o755, 0o644]
    assert join_formats([ONE, OTHER]).mode("start") == 0o644


def test_a_folder_that_bundles_do_not_have() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        ONE.order("etc/passwd")
