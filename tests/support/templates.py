"""Texts with variables: those that people write, and those that break parsers."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

VALUES: Final = {"A": "a", "EMPTY": "", "B_1": "x y", "dollar": "$A"}
"""Variables that have a value; all others have none."""
_NAMES: Final = st.sampled_from(["A", "EMPTY", "B_1", "dollar", "NONE", "_x"])
_LITERALS: Final = st.text(st.sampled_from(list("aZ1_ :/-+?{}$\"'#\\\n")), max_size=5)


def template_texts() -> st.SearchStrategy[str]:
    """Return a strategy of texts with nested uses, and with the pieces of uses in any order."""
    wellformed = st.recursive(
        _LITERALS.filter(lambda text: "$" not in text) | _NAMES.map(lambda name: f"${name}"),
        lambda inner: st.lists(
            st.builds("${{{}{}{}}}".format, _NAMES, st.sampled_from([":-", "-", ":+", "+", ":?", "?"]), inner)
            | _NAMES.map(lambda name: f"${{{name}}}")
            | inner,
            max_size=3,
        ).map("".join),
        max_leaves=6,
    )
    wild = st.lists(
        st.sampled_from(["$", "$$", "${", "}", "{", ":-", "-", "A", "NONE", ":?", " ", "\n"]), max_size=9
    )
    return wellformed | wild.map("".join)


def dotenv_texts() -> st.SearchStrategy[str]:
    """Return a strategy of files of variables, with the forms of their values and with torn lines."""
    names = st.sampled_from(["A", "B", "C", "NONE", "a-b", "x.y"])
    values = template_texts().map(lambda text: text.replace("\n", ""))
    quoted = st.builds("{0}{1}{0}".format, st.sampled_from("'\""), template_texts())
    escaped = st.text(st.sampled_from(list("\\n\"'0127$a# ")), max_size=6).map('"{}"'.format)
    line = st.builds(
        "{}{}{}{}{}".format,
        st.sampled_from(["", "", "export ", " ", "# "]),
        names,
        st.sampled_from(["=", "=", "=", ": ", " = ", "\n", ""]),
        values | quoted | escaped | st.just(""),
        st.sampled_from(["", " # note", "#x", " "]),
    )
    return st.lists(line, max_size=5).map("\n".join) | st.lists(line, max_size=5).map("\n".join).map(
        "{}\n".format
    )
