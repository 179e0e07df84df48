"""Calls in the installer's shell are to the same file, or to one before it in `assemble`."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from bundler_installer import assemble, standalone
from tests.support.shell_calls import Call, calls

REFUSED = {
    Call("preflight/verdict", "run_preflight", "run_probe"),
    Call("lib/options", "parse_value", "parse_target"),
}
"""Errors in the preflight file: `--probe`, as it has no images to test, and options of a cluster."""


def sources(names: tuple[str, ...]) -> dict[str, str]:
    folder = files("bundler_installer")
    return {name: folder.joinpath(f"shell/{name}.sh").read_text("utf-8") for name in names}


def found(text: str, **others: str) -> set[tuple[str, str]]:
    return {(call.function, call.callee) for call in calls({"one": text, **others})[1]}


ONE_TARGET = tuple(name for name in assemble.SOURCES if name not in assemble.KUBERNETES_SOURCES)
OTHER_TARGET = (*assemble.KUBERNETES_SOURCES, *ONE_TARGET)
"""Of a function that both targets have, the last one counts: that of Docker, whose place the other takes."""


@pytest.mark.parametrize(
    "names", [ONE_TARGET, OTHER_TARGET, standalone.SOURCES], ids=["install", "kubernetes", "preflight"]
)
def test_calls_go_downhill(names: tuple[str, ...]) -> None:
    where, made = calls(sources(names))
    names = tuple(name for name in assemble.SOURCES if name in names) or names
    if "standalone" in where.values():
        names = standalone.SOURCES
    rank = {name: place for place, name in enumerate(names)}
    assert len(made) > 300
    assert {call for call in made if rank[where[call.callee]] > rank[call.file]} == set()


def test_the_preflight_file_has_what_it_calls() -> None:
    everything = sources((*ONE_TARGET, "standalone"))
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


BELOW = ("target/", "engine/", "preflight/", "adoption/", "node/")
"""Folders that may know what runs the services."""


def test_the_targets_have_the_same_functions() -> None:
    """What is above knows a target by them: each one has all, whether it does something or refuses."""
    where, made = calls(sources(ONE_TARGET))
    contract = {
        call.callee
        for call in made
        if where[call.callee].startswith("target/compose/") and not call.file.startswith(BELOW)
    }
    assert len(contract) > 50
    kubernetes, _ = calls(sources(assemble.KUBERNETES_SOURCES))
    assert contract - kubernetes.keys() == set()


def test_what_kubernetes_replaces_is_below() -> None:
    """A function of the same name anywhere else would be replaced by accident."""
    where, _ = calls(sources(ONE_TARGET))
    kubernetes, _ = calls(sources(assemble.KUBERNETES_SOURCES))
    replaced = {where[name] for name in kubernetes if name in where}
    assert [
        name for name in replaced if not name.startswith(("target/compose/", "engine/", "preflight/"))
    ] == []


def test_nothing_of_docker_is_left_in_a_cluster() -> None:
    """No command that a cluster has reaches a function that calls the engine."""
    text = assemble.join_sources(assemble.KUBERNETES_SOURCES, nested=False).decode()
    assert ENGINE_CALL.findall(text) == []


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
