"""Forms of the fields in flat tables: builder and site accept the same texts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundler.errors import BundleError
from bundler_installer import forms
from bundler_installer.standalone import TABLES as EMBEDDED
from bundler_installer.tables import BUNDLE_TABLES, OPTIONAL, TABLES
from tests.support.installer import call, shells

CASES = 400
"""Number of texts per run of the shell."""
TEXTS = st.text(st.sampled_from("a0/.-_:\\~@ $\u00e9\u202e\x7f\x1b\u0085x"), max_size=8)


def decide(shell: str, folder: Path, texts: list[str], form: str) -> list[bool]:
    """Return whether the site accepts each text."""
    here = folder / "here"
    here.mkdir(exist_ok=True)
    (here / "texts").write_text("".join(f"{text}\n" for text in texts))
    expression = forms.FORMS[form]
    (here / "expression").write_text(f"^({expression})$\n")
    result = call(
        shell,
        'LC_ALL=C\nexport LC_ALL\nawk -v file="$HERE/expression" \'BEGIN { getline form <file }'
        ' { print ($0 ~ form) }\' "$HERE/texts"',
        folder,
    )
    assert result.returncode == 0, result.stderr
    return [line == "1" for line in result.stdout.splitlines()]


@pytest.mark.parametrize("shell", shells())
@pytest.mark.parametrize("form", sorted(set(forms.FORMS) - {"text"}))
def test_awk_and_python_read_an_expression_alike(shell: str, form: str, tmp_path: Path) -> None:
    texts: list[str] = ["", "-", "a", "..", "...", "a/..", "../a", "/a", "a//b", "a/", "0644", "yes"]

    @settings(max_examples=12)
    @given(st.lists(TEXTS.filter(lambda text: "\n" not in text), min_size=CASES, max_size=CASES))
    def collect(more: list[str]) -> None:
        texts.extend(more)

    collect()
    texts = list(dict.fromkeys(texts))[:5000]
    wanted = [re.fullmatch(forms.FORMS[form], text) is not None for text in texts]
    assert decide(shell, tmp_path, texts, form) == wanted


@pytest.mark.parametrize(
    "path", ["a/../b", "..", ".", "/a", "a/", "a//b", "-a", "a/-b", "a\\b", "a\tb", "\u202ea", ""]
)
def test_a_path_that_the_builder_refuses(path: str) -> None:
    with pytest.raises(BundleError):
        forms.row("templates.tsv", {"path": path, "mode": "0644", "format": "text"})


@pytest.mark.parametrize("mode", ["4755", "0666", "0602", "755", "-", "0o644"])
def test_a_mode_that_the_builder_refuses(mode: str) -> None:
    with pytest.raises(BundleError):
        forms.row("modes.tsv", {"path": "config/a", "mode": mode})


def test_every_table_of_the_preflight_has_forms() -> None:
    assert set(EMBEDDED) - {"bundle.env"} <= set(TABLES)
    for table in BUNDLE_TABLES:
        for column in table.columns:
            assert column.form.rstrip(OPTIONAL) in forms.FORMS
