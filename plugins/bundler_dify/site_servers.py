"""Site variables of servers that the site already has: database, Redis, vector store, object storage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bundler.api.text import Text
from bundler.api.variable import SiteVariable
from bundler_dify.settings.model import DifySettings

URL_SAFE = "[A-Za-z0-9._~-]+"
"""Unreserved characters, which require no escape in a URL: RFC 3986 section 2.3."""
NAME = "[A-Za-z0-9_.-]+"
IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
URL = "https?://[^ ]+"
NODE = r"[A-Za-z0-9.-]+:[0-9]{1,5}"
"""A server and its port. Dify splits them at the colon (ext_redis.py), so IPv6 addresses are not possible."""

_DATABASES: Final = {
    # type: name, port, pattern of a user, default user
    "postgresql": ("PostgreSQL", "5432", NAME, "dify"),
    "mysql": ("MySQL", "3306", NAME, "dify"),
    # user@tenant, or user@tenant#cluster through a proxy (OceanBase's documentation).
    "oceanbase": ("OceanBase", "2881", "[A-Za-z0-9_.@#-]+", None),
}


def server_variables(settings: DifySettings) -> Iterator[SiteVariable]:
    """Yield the variables of the site's own servers."""
    if settings.database.mode == "external":
        yield from _database(settings)
    if settings.redis.mode == "external":
        yield from _redis(settings)
    if settings.vector_server.mode == "external":
        yield from _vector_store(settings)
    if settings.storage.mode == "s3":
        yield from _storage()


def given_secret(name: str, prompt: Text) -> SiteVariable:
    """Return a password of an existing server that is used in a URL."""
    return SiteVariable(name=name, kind="secret", prompt=prompt, required=True, pattern=URL_SAFE)


def _database(settings: DifySettings) -> Iterator[SiteVariable]:
    name, port, users, user = _DATABASES[settings.database.type]
    yield from _host_and_port("DB", name, port)
    yield SiteVariable(
        name="DB_USERNAME",
        kind="string",
        prompt=Text(en=f"User of {name}", zh=f"{name} 用户"),
        default=user,
        required=user is None,
        pattern=users,
    )
    yield SiteVariable(
        name="DB_DATABASE",
        kind="string",
        prompt=Text(en="Database of Dify", zh="Dify 数据库名"),
        default="dify",
        pattern=IDENTIFIER,
    )
    yield SiteVariable(
        name="DB_PLUGIN_DATABASE",
        kind="string",
        prompt=Text(en="Database of Dify's plugins", zh="Dify 插件数据库名"),
        default="dify_plugin",
        pattern=IDENTIFIER,
    )
    yield given_secret("DB_PASSWORD", Text(en=f"Password of {name}", zh=f"{name} 密码"))


def _redis(settings: DifySettings) -> Iterator[SiteVariable]:
    match settings.redis.topology:
        case "single":
            yield from _host_and_port("REDIS", "Redis", "6379")
            yield from _redis_user()
        case "sentinel":
            yield from _sentinel(settings)
            yield from _redis_user()
        case "cluster":
            yield SiteVariable(
                name="REDIS_CLUSTERS",
                kind="string",
                prompt=Text(
                    en="Nodes of the Redis cluster: host:port,host:port,…",
                    zh="Redis 集群节点: host:port,host:port,…",
                ),
                required=True,
                pattern=f"{NODE}(,{NODE})*",
            )
            yield given_secret(
                "REDIS_CLUSTERS_PASSWORD", Text(en="Password of the Redis cluster", zh="Redis 集群密码")
            )


def _redis_user() -> Iterator[SiteVariable]:
    yield SiteVariable(
        name="REDIS_USERNAME",
        kind="string",
        prompt=Text(en="User of Redis; empty for its default user", zh="Redis 用户, 留空为默认用户"),
        pattern=NAME,
    )
    yield given_secret("REDIS_PASSWORD", Text(en="Password of Redis", zh="Redis 密码"))


def _sentinel(settings: DifySettings) -> Iterator[SiteVariable]:
    for index in range(1, settings.redis.sentinels + 1):
        yield SiteVariable(
            name=f"REDIS_SENTINEL_{index}",
            kind="string",
            prompt=Text(
                en=f"Redis Sentinel {index} of {settings.redis.sentinels}: host:port",
                zh=f"Redis Sentinel 节点 {index}/{settings.redis.sentinels}: host:port",
            ),
            required=True,
            pattern=NODE,
        )
    yield SiteVariable(
        name="REDIS_SENTINEL_SERVICE_NAME",
        kind="string",
        prompt=Text(en="Name that the sentinels know the master by", zh="Sentinel 中主节点的名称"),
        default="mymaster",
        pattern=NAME,
    )
    yield SiteVariable(
        name="REDIS_SENTINEL_PASSWORD",
        kind="secret",
        prompt=Text(
            en="Password of the sentinels; empty where they have none", zh="Sentinel 密码, 没有时留空"
        ),
        pattern=URL_SAFE,
    )


