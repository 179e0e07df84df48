"""How Dify's programs find the database and Redis, and which of them can speak to what.

- API and workers: `DB_TYPE` postgresql, mysql or oceanbase (api/configs/middleware, DatabaseConfig); Redis as
  a server, by Sentinel without TLS, or as a cluster without TLS (api/extensions/ext_redis.py).
- The queue, Celery: a Redis server, or Sentinel without TLS (api/extensions/ext_celery.py).
- Plugin daemon 0.6.10: the same databases, oceanbase is mysql to it (internal/types/app/default.go); a Redis
  server or Sentinel (internal/core/plugin_manager/manager.go). Nothing in it reads a cluster.
- Agent backend: one URL, `DIFY_AGENT_REDIS_URL` (dify-agent, ServerSettings).

langgenius/dify 0064a2d8ff0f, langgenius/dify-plugin-daemon 1310a18b2f6b (0.6.10). Databases other than
PostgreSQL came with the plugin daemon 0.5.1, which Dify has since 1.11.0. Who cannot use an external Redis of
the site's topology uses the one that is bundled then.
"""

from __future__ import annotations

from typing import Final

from bundler_dify.settings.model import DifySettings

Environment = dict[str, str]

CA_FILE: Final = "/etc/dify/ca.pem"
"""Where containers find the site's own certificate authorities."""
HERE: Final = "redis"
"""The service of the bundled Redis."""
SENTINEL_TIMEOUT: Final = "2"
"""Seconds. Upstream's 0.1 fails on networks that take longer to connect."""


def database_server(settings: DifySettings) -> Environment:
    """Where the database is, for who reads `DB_*`."""
    database = settings.database
    if database.mode == "external":
        return {
            "DB_TYPE": database.type,
            "DB_HOST": "${DB_HOST}",
            "DB_PORT": "${DB_PORT}",
            "DB_USERNAME": "${DB_USERNAME}",
            "DB_PASSWORD": "${DB_PASSWORD}",
            "DB_SSL_MODE": database.sslmode,
            # Read by libpq and by the plugin daemon's pgx; both would find no authority otherwise.
            **({"PGSSLROOTCERT": CA_FILE} if _checks_postgresql(settings) else {}),
        }
    mysql = database.type == "mysql"
    return {
        "DB_TYPE": database.type,
        "DB_HOST": str(database.service),
        "DB_PORT": "3306" if mysql else "5432",
        # MySQL's image gives no other user the right to make the plugin daemon's database.
        "DB_USERNAME": "root" if mysql else "dify",
        "DB_PASSWORD": "${DB_PASSWORD}",
        "DB_SSL_MODE": "disable",
        **({"PGSSLROOTCERT": CA_FILE} if _checks_postgresql(settings) else {}),
    }


def _checks_postgresql(settings: DifySettings) -> bool:
    database = settings.database
    tables = database.type == "postgresql" and database.sslmode.startswith("verify")
    return tables or (settings.vector_store == "pgvector" and settings.vector_server.tls)


def api_database(settings: DifySettings) -> Environment:
    """The database as the API, the workers and the migration are told of it."""
    external = settings.database.mode == "external"
    return {
        **database_server(settings),
        "DB_DATABASE": "${DB_DATABASE}" if external else "dify",
        "DB_EXTRAS": _extras(settings),
        "SQLALCHEMY_POOL_SIZE": str(settings.database.pool_size),
        "SQLALCHEMY_POOL_RECYCLE": "3600",
        "SQLALCHEMY_POOL_PRE_PING": "true",
    }


def _extras(settings: DifySettings) -> str:
    """Options of the driver, which SQLAlchemy takes from the query of its URL (Dify docs, DB_EXTRAS).

    MySQL: SQLAlchemy hands `ssl_ca` to PyMySQL, which checks authority and name then. PyMySQL goes on in the
    clear where a server offers no TLS (1.1.2, connections.py), so the server has to insist on it.
    """
    database = settings.database
    if database.type != "postgresql":
        return f"ssl_ca={CA_FILE}" if database.sslmode == "verify-full" else ""
    if database.mode == "external":
        return f"sslmode={database.sslmode}"
    # Else PGSSLMODE, which is meant for the vector store, would count for this one too.
    own = settings.vector_store == "pgvector" and settings.vector_server.tls
    return "sslmode=disable" if own else ""


def plugin_database(settings: DifySettings) -> Environment:
    """The database as the plugin daemon is told of it."""
    external = settings.database.mode == "external"
    return {
        **database_server(settings),
        # It takes these two words only (its config.go); with PGSSLROOTCERT, `require` checks who signed, and
        # with MySQL always, by the authorities of SSL_CERT_FILE.
        "DB_SSL_MODE": "disable" if settings.database.sslmode == "disable" else "require",
        "DB_DATABASE": "${DB_PLUGIN_DATABASE}" if external else "dify_plugin",
        # The database that it connects to first, to make its own.
        "DB_DEFAULT_DATABASE": "${DB_DATABASE}" if external else "dify",
    }


def _redis_server(settings: DifySettings) -> Environment:
    """A single Redis: the bundled one, or the site's."""
    external = settings.redis.mode == "external"
    return {
        "REDIS_HOST": "${REDIS_HOST}" if external else HERE,
        "REDIS_PORT": "${REDIS_PORT}" if external else "6379",
        **({"REDIS_USERNAME": "${REDIS_USERNAME}"} if external else {}),
        "REDIS_PASSWORD": "${REDIS_PASSWORD}",
        "REDIS_USE_SSL": "true" if settings.redis.tls else "false",
        # Said, because Dify's API takes any certificate otherwise (ext_celery, REDIS_SSL_CERT_REQS).
        **(
            {"REDIS_SSL_CERT_REQS": "CERT_REQUIRED", "REDIS_SSL_CA_CERTS": CA_FILE}
            if settings.redis.tls
            else {}
        ),
    }


