"""Texts of generated projects: with variables in every form, and `.env` files that set some of them."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

SET: Final = ("ALPHA", "BETA_2", "gamma", "REFERS")
"""Variables that the `.env` of a project sets, if it has one."""
EMPTY: Final = "EMPTY"
UNSET: Final = ("UNSET", "NOWHERE_1")
LITERALS: Final = (
    "a",
    "value",
    "two words",
    "x=1",
    "1.5",
    "true",
    "ü漢",
    "a:b",
    "/path/to",
    "#no comment",
    "it's",
    'say "hi"',
    "back\\slash",
    "{b}",
    "100%",
    "",
    "$$",
    "$${ALPHA}",
    "tail ",
)
_NAMES: Final = st.sampled_from((*SET, EMPTY, *UNSET))
_PLAIN_WORDS: Final = ("word", "a b", "8080", "http://h:1/p", "", "-", "x-y")


@st.composite
def uses(draw: st.DrawFn, depth: int = 1) -> str:
    """Draw one use of a variable, in any of its forms, that no value makes an error."""
    name = draw(_NAMES)
    form = draw(st.sampled_from(("$", "{}", ":-", "-", ":+", "+", ":?", "?")))
    if form in {":?", "?"}:
        name = SET[0]
    if form == "$":
        return f"${name}"
    if form == "{}":
        return f"${{{name}}}"
    word = draw(st.sampled_from(_PLAIN_WORDS))
    if depth and draw(st.integers(0, 3)) == 0:
        word += draw(uses(depth - 1))
    return f"${{{name}{form}{word}}}"


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Draw a text of one line."""
    pieces = draw(st.lists(st.one_of(st.sampled_from(LITERALS), uses()), min_size=1, max_size=3))
    return "".join(join_safely(pieces))


def join_safely(pieces: list[str]) -> list[str]:
    """Return the pieces, with a `.` where a letter would continue the name of a `$NAME` before it."""
    joined: list[str] = []
    for piece in pieces:
        if joined and joined[-1][:1] == "$" and joined[-1][-1:].isalnum() and piece[:1].isalnum():
            joined.append(".")
        joined.append(piece)
    return joined


def maybe_variable(values: SearchStrategy[object]) -> SearchStrategy[object]:
    """Draw a value, or now and then a variable that is unset and has it as its default."""
    return st.one_of(values, values, values, values.map(_as_default))


def _as_default(value: object) -> object:
    if isinstance(value, bool):
        value = "true" if value else "false"
    if not isinstance(value, (str, int, float)) or any(letter in str(value) for letter in "${}"):
        return value
    return f"${{UNSET:-{value}}}"


ENV_VALUES: Final = (
    "plain",
    "two words",
    "",
    "'single $ALPHA \\n'",
    '"double"',
    '"with \\"quotes\\" and \\n"',
    '"two\nlines"',
    "'two\nlines'",
    "value # comment",
    "value#none",
    '"quoted" # comment',
    "$ALPHA",
    "${ALPHA}-more",
    "${UNSET:-default}",
    "${UNSET-}",
    "a$$b",
    "5432",
    "{}",
    "https://h/?a=1&b=2",
)


@st.composite
def env_files(draw: st.DrawFn, names: tuple[str, ...] = (*SET, EMPTY)) -> str:
    """Draw a `.env`: each name at most twice, with comments, `export` and empty lines."""
    lines: list[str] = []
    for name in names:
        for _ in range(draw(st.sampled_from((1, 1, 1, 2)))):
            value = draw(st.sampled_from(ENV_VALUES))
            if name == EMPTY or (name == SET[0] and value in {"", "${UNSET-}"}):
                value = "" if name == EMPTY else "set"
            export = draw(st.sampled_from(("", "", "", "export ")))
            equals = draw(st.sampled_from(("=", "=", "=", " = ", ": ")))
            lines.append(f"{export}{name}{equals}{value}")
        lines.extend(draw(st.sampled_from(((), (), ("",), ("# a comment",)))))
    return "\n".join(lines) + draw(st.sampled_from(("\n", "")))
