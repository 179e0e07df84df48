"""Backups of Dify: which services are stopped, in which order, and which databases are dumped.

Rows of the database refer to objects in the storage and to collections in the vector store, so all three are
saved together while no service writes.
"""

from __future__ import annotations

from bundler.api.application import Dump, Lifecycle
from bundler_dify.settings.model import DifySettings

WRITERS = (
    # First stop new requests, then new tasks; then the workers finish the tasks that they have.
    "nginx",
    "api",
    "api_websocket",
    "worker_beat",
    "worker",
    "plugin_daemon",
    "agent_backend",
    "local_sandbox",
    "sandbox",
)


def lifecycle(settings: DifySettings) -> Lifecycle:
    """Return what backup, restore and upgrade do with Dify. They do not include data of external servers."""
    dumps: list[Dump] = []
    dumped: list[str] = []
    # MySQL is not dumped: its folder is copied while it is stopped.
    if settings.database.service == "db_postgres":
        dumps += [_dump("dify", "db_postgres", "dify"), _dump("dify_plugin", "db_postgres", "dify_plugin")]
        dumped.append("db/data")
    if settings.vector_store == "pgvector" and settings.vector_server.mode == "bundled":
        dumps.append(_dump("pgvector", "pgvector", "dify"))
        dumped.append("pgvector/data")
    return Lifecycle(
        quiesce=WRITERS,
        dumps=tuple(dumps),
        dumped=tuple(dumped),
        # Redis is kept too, because tasks waiting in it would be lost.
        disposable=(),
        migrations=("migrate",),
    )


def _dump(identifier: str, service: str, database: str) -> Dump:
    new = f"{database}_restored"
    server = "psql -U dify -d postgres -v ON_ERROR_STOP=1 -q"
    restore = (
        "set -e",
        f"{server} -c 'DROP DATABASE IF EXISTS {new} WITH (FORCE)'",
        f"{server} -c 'CREATE DATABASE {new} TEMPLATE template0'",
        f"pg_restore -U dify -d {new} --exit-on-error --no-owner",
        f"{server} -c 'DROP DATABASE IF EXISTS {database} WITH (FORCE)'",
        f"{server} -c 'ALTER DATABASE {new} RENAME TO {database}'",
    )
    return Dump(
        identifier,
        service,
        backup=f"pg_dump -U dify -d {database} -Fc",
        # Restores into a new database that replaces the old one only when it is complete. This removes what a
        # later release added, and a damaged dump does no harm.
        restore="; ".join(restore),
    )
