"""PostgreSQL, Redis and the vector stores."""

from __future__ import annotations

from bundler_dify import offline
from bundler_dify.parts import (
    CORE,
    DROP_ROOT,
    Service,
    Services,
    check,
    drop_all,
    drop_unused,
    http_check,
    read_only,
    wait_for,
)
from bundler_dify.releases import Images
from bundler_dify.services.search import elasticsearch, mysql, opensearch
from bundler_dify.settings.model import DifySettings

STOP_STORE = "300s"
"""Grace period of a vector store: if it is killed, its index silently loses vectors (Dify docs, Weaviate)."""
STOP_DATABASE = "120s"


def data_services(settings: DifySettings, images: Images) -> Services:
    """Return the services that keep data."""
    services: Services = {}
    match settings.database.service:
        case "db_postgres":
            services["db_postgres"] = _postgres(settings, images)
        case "db_mysql":
            services["db_mysql"] = mysql(settings, images)
    if settings.redis.runs_here:
        services["redis"] = _redis(settings, images)
    if settings.vector_server.mode == "bundled":
        services |= _vector_store(settings, images)
    return services


def _vector_store(settings: DifySettings, images: Images) -> Services:
    services: Services = {}
    match settings.vector_store:
        case "weaviate":
            services["weaviate"] = _weaviate(images)
        case "qdrant":
            services["qdrant"] = _qdrant(images)
        case "pgvector":
            services["pgvector"] = _pgvector(images)
        case "pgvector-shared":
            pass  # a database in db_postgres, or on the site's own server
        case "milvus":
            services |= _milvus(images)
        case "elasticsearch":
            services["elasticsearch"] = elasticsearch(images)
        case "opensearch":
            services["opensearch"] = opensearch(images)
    return services


def _server(image: str, password: str, folder: str, options: list[str]) -> Service:
    return {
        "image": image,
        "command": ["postgres", *options],
        "environment": {
            "POSTGRES_USER": "dify",
            "POSTGRES_PASSWORD": password,
            "POSTGRES_DB": "dify",
            "PGDATA": "/var/lib/postgresql/data/pgdata",
        },
        "volumes": [f"${{BUNDLE_DATA}}/{folder}:/var/lib/postgresql/data"],
        "networks": [CORE],
        # Over TCP: while the first start prepares the database, it listens only on a socket.
        "healthcheck": check(
            "pg_isready", "-h", "127.0.0.1", "-U", "dify", "-d", "dify",
            interval="5s", retries=24, start="60s",
        ),
        "stop_grace_period": STOP_DATABASE,
        "shm_size": "256m",
        **read_only("/tmp", "/var/run/postgresql"),  # noqa: S108 in the container
        **drop_all(*DROP_ROOT),
    }  # fmt: skip


def _postgres(settings: DifySettings, images: Images) -> Service:
    shared = settings.vector_store == "pgvector-shared"
    values = {
        "max_connections": str(settings.database.max_connections),
        "shared_buffers": f"{settings.database.shared_buffers // 1024}kB",
        "work_mem": "4MB",
        "maintenance_work_mem": "64MB",
        "password_encryption": "scram-sha-256",
    }
    options = [word for name, value in values.items() for word in ("-c", f"{name}={value}")]
    image = images.postgres_with_pgvector if shared else images.postgres
    return _server(image, "${DB_PASSWORD}", "db/data", options)


def _pgvector(images: Images) -> Service:
    return _server(images.pgvector, "${PGVECTOR_PASSWORD}", "pgvector/data", ["-c", "max_connections=200"])


def _redis(settings: DifySettings, images: Images) -> Service:
    # If it supplements a Redis of the site that some programs do not support, it has a separate password.
    password = "${REDIS_PASSWORD}" if settings.redis.mode == "bundled" else "${LOCAL_REDIS_PASSWORD}"
    return {
        "image": images.redis,
        "command": ["redis-server", "--requirepass", password, "--appendonly", "yes"],
        # redis-cli reads the password from here, so that the health check has none on its command line.
        "environment": {"REDISCLI_AUTH": password},
        "volumes": ["${BUNDLE_DATA}/redis/data:/data"],
        "networks": [CORE],
        "healthcheck": check("redis-cli ping | grep -q PONG", interval="5s", retries=12, start="20s"),
        "stop_grace_period": "60s",
        **read_only("/tmp"),  # noqa: S108 the container's own
        **drop_all("CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"),
    }


