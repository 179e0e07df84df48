"""Settings of the servers that keep Dify's data: database, Redis, vector store, object storage."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bundler.errors import HintedValueError
from bundler.profile.base import ProfileModel
from bundler.profile.values import Size

VectorStore = Literal[
    "weaviate", "qdrant", "pgvector", "pgvector-shared", "milvus", "elasticsearch", "opensearch"
]
SslMode = Literal["disable", "require", "verify-ca", "verify-full"]
BY_ADDRESS = ("weaviate", "qdrant", "milvus")
"""Vector stores whose address is a URL, which says whether TLS is spoken."""


class Database(ProfileModel):
    """Where Dify's tables lie."""

    mode: Literal["bundled", "external"] = "bundled"
    """`bundled` runs a server beside Dify; `external` asks the site for a server of its own, which
    needs the databases `dify` and `dify_plugin` and a user that owns both."""
    type: Literal["postgresql", "mysql", "oceanbase"] = "postgresql"
    """PostgreSQL, MySQL 8, or OceanBase in its MySQL mode, which is external only. It cannot be changed
    later: nothing moves the data."""
    sslmode: SslMode = "disable"
    """How connections to an external server are encrypted, as libpq names it. `verify-ca` and `verify-full`
    check its certificate against `ca_certificates`; `verify-full` also its name, which the plugin daemon
    cannot with PostgreSQL. MySQL and OceanBase: `disable` or `verify-full`."""
    max_connections: Annotated[int, Field(ge=50, le=10_000)] = 200
    """Of the bundled server."""
    shared_buffers: Size = 128 * 2**20
    """Of the bundled server: memory for its page cache, about a quarter of its limit. MySQL calls it the
    buffer pool."""
    pool_size: Annotated[int, Field(ge=1, le=500)] = 30
    """Connections that each process of api and worker keeps."""

    @property
    def service(self) -> str | None:
        """The service that it is; None where the site has the server."""
        if self.mode == "external":
            return None
        return "db_mysql" if self.type == "mysql" else "db_postgres"


class Redis(ProfileModel):
    """Cache, queue and messages between services."""

    mode: Literal["bundled", "external"] = "bundled"
    """`bundled` runs Redis beside Dify; `external` asks the site for a server of its own."""
    topology: Literal["single", "sentinel", "cluster"] = "single"
    """How an external Redis is made of servers. Not all of Dify's programs can speak to Sentinel or to a
    cluster: those that cannot use a small Redis that is bundled then."""
    sentinels: Annotated[int, Field(ge=1, le=9)] = 3
    """How many sentinels the site is asked for."""
    tls: bool = False
    """Whether an external server is spoken to in TLS; its certificate is checked against
    `ca_certificates`. Not with Sentinel or a cluster: Dify's API has no TLS for them."""

    @property
    def runs_here(self) -> bool:
        """Whether a Redis is bundled, for all programs or for some."""
        return self.mode == "bundled" or self.topology != "single"


class Storage(ProfileModel):
    """Where uploaded files and keys lie."""

    mode: Literal["local", "s3"] = "local"
    """`local` is a folder of the installation; `s3` asks the site for a bucket."""
    path_style: bool = True
    """Bucket in the path instead of the host name, as MinIO and most object stores inside companies want."""


class VectorServer(ProfileModel):
    """The server of the vector store."""

    mode: Literal["bundled", "external"] = "bundled"
    """`bundled` runs it beside Dify; `external` asks the site for a server of its own."""
    tls: bool = False
    """Whether an external pgvector, Elasticsearch or OpenSearch is spoken to in TLS; its certificate is
    checked against `ca_certificates`. The others' addresses say it themselves."""


def check_database(database: Database, vector_store: str) -> None:
    """Refuse what the database's kind or place rules out.

    Raises:
        HintedValueError: something is.
    """
    if database.sslmode != "disable" and database.mode == "bundled":
        raise HintedValueError(
            f"the bundled {'MySQL' if database.type == 'mysql' else 'PostgreSQL'} does not use TLS"
            " and is not reachable from outside",
            hint="remove it, or write `mode: external`",
            at=("database", "sslmode"),
        )
    if database.type == "postgresql":
        return
    if database.type == "oceanbase" and database.mode == "bundled":
        raise HintedValueError(
            "OceanBase is not bundled", hint="write `mode: external`", at=("database", "type")
        )
    if database.sslmode not in {"disable", "verify-full"}:
        raise HintedValueError(
            f"the plugin daemon always checks the name in MySQL's certificate; {database.sslmode!r} does not",
            hint="write `verify-full`",
            at=("database", "sslmode"),
        )
    if vector_store == "pgvector-shared":
        raise HintedValueError(
            f"pgvector is an extension of PostgreSQL, but Dify's tables are in {database.type}",
            hint="choose another one, for example `pgvector`",
            at=("vector_store",),
        )


def check_redis(redis: Redis) -> None:
    """Refuse what Redis' place or topology rules out.

    Raises:
        HintedValueError: something is.
    """
    if redis.tls and redis.mode == "bundled":
        raise HintedValueError(
            "the bundled Redis does not use TLS and is not reachable from outside",
            hint="remove it, or write `mode: external`",
            at=("redis", "tls"),
        )
    if redis.topology == "single":
        return
    if redis.mode == "bundled":
        raise HintedValueError(
            "the bundled Redis is a single server",
            hint="remove it, or write `mode: external`",
            at=("redis", "topology"),
        )
    if redis.tls:
        raise HintedValueError(
            f"Dify's API does not support TLS with the Redis topology {redis.topology!r}",
            hint="`topology: single` with the address of a proxy that knows the master, or remove `tls`",
            at=("redis", "tls"),
        )


def check_vector_server(server: VectorServer, vector_store: str) -> None:
    """Refuse what the vector store's kind or place rules out.

    Raises:
        HintedValueError: something is.
    """
    if server.mode == "external" and vector_store == "pgvector-shared":
        raise HintedValueError(
            "`pgvector-shared` has no server of its own",
            hint="write `vector_store: pgvector`, or `database: {mode: external}`",
            at=("vector_server", "mode"),
        )
    if not server.tls:
        return
    if server.mode == "bundled":
        raise HintedValueError(
            "the bundled vector store is not reachable from outside",
            hint="remove it, or write `mode: external`",
            at=("vector_server", "tls"),
        )
    if vector_store in BY_ADDRESS:
        raise HintedValueError(
            f"the address of {vector_store} is a URL, which already says whether TLS is used",
            hint="remove it, and set https://… at the site",
            at=("vector_server", "tls"),
        )


def check_authorities(database: Database, redis: Redis, server: VectorServer, *, given: bool) -> None:
    """Refuse certificates that nothing is known to check with.

    Raises:
        HintedValueError: there are.
    """
    wanted = (
        (redis.tls, "redis", "tls"),
        (database.sslmode.startswith("verify"), "database", "sslmode"),
        (server.tls, "vector_server", "tls"),
    )
    for checked, name, key in wanted:
        if checked and not given:
            raise HintedValueError(
                "no certificate authority is set for that server's certificate",
                hint="set the site's certificate authority: `ca_certificates: [bank-ca.pem]`",
                at=(name, key),
            )
