"""What services mount of the configuration, from all forms of a Compose document."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from bundler_installer.mounted import mounted_rows


def rows(document: dict[str, Any]) -> list[tuple[str | None, ...]]:
    return [(row["service"], row["path"], row["variable"], row["text"]) for row in mounted_rows(document)]


def one(**service: object) -> dict[str, Any]:
    return {"services": {"web": {"image": "web:1", **service}}}


@pytest.mark.parametrize(
    ("volume", "path"),
    [
        ("./app.conf:/etc/app.conf:ro", "config/app.conf"),
        ("./conf.d/../tls:/tls", "config/tls"),
        (".:/project:ro", "config"),
        ({"type": "bind", "source": "./app.conf", "target": "/etc/app.conf"}, "config/app.conf"),
        ({"type": "bind", "source": "conf/app.conf", "target": "/etc/app.conf"}, "config/conf/app.conf"),
    ],
)
def test_mounted_files_and_folders(volume: object, path: str) -> None:
    assert rows(one(volumes=[volume, volume])) == [("web", path, None, None)]


@pytest.mark.parametrize(
    "volume",
    [
        "/anonymous",
        "named:/data",
        "/etc/localtime:/etc/localtime:ro",
        "${BUNDLE_DATA}/files:/files",
        "${DIR:-./x}:/x",
        "../beside:/beside",
        {"type": "volume", "source": "named", "target": "/data"},
        {"type": "tmpfs", "target": "/tmp"},  # noqa: S108 in a container
        {"type": "bind", "source": "/srv", "target": "/srv"},
        {"type": "bind", "source": "${BUNDLE_DATA}/files", "target": "/files"},
    ],
)
def test_data_and_paths_of_the_server_are_not_listed(volume: object) -> None:
    assert rows(one(volumes=[volume])) == []


@pytest.mark.parametrize(
    ("volume", "path"),
    [
        ("${BUNDLE_DATA}/plugins:/plugins", "config/.initial-data/plugins"),
        (
            {"type": "bind", "source": "${BUNDLE_DATA}/plugins/a", "target": "/a"},
            "config/.initial-data/plugins/a",
        ),
        ("${BUNDLE_DATA}/plug:/plug", None),
    ],
)
def test_data_with_initial_content_are_listed_by_what_the_bundle_brings(
    volume: object, path: str | None
) -> None:
    found = mounted_rows(one(volumes=[volume]), ["plugins/a", "other"])
    assert [row["path"] for row in found] == ([path] if path else [])


def test_configs_and_secrets_in_all_forms() -> None:
    text = "listen ${PORT}\nname $HOST $$PRICE $$$TAIL\n"
    document: dict[str, Any] = one(
        configs=["file", {"source": "text", "target": "/etc/x"}, "outside"],
        secrets=["variable", "missing"],
    )
    document["configs"] = {
        "file": {"file": "./web.conf"},
        "text": {"content": text},
        "outside": {"external": True},
        "unused": {"file": "./unused"},
    }
    document["secrets"] = {"variable": {"environment": "TOKEN"}}
    digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    assert rows(document) == [
        ("web", "config/web.conf", None, None),
        ("web", None, None, digest),
        ("web", None, "PORT", None),
        ("web", None, "HOST", None),
        ("web", None, "TAIL", None),
        ("web", None, "TOKEN", None),
    ]


def test_services_without_a_container_mount_nothing() -> None:
    assert rows(one(scale=0, volumes=["./a:/a"])) == []