def _weaviate(images: Images) -> Service:
    return {
        "image": images.weaviate,
        "environment": {
            "PERSISTENCE_DATA_PATH": "/var/lib/weaviate",
            "QUERY_DEFAULTS_LIMIT": "25",
            "DEFAULT_VECTORIZER_MODULE": "none",
            "CLUSTER_HOSTNAME": "node1",
            "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
            "AUTHENTICATION_APIKEY_ENABLED": "true",
            # The counterpart of the API's WEAVIATE_API_KEY.
            "AUTHENTICATION_APIKEY_ALLOWED_KEYS": "${WEAVIATE_API_KEY}",
            "AUTHENTICATION_APIKEY_USERS": "dify",
            "AUTHORIZATION_ADMINLIST_ENABLED": "true",
            "AUTHORIZATION_ADMINLIST_USERS": "dify",
            **offline.WEAVIATE,
        },
        "volumes": ["${BUNDLE_DATA}/weaviate:/var/lib/weaviate"],
        "networks": [CORE],
        # The image has wget but not curl.
        "healthcheck": http_check(8080, "/v1/.well-known/ready", start="120s"),
        "stop_grace_period": STOP_STORE,
        **read_only("/tmp"),  # noqa: S108 the container's own
        **drop_all(),
    }


def _qdrant(images: Images) -> Service:
    return {
        "image": images.qdrant,
        "environment": {
            "QDRANT__SERVICE__API_KEY": "${QDRANT_API_KEY}",
            **offline.QDRANT,
        },
        "volumes": ["${BUNDLE_DATA}/qdrant:/qdrant/storage"],
        "networks": [CORE],
        # The image has no HTTP client, but it has bash; /readyz requires no key.
        "healthcheck": check(
            "bash -c 'exec 3<>/dev/tcp/127.0.0.1/6333 && "
            r'printf "GET /readyz HTTP/1.0\r\n\r\n" >&3 && grep -q "200 OK" <&3'
            "'",
            start="60s",
        ),
        "stop_grace_period": STOP_STORE,
        **drop_unused(),
    }


def _milvus(images: Images) -> Services:
    return {
        "etcd": {
            "image": images.etcd,
            "command": [
                "etcd",
                "-advertise-client-urls=http://etcd:2379",
                "-listen-client-urls=http://0.0.0.0:2379",
                "--data-dir=/etcd",
            ],
            "environment": {
                "ETCD_AUTO_COMPACTION_MODE": "revision",
                "ETCD_AUTO_COMPACTION_RETENTION": "1000",
                "ETCD_QUOTA_BACKEND_BYTES": "4294967296",
                "ETCD_SNAPSHOT_COUNT": "50000",
            },
            "volumes": ["${BUNDLE_DATA}/milvus/etcd:/etcd"],
            "networks": [CORE],
            "healthcheck": check("etcdctl", "endpoint", "health", start="30s"),
            **drop_unused(),
        },
        "minio": {
            "image": images.minio,
            "command": ["server", "/minio_data"],
            "environment": {"MINIO_ROOT_USER": "milvus", "MINIO_ROOT_PASSWORD": "${MINIO_PASSWORD}"},
            "volumes": ["${BUNDLE_DATA}/milvus/minio:/minio_data"],
            "networks": [CORE],
            "healthcheck": http_check(9000, "/minio/health/live"),
            **drop_unused(),
        },
        "milvus": {
            "image": images.milvus,
            "command": ["milvus", "run", "standalone"],
            "environment": {
                "ETCD_ENDPOINTS": "etcd:2379",
                "MINIO_ADDRESS": "minio:9000",
                "MINIO_ACCESS_KEY_ID": "milvus",
                "MINIO_SECRET_ACCESS_KEY": "${MINIO_PASSWORD}",
                # milvus.yaml, common.security: sets the password of the user root at the first start.
                "COMMON_SECURITY_AUTHORIZATIONENABLED": "true",
                "COMMON_SECURITY_DEFAULTROOTPASSWORD": "${MILVUS_PASSWORD}",
            },
            "volumes": ["${BUNDLE_DATA}/milvus/milvus:/var/lib/milvus"],
            "networks": [CORE],
            "depends_on": wait_for(etcd="healthy", minio="healthy"),
            "healthcheck": http_check(9091, "/healthz", retries=12, start="120s"),
            "stop_grace_period": STOP_STORE,
            **drop_unused(),
        },
    }