def _bundled() -> Environment:
    """The small Redis beside a topology that a program cannot speak to."""
    return {
        "REDIS_HOST": HERE,
        "REDIS_PORT": "6379",
        "REDIS_PASSWORD": "${LOCAL_REDIS_PASSWORD}",
        "REDIS_USE_SSL": "false",
    }


def sentinels(settings: DifySettings) -> list[str]:
    """Address of each sentinel, `host:port`, as a site variable."""
    return [f"${{REDIS_SENTINEL_{index + 1}}}" for index in range(settings.redis.sentinels)]


def _sentinel(settings: DifySettings) -> Environment:
    return {
        "REDIS_USE_SENTINEL": "true",
        "REDIS_SENTINELS": ",".join(sentinels(settings)),
        "REDIS_SENTINEL_SERVICE_NAME": "${REDIS_SENTINEL_SERVICE_NAME}",
        "REDIS_SENTINEL_PASSWORD": "${REDIS_SENTINEL_PASSWORD}",
        "REDIS_SENTINEL_SOCKET_TIMEOUT": SENTINEL_TIMEOUT,
        "REDIS_USERNAME": "${REDIS_USERNAME}",
        "REDIS_PASSWORD": "${REDIS_PASSWORD}",
        "REDIS_USE_SSL": "false",
    }


def plugin_redis(settings: DifySettings) -> Environment:
    """Redis as the plugin daemon is told of it."""
    match settings.redis.topology:
        case "single":
            return _redis_server(settings)
        case "sentinel":
            return _sentinel(settings)
        case "cluster":
            return _bundled()


def redis_url(settings: DifySettings, database: int) -> str:
    """The address of a single Redis with its database: 1 is the queue's, 2 the agent backend's."""
    if settings.redis.topology != "single":
        return f"redis://:${{LOCAL_REDIS_PASSWORD}}@{HERE}:6379/{database}"
    server = _redis_server(settings)
    scheme = "rediss" if settings.redis.tls else "redis"
    user = server.get("REDIS_USERNAME", "")
    return f"{scheme}://{user}:${{REDIS_PASSWORD}}@{server['REDIS_HOST']}:{server['REDIS_PORT']}/{database}"


def _queue(settings: DifySettings) -> Environment:
    """Celery's. Dify does not make it of the parts: the password must stand in both."""
    if settings.redis.topology != "sentinel":
        return {"CELERY_BROKER_URL": redis_url(settings, 1)}
    user = "${REDIS_USERNAME}:${REDIS_PASSWORD}"
    return {
        "CELERY_BROKER_URL": ";".join(f"sentinel://{user}@{one}/1" for one in sentinels(settings)),
        "CELERY_USE_SENTINEL": "true",
        "CELERY_SENTINEL_MASTER_NAME": "${REDIS_SENTINEL_SERVICE_NAME}",
        "CELERY_SENTINEL_PASSWORD": "${REDIS_SENTINEL_PASSWORD}",
        "CELERY_SENTINEL_SOCKET_TIMEOUT": SENTINEL_TIMEOUT,
    }


def _cache(settings: DifySettings) -> Environment:
    match settings.redis.topology:
        case "single":
            return {**_redis_server(settings), "REDIS_DB": "0"}
        case "sentinel":
            return {**_sentinel(settings), "REDIS_DB": "0"}
        case "cluster":
            return {
                "REDIS_USE_CLUSTERS": "true",
                "REDIS_CLUSTERS": "${REDIS_CLUSTERS}",
                "REDIS_CLUSTERS_PASSWORD": "${REDIS_CLUSTERS_PASSWORD}",
                # Messages between API and workers, else by one node's connection (RedisPubSubConfig).
                "EVENT_BUS_REDIS_USE_CLUSTERS": "true",
                "REDIS_USE_SSL": "false",
            }


def api_redis(settings: DifySettings) -> Environment:
    """Redis as the API, the workers and the migration are told of it."""
    return {
        **_cache(settings),
        **_queue(settings),
        "CELERY_BACKEND": "redis",
        "BROKER_USE_SSL": "true" if settings.redis.tls else "false",
    }


def object_storage(settings: DifySettings) -> Environment:
    """Where the API and the workers keep files: a folder, or a bucket by way of boto3.

    langgenius/dify 028dd6e79b41, api/extensions/storage/aws_s3_storage.py: keys, endpoint, region and
    addressing style are handed to boto3, which reads the rest from variables of its own (boto3's guide,
    "Configuration"), and authorities from REQUESTS_CA_BUNDLE (botocore, endpoint.py).
    """
    if settings.storage.mode == "local":
        return {"STORAGE_TYPE": "opendal", "OPENDAL_SCHEME": "fs", "OPENDAL_FS_ROOT": "storage"}
    return {
        "STORAGE_TYPE": "s3",
        "S3_ENDPOINT": "${S3_ENDPOINT}",
        "S3_BUCKET_NAME": "${S3_BUCKET_NAME}",
        "S3_REGION": "${S3_REGION}",
        "S3_ACCESS_KEY": "${S3_ACCESS_KEY}",
        "S3_SECRET_KEY": "${S3_SECRET_KEY}",
        "S3_ADDRESS_STYLE": "path" if settings.storage.path_style else "virtual",
        "S3_USE_AWS_MANAGED_IAM": "false",
        # Since boto3 1.36 it sends checksums behind the content, which many other servers refuse.
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
    }
