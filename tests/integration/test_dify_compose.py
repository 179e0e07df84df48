"""Compose accepts every document that the Dify plugin writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import dify
from tests.support.programs import run


@pytest.mark.peer
@pytest.mark.root
@pytest.mark.parametrize("case", sorted(dify.MATRIX))
def test_it_is_valid_compose(case: str, docker_compose: str, tmp_path: Path) -> None:
    application = dify.model(dify.MATRIX[case])
    (tmp_path / "compose.yaml").write_text(dify.compose_text(application))
    values = dify.site_values(application, tmp_path)
    (tmp_path / "site").write_text("".join(f"{name}='{value}'\n" for name, value in values.items()))
    printed = run(
        docker_compose, "--env-file", tmp_path / "site", "-f", tmp_path / "compose.yaml", "config",
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert "${" not in printed
