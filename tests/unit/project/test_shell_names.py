"""Names in the installer's shell: variables are local to a function, or declared in the list of globals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import pytest

from bundler_installer.assemble import KUBERNETES_SOURCES, SOURCES, join_sources
from bundler_installer.readers import ROWS
from tests.support.shell_code import Event, Function, ShellSyntaxError, outputs, parse

ENVIRONMENT = {
    "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_HOST", "HOME", "IFS", "KUBECONFIG", "LC_ALL", "PATH", "TMPDIR",
}  # fmt: skip
"""Variables of the shell and of programs that it starts."""
GLOBALS = "lib/globals"


TARGETS = {
    "compose": tuple(name for name in SOURCES if name not in KUBERNETES_SOURCES),
    "kubernetes": SOURCES,
}


@cache
def installer(target: str = "kubernetes") -> dict[str, Function]:
    """Return the functions of the installer, those of the target in place of those of the other one."""
    return parse(join_sources(TARGETS[target], nested=False).decode())


def declared() -> dict[str, str]:
    """Map each global to its explanation."""
    text = files("bundler_installer").joinpath(f"shell/{GLOBALS}.sh").read_text("utf-8")
    return dict(re.findall(r"^([A-Z][A-Z0-9_]*)=(?:'[^']*'|\S*) *(?:# (.+))?$", text, flags=re.MULTILINE))


def assigned(function: Function, functions: dict[str, Function]) -> Iterator[str]:
    """Yield the names that a call of the function assigns, including those that its callees set for it."""
    yield from function.names("assign")
    for event in function.events:
        if event.kind == "call":
            yield from _set_by(event, functions)


def _set_by(event: Event, functions: dict[str, Function]) -> Iterator[str]:
    if event.name.startswith("read_") and event.name.removeprefix("read_") in ROWS:
        yield from event.words  # a generated reader: its arguments are the variables
        return
    for word in (event.name, *(word.strip("'\"") for word in event.words)):
        if word in functions:
            yield from outputs(functions[word])


def unknown_names(functions: dict[str, Function], known: set[str]) -> set[tuple[str, str]]:
    """Return (function, name) of names assigned that are not local, not outputs, and not known."""
    found = set()
    for function in functions.values():
        if function.name.startswith("read_") and function.name.removeprefix("read_") in ROWS:
            continue
        fine = function.names("local") | outputs(function) | known | {"_"}
        if function.name:
            found |= {(function.name, name) for name in assigned(function, functions) if name not in fine}
    return found


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_function_assigns_is_local_handed_out_or_a_declared_global(target: str) -> None:
    assert unknown_names(installer(target), ENVIRONMENT | declared().keys()) == set()


@pytest.mark.parametrize("target", TARGETS)
def test_locals_are_lower_case_and_globals_upper_case(target: str) -> None:
    loud = {
        (f.name, name)
        for f in installer(target).values()
        for name in f.names("local")
        if name != name.lower()
    }
    assert loud == set()
    assert [name for name in declared() if name != name.upper()] == []


def test_each_declared_global_is_explained_and_used() -> None:
    globals_ = declared()
    assert len(globals_) > 100
    assert [name for name, word in globals_.items() if not word] == []
    functions = [function for target in TARGETS for function in installer(target).values()]
    read = {name for function in functions for name in function.names("read")}
    set_in_functions = {name for function in functions if function.name for name in function.names("assign")}
    assert globals_.keys() - read == set()
    assert globals_.keys() - set_in_functions == {"PROBE_ROOT", "TRUSTED_KEYS"}, (
        "others stand where they are used"
    )


def test_each_constant_is_used() -> None:
    functions = installer()
    read = {name for target in TARGETS for each in installer(target).values() for name in each.names("read")}
    constants = {name for name in functions[""].names("assign") if name == name.upper()}
    assert {name for name in constants - read if name not in ENVIRONMENT} == {"POSIXLY_CORRECT"}


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_comment_says_that_a_function_sets_is_set(target: str) -> None:
    functions = installer(target)
    lies = {
        (function.name, name)
        for function in functions.values()
        for name in outputs(function) - set(assigned(function, functions))
        if name == name.lower()
    }
    assert lies == set()


def unsupplied_names(functions: dict[str, Function]) -> set[tuple[str, str]]:
    """Return (function, name) of names read that on some way from the main program no function has declared.

    A function may read what its callers declared, but then each way to it has to lead through such a caller.
    """
    callers = _callers(functions)
    return {
        (function.name, name)
        for function in functions.values()
        if function.name
        for name in function.names("read") - {"_"}
        if name == name.lower() and not _supplied(function.name, name, functions, callers)
    }


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_function_reads_is_known_to_it_or_to_each_caller(target: str) -> None:
    assert unsupplied_names(installer(target)) == set()


def _callers(functions: dict[str, Function]) -> dict[str, set[str]]:
    callers: dict[str, set[str]] = {}
    for function in functions.values():
        for event in function.events:
            if event.kind != "call" or event.name in {"local", "read", "export", "unset"}:
                continue
            for word in (event.name, *(word.strip("'\"") for word in event.words)):
                if word in functions:
                    callers.setdefault(word, set()).add(function.name)
            if event.name == "undo_at_exit":  # `end_work` calls what was registered
                callers.setdefault(event.words[0], set()).discard(function.name)
                callers[event.words[0]].add("end_work")
    for name in functions:  # called by computed names
        if name.startswith("measure_") and not callers.get(name):
            callers[name] = {"walk_checks"}
        elif name in {"carry_changed", "carry_added", "carry_removed"}:
            callers.setdefault(name, set()).add("carry_edits")
    return callers


def _supplied(function: str, name: str, functions: dict[str, Function], callers: dict[str, set[str]]) -> bool:
    seen: set[str] = set()
    todo = [function]
    while todo:
        each = todo.pop()
        if each in seen or name in functions[each].names("local"):
            continue
        seen.add(each)
        if not callers.get(each) or "" in callers[each]:
            return False
        todo += callers[each]
    return True


# tests of the parser


def test_a_name_is_found_wherever_it_is_assigned() -> None:
    text = """
