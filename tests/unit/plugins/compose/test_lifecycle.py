"""Backup settings in the profile of a Compose project."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bundler.api.application import Lifecycle
from bundler.errors import BundleError
from bundler_compose.lifecycle import bind_lifecycle
from bundler_compose.settings import LifecycleSetting

COMPOSE: dict[str, Any] = {
    "services": {
        "db": {"image": "postgres:15", "healthcheck": {"test": ["CMD", "pg_isready"]}},
        "web": {"image": "nginx:1"},
        "migrate": {"image": "postgres:15", "x-bundle-expect": "completed"},
    },
    "volumes": {"uploads": None, "thumbnails": {}},
}
FOLDERS = ("data/db", "cache")
DUMP = {"id": "shop", "service": "db", "backup": "pg_dump shop", "restore": "psql shop"}


def bind(**said: object) -> Lifecycle:
    return bind_lifecycle(LifecycleSetting.model_validate_json(json.dumps(said)), COMPOSE, FOLDERS)


def test_without_settings_everything_is_backed_up_cold() -> None:
    assert bind() == Lifecycle()


def test_settings_become_the_neutral_model() -> None:
    found = bind(
        quiesce=["web"],
        dumps=[DUMP],
        dumped=["./data/db"],
        disposable=["cache/pictures", "volume:thumbnails"],
        migrations=["migrate"],
    )
    assert found.quiesce == ("web",)
    assert [(dump.id, dump.service) for dump in found.dumps] == [("shop", "db")]
    assert found.dumped == ("data/db",)
    assert found.disposable == ("cache/pictures", "volume:thumbnails")
    assert found.migrations == ("migrate",)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"quiesce": ["worker"]}, "'worker'"),
        ({"migrations": ["worker"]}, "'worker'"),
        ({"dumps": [{**DUMP, "service": "mysql"}], "dumped": ["data/db"]}, "'mysql'"),
        ({"dumps": [{**DUMP, "service": "web"}], "dumped": ["data/db"]}, "no health check"),
        ({"dumps": [DUMP, DUMP], "dumped": ["data/db"]}, "twice"),
        ({"dumps": [DUMP]}, "must be set together"),
        ({"dumped": ["data/db"]}, "must be set together"),
        ({"disposable": ["data"]}, "'data' is not data"),
        ({"disposable": ["volume:cache"]}, "'volume:cache' is not data"),
        ({"disposable": ["cache/../../etc"]}, "is not data"),
    ],
)
def test_unknown_names_are_refused(said: dict[str, object], message: str) -> None:
    with pytest.raises(BundleError, match=message) as caught:
        bind(**said)
    assert caught.value.hint
