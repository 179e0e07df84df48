"""Settings of the servers that keep Dify's data: database, Redis, vector store, object storage."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bundler.errors import HintedValueError
from bundler.language import tr
from bundler.profile.base import ProfileModel
from bundler.profile.values import Size

VectorStore = Literal[
    "weaviate", "qdrant", "pgvector", "pgvector-shared", "milvus", "elasticsearch", "opensearch"
]
SslMode = Literal["disable", "require", "verify-ca", "verify-full"]
BY_ADDRESS = ("weaviate", "qdrant", "milvus")
"""Vector stores whose address is a URL, which determines whether TLS is used."""


class Database(ProfileModel):
    """Database with Dify's tables."""

    mode: Literal["bundled", "external"] = "bundled"
    """`bundled` runs a server beside Dify; `external` uses a server of the site, which must have the
    databases `dify` and `dify_plugin` and a user that owns both."""
    type: Literal["postgresql", "mysql", "oceanbase"] = "postgresql"
    """PostgreSQL, MySQL 8, or OceanBase in its MySQL mode (external only). It cannot be changed later,
    because there is no migration of the data."""
    sslmode: SslMode = "disable"
    """Encryption of connections to an external server, with the names of libpq. `verify-ca` and `verify-full`
    verify its certificate against `ca_certificates`; `verify-full` also verifies its name, which the plugin
    daemon cannot do with PostgreSQL. MySQL and OceanBase: `disable` or `verify-full`."""
    max_connections: Annotated[int, Field(ge=50, le=10_000)] = 200
    """Maximum number of connections of the bundled server."""
    shared_buffers: Size = 128 * 2**20
    """Memory for the page cache of the bundled server, about a quarter of its limit. In MySQL, this is the
    buffer pool."""
    pool_size: Annotated[int, Field(ge=1, le=500)] = 30
    """Number of connections that each process of api and worker keeps open."""

    @property
    def service(self) -> str | None:
        """Name of the service; None if the site has the server."""
        if self.mode == "external":
            return None
        return "db_mysql" if self.type == "mysql" else "db_postgres"


class Redis(ProfileModel):
    """Cache, queue and messages between services."""

    mode: Literal["bundled", "external"] = "bundled"
    """`bundled` runs Redis beside Dify; `external` uses a server of the site."""
    topology: Literal["single", "sentinel", "cluster"] = "single"
    """Topology of an external Redis. Not all of Dify's programs support Sentinel or a cluster: those that do
    not use a small bundled Redis."""
    sentinels: Annotated[int, Field(ge=1, le=9)] = 3
    """Number of sentinels that the installer asks for."""
    tls: bool = False
    """Whether to use TLS for an external server; its certificate is verified against `ca_certificates`. Not
    possible with Sentinel or a cluster, for which Dify's API does not support TLS."""

    @property
    def runs_here(self) -> bool:
        """Whether a Redis is bundled, for all or some programs."""
        return self.mode == "bundled" or self.topology != "single"


class Storage(ProfileModel):
    """Where uploaded files and keys are stored."""

    mode: Literal["local", "s3"] = "local"
    """`local` is a folder of the installation; `s3` is a bucket of the site."""
    path_style: bool = True
    """Whether the bucket is in the path, not in the host name, as for MinIO and most on-premises stores."""


class VectorServer(ProfileModel):
    """The server of the vector store."""

    mode: Literal["bundled", "external"] = "bundled"
    """`bundled` runs it beside Dify; `external` uses a server of the site."""
    tls: bool = False
    """Whether to use TLS for an external pgvector, Elasticsearch or OpenSearch; its certificate is verified
    against `ca_certificates`. For the others, the address determines it."""


def check_database(database: Database, vector_store: str) -> None:
    """Refuse settings that the database's type or mode does not support.

    Raises:
        HintedValueError: there is one.
    """
    if database.sslmode != "disable" and database.mode == "bundled":
        raise HintedValueError(
            tr(
                "the bundled {name} does not use TLS and is not reachable from outside",
                name="MySQL" if database.type == "mysql" else "PostgreSQL",
            ),
            hint=tr("remove it, or write `mode: external`"),
            at=("database", "sslmode"),
        )
    if database.type == "postgresql":
        return
    if database.type == "oceanbase" and database.mode == "bundled":
        raise HintedValueError(
            tr("OceanBase is not bundled"), hint=tr("write `mode: external`"), at=("database", "type")
        )
    if database.sslmode not in {"disable", "verify-full"}:
        raise HintedValueError(
            tr(
                "the plugin daemon always checks the name in MySQL's certificate; {sslmode!r} does not",
                sslmode=database.sslmode,
            ),
            hint=tr("write `verify-full`"),
            at=("database", "sslmode"),
        )
    if vector_store == "pgvector-shared":
        raise HintedValueError(
            tr("pgvector is an extension of PostgreSQL, but Dify's tables are in {type}", type=database.type),
            hint=tr("choose another one, for example `pgvector`"),
            at=("vector_store",),
        )


def check_redis(redis: Redis) -> None:
    """Refuse settings that the mode or topology of Redis does not support.

    Raises:
        HintedValueError: there is one.
    """
    if redis.tls and redis.mode == "bundled":
        raise HintedValueError(
            tr("the bundled Redis does not use TLS and is not reachable from outside"),
            hint=tr("remove it, or write `mode: external`"),
            at=("redis", "tls"),
        )
    if redis.topology == "single":
        return
    if redis.mode == "bundled":
        raise HintedValueError(
            tr("the bundled Redis is a single server"),
            hint=tr("remove it, or write `mode: external`"),
            at=("redis", "topology"),
        )
    if redis.tls:
        raise HintedValueError(
            tr(
                "Dify's API does not support TLS with the Redis topology {topology!r}",
                topology=redis.topology,
            ),
            hint=tr("`topology: single` with the address of a proxy that knows the master, or remove `tls`"),
            at=("redis", "tls"),
        )


def check_vector_server(server: VectorServer, vector_store: str) -> None:
    """Refuse settings that the vector store or its mode does not support.

    Raises:
        HintedValueError: there is one.
    """
    if server.mode == "external" and vector_store == "pgvector-shared":
        raise HintedValueError(
            tr("`pgvector-shared` has no server of its own"),
            hint=tr("write `vector_store: pgvector`, or `database: {mode: external}`"),
            at=("vector_server", "mode"),
        )
    if not server.tls:
        return
    if server.mode == "bundled":
        raise HintedValueError(
            tr("the bundled vector store is not reachable from outside"),
            hint=tr("remove it, or write `mode: external`"),
            at=("vector_server", "tls"),
        )
    if vector_store in BY_ADDRESS:
        raise HintedValueError(
            tr(
                "the address of {vector_store} is a URL, which already says whether TLS is used",
                vector_store=vector_store,
            ),
            hint=tr("remove it, and set https://… at the site"),
            at=("vector_server", "tls"),
        )


def check_authorities(database: Database, redis: Redis, server: VectorServer, *, given: bool) -> None:
    """Refuse connections whose certificates must be verified if there are no certificate authorities.

    Raises:
        HintedValueError: there is one.
    """
    wanted = (
        (redis.tls, "redis", "tls"),
        (database.sslmode.startswith("verify"), "database", "sslmode"),
        (server.tls, "vector_server", "tls"),
    )
    for checked, name, key in wanted:
        if checked and not given:
            raise HintedValueError(
                tr("no certificate authority is set for that server's certificate"),
                hint=tr("set the site's certificate authority: `ca_certificates: [bank-ca.pem]`"),
                at=(name, key),
            )