f() {
    a=1 b=$(c=2; echo "$c") || d=3
    for e in "$@"; do read -r g h <file; done
    case $1 in x | y) i=4 ;; *) [ "${j:=5}" ] ;; esac
    ( k=6 )
    l=$((m = 7))
    export n=8
    while IFS= read -r o; do :; done <<EOT
$(p=9)
EOT
}
"""
    function = parse(text)["f"]
    assert function.names("assign") == set("abcdeghijklmnop")
    assert function.names("prefix") == {"IFS"}


def test_comments_quotes_and_here_documents_assign_nothing() -> None:
    text = """
f() { # a=1
    printf '%s' 'b=2; c() { d=3; }' "e=4"
    awk '
        { g = $1 } # h=5' file
    cat <<'EOT'
i=6 $(j=7)
EOT
    cat <<EOT
k=8
EOT
    [ "$1" = l=9 ] && echo m=10
}
"""
    assert parse(text)["f"].names("assign") == set()
    assert set(parse(text)) == {"", "f"}


def test_what_is_local_and_what_is_handed_out() -> None:
    text = """
# g FILE: sets `a`, b_c and GREAT; something=else
g() { a=1 b_c=2 GREAT=3; }

# f: calls it
f() {
    local b_c d
    g
    d=1 e=2
}
"""
    functions = parse(text)
    assert outputs(functions["g"]) == {"a", "b_c", "GREAT"}
    assert unknown_names(functions, {"GREAT"}) == {("f", "a"), ("f", "e")}


def test_a_name_must_be_known_on_each_way() -> None:
    text = """
# g: sets `a`
g() { local a; a=1; }
h() { echo "$a"; }
f() { g; h; }
k() { local a=2; h; }
f
k
"""
    assert unsupplied_names(parse(text)) == {("h", "a")}
    assert unsupplied_names(parse(text.replace("f() {", "f() { local a;"))) == set()


@pytest.mark.parametrize("text", ["f() { a=`b`; }", "f() { 'a; }", "f() { case x in y) ;; }", "f() { ("])
def test_what_it_does_not_understand_is_an_error(text: str) -> None:
    with pytest.raises(ShellSyntaxError):
        parse(text)
