"""Whole projects at a site that has generated their secrets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bundler.api.templates.process import Templates
from bundler_compose.reading import Source, read_project
from bundler_compose.secrets.follow import Followed, follow_secrets
from bundler_compose.secrets.project import Rules
from bundler_compose.secrets.reading import project_of, values_of

NEW = "A1b2C3d4"
"""Prefix of the values that the site generates."""


class Site:
    """A site that has generated the secrets of a project."""

    def __init__(self, folder: Path, mode: str = "generate", **files: str) -> None:
        for name, text in files.items():
            path = folder / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        with Templates({}) as templates:
            readings = read_project(Source(folder), templates)
        rules = Rules("refuse" if mode == "refuse" else "generate")
        self.followed: Followed = follow_secrets(project_of(readings.site, readings.site.data, {}, rules))
        self.today = readings.today.data
        values = {
            name: value
            for name, value in values_of(readings.site).items()
            if name not in self.followed.variables
        }
        generated = {
            name: f"{NEW}{name}" for name, variable in self.followed.variables.items() if variable.generator
        }
        marks = readings.site.marks

        def resolve(value: Any) -> Any:  # noqa: ANN401 any YAML value
            if isinstance(value, str):
                return marks.bind(value, {**values, **generated})
            if isinstance(value, Mapping):
                return {key: resolve(item) for key, item in value.items()}
            return [resolve(item) for item in value] if isinstance(value, list) else value

        self.data = resolve(self.followed.document)

    def environment(self, service: str) -> Mapping[str, str]:
        found: Mapping[str, str] = self.data["services"][service]["environment"]
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "shop"
    made.mkdir()
    return made


def test_equal_default_secrets(folder: Path) -> None:
    site = Site(
        folder,
        compose_dot_yaml="""
services:
  store:
    image: redis:7
    environment: {ROOT_PASSWORD: "${ROOT_PASSWORD:-storesecret}"}
  web:
    image: nginx:1.22
    environment: {S3_SECRET_KEY: "${S3_SECRET_KEY:-storesecret}"}
""",
    )
    assert site.environment("store")["ROOT_PASSWORD"] == site.environment("web")["S3_SECRET_KEY"]
    assert site.environment("store")["ROOT_PASSWORD"].startswith(NEW)


@pytest.mark.parametrize(
    ("password", "address"),
    [
        ("${POSTGRES_PASSWORD:-longpassword}", "${DATABASE_URL:-postgres://shop:longpassword@db/shop}"),
        ("shop1", "postgres://shop:shop1@db/shop"),
    ],
)
def test_a_password_in_an_address(folder: Path, password: str, address: str) -> None:
    site = Site(
        folder,
        compose_dot_yaml=f"""
services:
  db:
    image: postgres:15
    environment: {{POSTGRES_PASSWORD: "{password}"}}
  web:
    image: nginx:1.22
    environment: {{DATABASE_URL: "{address}"}}
""",
    )
    value = site.environment("db")["POSTGRES_PASSWORD"]
    assert value.startswith(NEW)
    assert site.environment("web")["DATABASE_URL"] == f"postgres://shop:{value}@db/shop"
    assert not site.followed.problems


def test_one_name_with_two_values(folder: Path) -> None:
    site = Site(
        folder,
        compose_dot_yaml="""
services:
  a:
    image: redis:7
    environment: {REDIS_PASSWORD: alpha-secret}
  b:
    image: redis:7
    environment: {REDIS_PASSWORD: beta-secret}
""",
    )
    first, second = site.environment("a")["REDIS_PASSWORD"], site.environment("b")["REDIS_PASSWORD"]
    assert first != second
    assert first.startswith(NEW)
    assert second.startswith(NEW)


def test_env_files_dotenv_and_names_without_a_value(folder: Path) -> None:
    site = Site(
        folder,
        compose_dot_yaml="""
services:
  db:
    image: postgres:15
    env_file: db.env
    environment: [DB_PASSWORD]
  web:
    image: nginx:1.22
    environment:
      - DSN=${DSN}
      - PLAIN=${PLAIN:-none}
      - SMTP_PASSWORD
    labels: {com.example.token: pw-1234}
""",
        _dot_env="DB_PASSWORD='pw-1234'\nDSN=postgres://u:${DB_PASSWORD}@db/x\nPLAIN=p\n",
        db_dot_env="POSTGRES_PASSWORD=pw-1234\nPOSTGRES_USER=shop\n",
    )
    db, web = site.environment("db"), site.environment("web")
    value = db["POSTGRES_PASSWORD"]
    assert value.startswith(NEW)
    assert db["POSTGRES_USER"] == "shop"
    assert web == {"DSN": f"postgres://u:{value}@db/x", "PLAIN": "p", "SMTP_PASSWORD": None}
    assert site.data["services"]["web"]["labels"] == {"com.example.token": value}
    assert set(site.followed.variables) == {"DB_PASSWORD", "SMTP_PASSWORD"}
    assert site.followed.variables["SMTP_PASSWORD"].generator is None


def test_places_name_file_and_line(folder: Path) -> None:
    site = Site(
        folder,
        mode="refuse",
        compose_dot_yaml="services:\n  web:\n    image: nginx:1.22\n    env_file: a.env\n"
        "    environment:\n      A_PASSWORD: hunter22\n",
        a_dot_env="# first\nB_TOKEN=hunter33\n",
    )
    assert [problem.where for problem in site.followed.problems] == [
        "compose.yaml:6: services.web.environment.A_PASSWORD",
        "a.env:2: services.web.environment.B_TOKEN",
    ]  # fmt: skip
