"""Containers that Compose had half replaced when it was killed, with a fake engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.installer import call, shells

RUN = """
docker() { printf '%s\n' "$*" >>"$HERE/done"; }
PROJECT=shop
settle_replaced "$HERE/names" && cat "$HERE/done"
"""
OLD, NEW, OTHER = "1" * 64, "2" * 64, "3" * 64
TEMPORARY = f"/{OLD[:12]}_shop-web-1"


@pytest.mark.parametrize("shell", shells())
@pytest.mark.parametrize(
    ("containers", "done"),
    [
        pytest.param([(OLD, "/shop-web-1", "web", "1"), (NEW, "/shop-db-1", "db", "1")], "", id="nothing"),
        pytest.param(
            [(OLD, "/shop-web-1", "web", "1"), (NEW, TEMPORARY, "web", "1")], f"rm -f {NEW}\n", id="created"
        ),
        pytest.param(
            [(OLD, "/other", "web", "1"), (NEW, TEMPORARY, "web", "1")], f"rm -f {NEW}\n", id="own name"
        ),
        pytest.param([(NEW, TEMPORARY, "web", "1")], f"rename {NEW} shop-web-1\n", id="old one removed"),
        pytest.param(
            [(NEW, TEMPORARY, "web", "1"), (OTHER, "/shop-web-2", "web", "2"), (OLD, "/db", "db", "1")],
            f"rename {NEW} shop-web-1\n",
            id="a replica",
        ),
        pytest.param([(NEW, "/abcdef_web", "web", "1")], "", id="a short name"),
        pytest.param([(NEW, "/0123456789ab_web", "web", "1")], "", id="a name of its own"),
        pytest.param([(NEW, "/0123456789ab_shop-db-1", "web", "1")], "", id="a name of another"),
        pytest.param([(NEW, f"/{OLD[:12]}_own", "web", "1", "own")], f"rename {NEW} own\n", id="marked"),
        pytest.param([(NEW, "/shop-feedfacefeed_web", "web", "1")], "", id="digits elsewhere"),
        pytest.param([], "", id="none"),
    ],
)
def test_what_is_half_replaced_is_settled(
    tmp_path: Path, shell: str, containers: list[tuple[str, ...]], done: str
) -> None:
    (tmp_path / "here").mkdir()
    rows = [
        f"{service} running none 0 0 {id_} no 0 {' '.join((name, *more))}\n"
        for id_, name, service, *more in containers
    ]
    (tmp_path / "here/names").write_text("".join(rows))
    (tmp_path / "here/done").write_text("")
    result = call(shell, RUN, tmp_path)
    assert (result.returncode, result.stdout) == (0, done), result.stderr


@pytest.mark.parametrize("shell", shells())
def test_an_engine_that_does_not_answer_is_an_error(tmp_path: Path, shell: str) -> None:
    result = call(shell, "inspect_containers() { return 1; }\nstart_one web", tmp_path)
    assert result.returncode == 1