def _vector_store(settings: DifySettings) -> Iterator[SiteVariable]:
    match settings.vector_store:
        case "weaviate":
            yield _address("WEAVIATE_ENDPOINT", "Weaviate", "http://weaviate.bank.example:8080")
            yield SiteVariable(
                name="WEAVIATE_GRPC_ENDPOINT",
                kind="string",
                prompt=Text(
                    en="URL of Weaviate's gRPC, such as grpc://weaviate.bank.example:50051",
                    zh="Weaviate 的 gRPC 地址, 例如 grpc://weaviate.bank.example:50051",
                ),
                required=True,
                pattern="grpcs?://[^ ]+",
            )
            yield _foreign("WEAVIATE_API_KEY", Text(en="Key of Weaviate", zh="Weaviate 密钥"))
        case "qdrant":
            yield _address("QDRANT_URL", "Qdrant", "http://qdrant.bank.example:6333")
            yield _foreign("QDRANT_API_KEY", Text(en="Key of Qdrant", zh="Qdrant 密钥"))
        case "milvus":
            yield _address("MILVUS_URI", "Milvus", "http://milvus.bank.example:19530")
            yield SiteVariable(
                name="MILVUS_USER",
                kind="string",
                prompt=Text(en="User of Milvus", zh="Milvus 用户"),
                default="root",
            )
            yield SiteVariable(
                name="MILVUS_DATABASE",
                kind="string",
                prompt=Text(en="Database in Milvus", zh="Milvus 数据库名"),
                default="default",
            )
            yield _foreign("MILVUS_PASSWORD", Text(en="Password of Milvus", zh="Milvus 密码"))
        case "elasticsearch":
            yield from _server("ELASTICSEARCH", "Elasticsearch", "9200", ("USERNAME", "elastic"))
        case "opensearch":
            yield from _server("OPENSEARCH", "OpenSearch", "9200", ("USER", "admin"))
        case "pgvector" | "pgvector-shared":
            yield from _server("PGVECTOR", "pgvector", "5432", ("USER", "dify"))
            yield SiteVariable(
                name="PGVECTOR_DATABASE",
                kind="string",
                prompt=Text(en="Database in pgvector", zh="pgvector 数据库名"),
                default="dify",
                pattern=IDENTIFIER,
            )


def _host_and_port(prefix: str, name: str, port: str) -> Iterator[SiteVariable]:
    yield SiteVariable(
        name=f"{prefix}_HOST",
        kind="host",
        prompt=Text(en=f"{name} server", zh=f"{name} 服务器"),
        required=True,
    )
    yield SiteVariable(
        name=f"{prefix}_PORT", kind="port", prompt=Text(en=f"Port of {name}", zh=f"{name} 端口"), default=port
    )


def _server(prefix: str, name: str, port: str, user: tuple[str, str]) -> Iterator[SiteVariable]:
    key, default = user
    yield from _host_and_port(prefix, name, port)
    yield SiteVariable(
        name=f"{prefix}_{key}",
        kind="string",
        prompt=Text(en=f"User of {name}", zh=f"{name} 用户"),
        default=default,
        pattern=NAME,
    )
    yield _foreign(f"{prefix}_PASSWORD", Text(en=f"Password of {name}", zh=f"{name} 密码"))


def _address(name: str, title: str, example: str) -> SiteVariable:
    return SiteVariable(
        name=name,
        kind="string",
        prompt=Text(en=f"URL of {title}, such as {example}", zh=f"{title} 地址, 例如 {example}"),
        required=True,
        pattern=URL,
    )


def _foreign(name: str, prompt: Text) -> SiteVariable:
    """Return a secret of an existing server, which may contain any characters."""
    return SiteVariable(name=name, kind="secret", prompt=prompt, required=True)


def _storage() -> Iterator[SiteVariable]:
    yield SiteVariable(
        name="S3_ENDPOINT",
        kind="string",
        prompt=Text(en="URL of the object storage", zh="对象存储地址 (URL)"),
        required=True,
        pattern=URL,
    )
    yield SiteVariable(
        name="S3_BUCKET_NAME",
        kind="string",
        prompt=Text(en="Bucket", zh="存储桶"),
        default="dify",
        pattern="[a-z0-9][a-z0-9.-]+",
    )
    yield SiteVariable(
        name="S3_REGION",
        kind="string",
        prompt=Text(en="Region", zh="区域"),
        default="us-east-1",
        pattern=NAME,
    )
    yield _foreign("S3_ACCESS_KEY", Text(en="Access key of the bucket", zh="存储桶访问密钥 ID"))
    yield _foreign("S3_SECRET_KEY", Text(en="Secret key of the bucket", zh="存储桶访问密钥"))
