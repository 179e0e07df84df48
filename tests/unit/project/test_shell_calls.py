"""Calls in the installer's shell are to the same file, or to one before it in `assemble`."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from bundler_installer import assemble, standalone
from tests.support.shell_calls import Call, calls

REFUSED = {Call("preflight/verdict", "run_preflight", "run_probe")}
"""`--probe` is an error in the preflight file, which has no images to test."""


def sources(names: tuple[str, ...]) -> dict[str, str]:
    folder = files("bundler_installer")
    return {name: folder.joinpath(f"shell/{name}.sh").read_text("utf-8") for name in names}


def found(text: str, **others: str) -> set[tuple[str, str]]:
    return {(call.function, call.callee) for call in calls({"one": text, **others})[1]}


@pytest.mark.parametrize("names", [assemble.SOURCES, standalone.SOURCES], ids=["install", "preflight"])
def test_calls_go_downhill(names: tuple[str, ...]) -> None:
    where, made = calls(sources(names))
    rank = {name: place for place, name in enumerate(names)}
    assert len(made) > 300
    assert {call for call in made if rank[where[call.callee]] > rank[call.file]} == set()


def test_the_preflight_file_has_what_it_calls() -> None:
    everything = sources((*assemble.SOURCES, "standalone"))
    where, made = calls({name: text for name, text in everything.items() if name != "main"})
    own = {call for call in made if call.file in standalone.SOURCES}
    start = {"main", *(name for name in where if name.startswith("measure_"))}
    reached: set[str] = set()
    while start > reached:
        reached = set(start)
        start |= {call.callee for call in own if call.function in reached}
    needed = {call for call in own if call.function in reached}
    assert {call for call in needed if where[call.callee] not in standalone.SOURCES} == REFUSED


def test_each_file_of_the_folders_is_in_the_installer() -> None:
    folder = files("bundler_installer").joinpath("shell")
    assert isinstance(folder, Path)
    there = {str(file.relative_to(folder).with_suffix("")) for file in folder.glob("*/**/*.sh")}
    assert there == set(assemble.SOURCES) - {"main"}
    assert set(standalone.SOURCES) - {"standalone"} <= there


AN_ENGINE = ("target/compose/", "engine/", "preflight/", "adoption/")
"""Folders that are about Docker: everything else knows a target only by the functions of `target/`."""
ENGINE_CALL = re.compile(r"^(?! *#).*(?:^|[ (!|&;])(?:docker|compose) [a-z-]+", re.MULTILINE)


def test_only_the_target_calls_the_engine() -> None:
    outside = {
        name: text for name, text in sources(assemble.SOURCES).items() if not name.startswith(AN_ENGINE)
    }
    calling = {
        name: ENGINE_CALL.findall(text) for name, text in outside.items() if not name.startswith("lib/")
    }
    assert {name: found for name, found in calling.items() if found} == {}
    assert ENGINE_CALL.findall(sources(("target/compose/engine",))["target/compose/engine"])


CALLEE = "callee() { :; }\n"


@pytest.mark.parametrize(
    "body",
    [
        "callee",
        "if ! callee x; then :; fi",
        'x=$(callee) y="$(callee | cat)"',
        "cat <<EOT\n$(callee)\nEOT",
        "trap 'callee 1' EXIT",
        "command eval callee",
        "(cd / && callee) &",
        "case $1 in a) callee ;; esac",
        "x=1 callee",
        "`callee`",
        "runner a callee b",
        "outer callee",
    ],
)
def test_a_call_is_found(body: str) -> None:
    others = 'runner() { shift; "$@"; }\nouter() { runner x "$@"; }\n'
    assert ("caller", "callee") in found(f"{CALLEE}{others}caller() {{\n{body}\n}}\n")


@pytest.mark.parametrize(
    "body",
    [
        ": # callee",
        "echo callee",
        "echo 'x; callee'",
        'echo "callee; `echo callee`"',
        "cat <<'EOT'\ncallee\n$(callee)\nEOT",
        "awk 'BEGIN { callee() } function callee() { }'",
        "callee=1; echo $callee",
        "case $1 in callee) : ;; esac",
        "register callee",
        "for callee in 1 2; do :; done",
        "./callee",
    ],
)
def test_words_that_only_look_like_calls_are_ignored(body: str) -> None:
    assert found(f'{CALLEE}register() {{ LIST="$LIST $1"; }}\ncaller() {{\n{body}\n}}\n') <= {
        ("caller", "register")
    }
