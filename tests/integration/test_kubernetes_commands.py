"""Commands as texts are split as Compose itself splits them, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from bundler.errors import BundleError
from bundler_kubernetes.held import escape_dollars
from tests.support.compose import running_compose
from tests.support.kube_objects import application, container, mapped

TAKEN: Final = (
    "a b", 'a "b c" d', "a 'b c' d", r"a\ b", r'a "b\c" d', r'a "b\nc"', r'a "b\tc\\t"', r"a \n b",
    r"a 'b\nc'",
    "a '' b", 'a "" b', 'a""', 'a "x;y"', "a 'x|y'", 'a"b"c', "a\nb\tc", "a `b c` d", "x`y`z", "a #b =c",
    r'a "b\"c" a\"b', r"a\\b", r"a \;b \&", "a $$(echo b c) d", 'a "$$(echo b c)"', r'a "\$$x" \$$y',
    "a $$ b",
    'sh -c "echo a; echo b"', "  a  b ", "a{b}", "a \u00a0b", 'a "b`c"', r"a $$(x\)y) `b\`c`", "a 'b(c)'",
)  # fmt: skip
REFUSED: Final = (
    "a (b)", "a )b", "a (b", '"', "a'b", "a \\", "a $$(b", "a `b", "a $$(b (c))",
)  # fmt: skip
"""Compose refuses them too."""
CUT: Final = ("a; b", "a && b", "a | b", "a>b", "a < b", "a 2>&1", ";a", 'a "b" ; c')
"""Compose takes the words before, and ignores the rest."""


def document(command: str) -> str:
    return json.dumps({"services": {"s": {"image": "i", "restart": "always", "command": command}}})


def test_words_are_those_of_compose(tmp_path: Path) -> None:
    with running_compose() as compose:
        for command in TAKEN:
            (tmp_path / "compose.yaml").write_text(document(command))
            expected = compose.config(tmp_path).document["services"]["s"]["command"]
            made = container(mapped(application(document(command))), "s")["args"]
            assert made == [escape_dollars(word) for word in expected], command
        for command in (*REFUSED, *CUT):
            (tmp_path / "compose.yaml").write_text(document(command))
            assert compose.config(tmp_path).failed == (command in REFUSED), command
            with pytest.raises(BundleError) as error:
                mapped(application(document(command)))
            assert error.value.hint == "write the command as a list", command
