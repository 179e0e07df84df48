"""How Dify's programs connect to the database and Redis, and which servers each of them supports.

- API and workers: `DB_TYPE` postgresql, mysql or oceanbase (api/configs/middleware, DatabaseConfig); a Redis
  server, Sentinel without TLS, or a cluster without TLS (api/extensions/ext_redis.py).
- The queue, Celery: a Redis server, or Sentinel without TLS (api/extensions/ext_celery.py).
- Plugin daemon 0.6.10: the same databases, with oceanbase as mysql (internal/types/app/default.go); a Redis
  server or Sentinel (internal/core/plugin_manager/manager.go), but not a cluster.
- Agent backend: one URL, `DIFY_AGENT_REDIS_URL` (dify-agent, ServerSettings).

Sources: langgenius/dify 0064a2d8ff0f, langgenius/dify-plugin-daemon 1310a18b2f6b (0.6.10). Databases other
than PostgreSQL are supported since the plugin daemon 0.5.1, which Dify uses since 1.11.0. Programs that do
not support the topology of the site's Redis use a bundled one.
"""

from __future__ import annotations

from typing import Final

from bundler_dify.settings.model import DifySettings

Environment = dict[str, str]

CA_FILE: Final = "/etc/dify/ca.pem"
"""File with the site's own certificate authorities in containers."""
HERE: Final = "redis"
"""Service name of the bundled Redis."""
SENTINEL_TIMEOUT: Final = "2"
"""Timeout of Sentinel in seconds. Upstream's 0.1 fails on networks that take longer to connect."""


def database_server(settings: DifySettings) -> Environment:
    """Return the address of the database, for programs that read `DB_*`."""
    database = settings.database
    if database.mode == "external":
        return {
            "DB_TYPE": database.type,
            "DB_HOST": "${DB_HOST}",
            "DB_PORT": "${DB_PORT}",
            "DB_USERNAME": "${DB_USERNAME}",
            "DB_PASSWORD": "${DB_PASSWORD}",
            "DB_SSL_MODE": database.sslmode,
            # libpq and the plugin daemon's pgx read it; without it, both would find no authorities.
            **({"PGSSLROOTCERT": CA_FILE} if _checks_postgresql(settings) else {}),
        }
    mysql = database.type == "mysql"
    return {
        "DB_TYPE": database.type,
        "DB_HOST": str(database.service),
        "DB_PORT": "3306" if mysql else "5432",
        # MySQL's image does not allow any other user to create the plugin daemon's database.
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
    """Return the database variables of the API, the workers and the migration."""
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
    """Return driver options, which SQLAlchemy reads from the query of its URL (Dify docs, DB_EXTRAS).

    MySQL: SQLAlchemy passes `ssl_ca` to PyMySQL, which then verifies authority and name. PyMySQL continues
    without TLS if a server does not offer it (1.1.2, connections.py), so the server must require TLS.
    """
    database = settings.database
    if database.type != "postgresql":
        return f"ssl_ca={CA_FILE}" if database.sslmode == "verify-full" else ""
    if database.mode == "external":
        return f"sslmode={database.sslmode}"
    # Otherwise PGSSLMODE, which is set for the vector store, would also apply to this database.
    own = settings.vector_store == "pgvector" and settings.vector_server.tls
    return "sslmode=disable" if own else ""


def plugin_database(settings: DifySettings) -> Environment:
    """Return the database variables of the plugin daemon."""
    external = settings.database.mode == "external"
    return {
        **database_server(settings),
        # It accepts only these two values (its config.go). With PGSSLROOTCERT, `require` verifies the
        # certificate's authority; with MySQL it always does, against SSL_CERT_FILE.
        "DB_SSL_MODE": "disable" if settings.database.sslmode == "disable" else "require",
        "DB_DATABASE": "${DB_PLUGIN_DATABASE}" if external else "dify_plugin",
        # The database that it first connects to, in order to create its own.
        "DB_DEFAULT_DATABASE": "${DB_DATABASE}" if external else "dify",
    }


def _redis_server(settings: DifySettings) -> Environment:
    """Return the variables of a single Redis: the bundled one, or the site's."""
    external = settings.redis.mode == "external"
    return {
        "REDIS_HOST": "${REDIS_HOST}" if external else HERE,
        "REDIS_PORT": "${REDIS_PORT}" if external else "6379",
        **({"REDIS_USERNAME": "${REDIS_USERNAME}"} if external else {}),
        "REDIS_PASSWORD": "${REDIS_PASSWORD}",
        "REDIS_USE_SSL": "true" if settings.redis.tls else "false",
        # Set, because Dify's API otherwise accepts any certificate (ext_celery, REDIS_SSL_CERT_REQS).
        **(
            {"REDIS_SSL_CERT_REQS": "CERT_REQUIRED", "REDIS_SSL_CA_CERTS": CA_FILE}
            if settings.redis.tls
            else {}
        ),
    }


def _bundled() -> Environment:
    """Return the variables of the bundled Redis, for programs that do not support the site's topology."""
    return {
        "REDIS_HOST": HERE,
        "REDIS_PORT": "6379",
        "REDIS_PASSWORD": "${LOCAL_REDIS_PASSWORD}",
        "REDIS_USE_SSL": "false",
    }


def sentinels(settings: DifySettings) -> list[str]:
    """Return the site variable of each sentinel's address, `host:port`."""
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
    """Return the Redis variables of the plugin daemon."""
    match settings.redis.topology:
        case "single":
            return _redis_server(settings)
        case "sentinel":
            return _sentinel(settings)
        case "cluster":
            return _bundled()


def redis_url(settings: DifySettings, database: int) -> str:
    """Return the URL of a database of a single Redis: 1 for the queue, 2 for the agent backend."""
    if settings.redis.topology != "single":
        return f"redis://:${{LOCAL_REDIS_PASSWORD}}@{HERE}:6379/{database}"
    server = _redis_server(settings)
    scheme = "rediss" if settings.redis.tls else "redis"
    user = server.get("REDIS_USERNAME", "")
    return f"{scheme}://{user}:${{REDIS_PASSWORD}}@{server['REDIS_HOST']}:{server['REDIS_PORT']}/{database}"


def _queue(settings: DifySettings) -> Environment:
    """Return the variables with Celery's URL. It repeats the password: Dify does not build it from parts."""
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
                # For messages between API and workers; otherwise they use one node (RedisPubSubConfig).
                "EVENT_BUS_REDIS_USE_CLUSTERS": "true",
                "REDIS_USE_SSL": "false",
            }


def api_redis(settings: DifySettings) -> Environment:
    """Return the Redis variables of the API, the workers and the migration."""
    return {
        **_cache(settings),
        **_queue(settings),
        "CELERY_BACKEND": "redis",
        "BROKER_USE_SSL": "true" if settings.redis.tls else "false",
    }


def object_storage(settings: DifySettings) -> Environment:
    """Return the storage variables of the API and the workers: a folder, or a bucket accessed with boto3.

    langgenius/dify 028dd6e79b41, api/extensions/storage/aws_s3_storage.py: keys, endpoint, region and
    addressing style are passed to boto3, which reads other options from its own variables (boto3's guide,
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
        # Since boto3 1.36, it sends checksums after the content, which many other servers reject.
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
    }
