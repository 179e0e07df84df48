"""Creates the Compose document and the data folders of its services."""

from __future__ import annotations

from typing import Any

from bundler.api.application import Certificate, DataFolder
from bundler_dify.parts import NETWORKS, finish
from bundler_dify.releases import Release
from bundler_dify.services.agent import agent_services
from bundler_dify.services.core import core_services
from bundler_dify.services.data import data_services
from bundler_dify.settings.model import DifySettings


def compose_document(settings: DifySettings, release: Release) -> dict[str, Any]:
    """Return the application as a Compose document.

    Raises:
        BundleError: `resources` of the settings do not match its services.
    """
    images = release.images
    services = {
        **data_services(settings, images),
        **core_services(settings, images),
        **agent_services(settings, images),
    }
    return {
        "name": "dify",
        "services": finish(services, settings),
        "networks": _networks(settings),
        "volumes": {
            f"local_sandbox_{part}": {
                "driver": "local",
                "driver_opts": {
                    "type": "none",
                    "o": "bind",
                    "device": f"${{BUNDLE_DATA}}/local_sandbox/{part}",
                },
            }
            for part in ("home", "workspace")
        },
    }


def _networks(settings: DifySettings) -> dict[str, Any]:
    networks: dict[str, Any] = {
        name: {"driver": "bridge", **({"internal": True} if internal else {})}
        for name, internal in NETWORKS.items()
    }
    for name, subnet in zip(NETWORKS, settings.network.subnets(), strict=False):
        networks[name]["ipam"] = {"config": [{"subnet": subnet}]}
    return networks


def data_folders(settings: DifySettings) -> tuple[DataFolder, ...]:
    """Return the folders to create below `<root>/data` before the first start, owned by the images' users."""
    folders = []
    if settings.storage.mode == "local":
        # 1001: user of the API's image.
        folders.append(DataFolder("app/storage", 0o750, 1001, 1001))
    if settings.database.service == "db_mysql":
        folders.append(DataFolder("mysql/data", 0o711, 999, 999))
    elif settings.database.service is not None:
        # 70 is postgres on Alpine, 999 on Debian, the base of pgvector's image. The server keeps its folder
        # inside private; others can traverse this one, in case a rebuilt image has a different user.
        user = 999 if settings.vector_store == "pgvector-shared" else 70
        folders.append(DataFolder("db/data", 0o711, user, user))
    if settings.redis.runs_here:
        folders.append(DataFolder("redis/data", 0o755, 999, 1000))
    if settings.vector_server.mode == "bundled":
        folders += _vector_folders(settings)
    folders.append(DataFolder("plugin_daemon", 0o755))
    if not settings.code_packages.used:
        folders.append(DataFolder("sandbox/dependencies", 0o755))
    folders += [
        DataFolder("local_sandbox/home", 0o755),
        DataFolder("local_sandbox/workspace", 0o755),
    ]
    if settings.tls.mode == "own":
        folders.append(DataFolder("tls", 0o700))
    return tuple(folders)


def _vector_folders(settings: DifySettings) -> list[DataFolder]:
    return {
        "weaviate": [DataFolder("weaviate", 0o755)],
        "qdrant": [DataFolder("qdrant", 0o755)],
        "pgvector": [DataFolder("pgvector/data", 0o711, 999, 999)],
        "pgvector-shared": [],
        "milvus": [DataFolder(f"milvus/{part}", 0o755) for part in ("etcd", "minio", "milvus")],
        # 1000 is the user of both images; in Elasticsearch's, its group is root.
        "elasticsearch": [DataFolder("elasticsearch", 0o770, 1000, 0)],
        "opensearch": [DataFolder("opensearch", 0o750, 1000, 1000)],
    }[settings.vector_store]


def certificates(settings: DifySettings) -> tuple[Certificate, ...]:
    """Return the gateway's certificate if the gateway terminates TLS itself."""
    if settings.tls.mode != "own":
        return ()
    return (
        Certificate(
            host="SERVER_NAME",
            certificate="TLS_CERTIFICATE",
            key="TLS_KEY",
            self_signed="TLS_SELF_SIGNED",
            certificate_path="tls/tls.crt",
            key_path="tls/tls.key",
        ),
    )
