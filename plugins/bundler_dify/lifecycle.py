"""How Dify's data are kept safe: what is stopped before a backup, in which order, and what is dumped.

Rows of the database name objects of the storage and collections of the vector store: all three are taken in
one window in which nobody writes.
"""

from __future__ import annotations

from bundler.api.application import Dump, Lifecycle
from bundler_dify.settings.model import DifySettings

WRITERS = (
    # Nobody comes in; then nobody hands out tasks; then the workers end the ones they have.
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
    """What backup, restore and upgrade do with Dify. An external server's data are that server's affair."""
    dumps: list[Dump] = []
    dumped: list[str] = []
    # MySQL's folder is copied while it is stopped.
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
        # Not even Redis: tasks that wait in it would never be done.
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
        # Into a database of its own, which takes the old one's place only when it is whole: what a later
        # release added is gone then, and a damaged dump harms nothing.
        restore="; ".join(restore),
    )
