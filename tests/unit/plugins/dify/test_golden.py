"""Golden files of the three profiles. `BUNDLE_TESTS_REWRITE_GOLDEN=1` rewrites them, to review the diff."""

from __future__ import annotations

import shutil

import pytest

from tests.support import dify
from tests.support.golden import GOLDEN, REWRITE, is_rewritten


@pytest.mark.parametrize("name", dify.NAMES)
def test_a_profile_renders_to_the_golden_files(name: str) -> None:
    folder = GOLDEN / "dify" / name
    rendered = dify.tree(dify.profile_model(name))
    if is_rewritten():
        shutil.rmtree(folder, ignore_errors=True)
        for path, text in rendered.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    found = {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    assert found.keys() == rendered.keys()
    for path, text in rendered.items():
        assert found[path] == text, f"{path}: {REWRITE}=1 writes it anew"


def test_the_same_settings_render_to_the_same_bytes() -> None:
    assert dify.tree(dify.profile_model("finance")) == dify.tree(dify.profile_model("finance"))
