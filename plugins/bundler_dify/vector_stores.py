"""Environment variables for vector stores in the API and the workers.

Names and meanings: langgenius/dify, api/configs/middleware/vdb/*.py, docker/envs/vectorstores/*.env.example;
how Elasticsearch's and OpenSearch's clients read them: core/rag/datasource/vdb/*_vector.py.
"""

from __future__ import annotations

from bundler_dify.connections import CA_FILE, Environment, api_database
from bundler_dify.settings.model import DifySettings

STRONG = "Aa1_"
"""Prefix of OpenSearch's password, which must contain upper-case and lower-case letters, a digit and another
character, otherwise OpenSearch does not start."""


def vector_environment(settings: DifySettings) -> Environment:
    """Return the variables for the vector store and its server."""
    if settings.vector_server.mode == "external":
        return {**_external(settings), **_grpc_authorities(settings)}
    return _bundled(settings)


def _bundled(settings: DifySettings) -> Environment:
    stores = {
        "weaviate": _weaviate("http://weaviate:8080", "grpc://weaviate:50051"),
        "qdrant": _qdrant("http://qdrant:6333"),
        "milvus": _milvus("http://milvus:19530", "root"),
        "pgvector": _pgvector("pgvector", "5432", "dify", "${PGVECTOR_PASSWORD}", "dify"),
        "pgvector-shared": _pgvector_shared(settings),
        "elasticsearch": _elasticsearch("elasticsearch", "9200", "elastic"),
        "opensearch": {
            **_opensearch("opensearch", "9200", "admin", f"{STRONG}${{OPENSEARCH_PASSWORD}}"),
            # Its certificate is a published demo certificate, so it is not verified. Nothing else is in that
            # network.
            "OPENSEARCH_SECURE": "true",
            "OPENSEARCH_VERIFY_CERTS": "false",
        },
    }
    return stores[settings.vector_store]


def _external(settings: DifySettings) -> Environment:
    tls = settings.vector_server.tls
    scheme = "https://" if tls else ""
    checked = {"ELASTICSEARCH_VERIFY_CERTS": "true", "ELASTICSEARCH_CA_CERTS": CA_FILE} if tls else {}
    elastic = _elasticsearch(
        f"{scheme}${{ELASTICSEARCH_HOST}}", "${ELASTICSEARCH_PORT}", "${ELASTICSEARCH_USERNAME}"
    )
    secure = {"OPENSEARCH_SECURE": "true" if tls else "false", "OPENSEARCH_VERIFY_CERTS": "true"}
    # This client has no setting for it, but libpq has.
    mode = {"PGSSLMODE": "verify-full"} if tls else {}
    database = {"MILVUS_DATABASE": "${MILVUS_DATABASE}"}
    stores = {
        "weaviate": _weaviate("${WEAVIATE_ENDPOINT}", "${WEAVIATE_GRPC_ENDPOINT}"),
        "qdrant": _qdrant("${QDRANT_URL}"),
        "milvus": _milvus("${MILVUS_URI}", "${MILVUS_USER}") | database,
        "elasticsearch": elastic | checked,
        "opensearch": _opensearch(*_named("OPENSEARCH", "HOST", "PORT", "USER", "PASSWORD")) | secure,
        "pgvector": _pgvector(*_named("PGVECTOR", "HOST", "PORT", "USER", "PASSWORD", "DATABASE")) | mode,
    }
    return stores[settings.vector_store]


def _named(prefix: str, *parts: str) -> list[str]:
    return [f"${{{prefix}_{part}}}" for part in parts]


def _grpc_authorities(settings: DifySettings) -> Environment:
    """Return the variable for gRPC, which does not read SSL_CERT_FILE (its doc/environment_variables.md)."""
    if settings.ca_certificates and settings.vector_store in {"weaviate", "milvus"}:
        return {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": CA_FILE}
    return {}


def _weaviate(address: str, grpc: str) -> Environment:
    return {
        "VECTOR_STORE": "weaviate",
        "WEAVIATE_ENDPOINT": address,
        # gRPC is required since Dify 1.9.2.
        "WEAVIATE_GRPC_ENDPOINT": grpc,
        "WEAVIATE_API_KEY": "${WEAVIATE_API_KEY}",
        "WEAVIATE_TOKENIZATION": "word",
    }


def _qdrant(address: str) -> Environment:
    return {
        "VECTOR_STORE": "qdrant",
        "QDRANT_URL": address,
        "QDRANT_API_KEY": "${QDRANT_API_KEY}",
        "QDRANT_CLIENT_TIMEOUT": "20",
        "QDRANT_GRPC_ENABLED": "false",
    }


def _milvus(address: str, user: str) -> Environment:
    return {
        "VECTOR_STORE": "milvus",
        "MILVUS_URI": address,
        "MILVUS_USER": user,
        "MILVUS_PASSWORD": "${MILVUS_PASSWORD}",
        "MILVUS_ENABLE_HYBRID_SEARCH": "false",
    }


def _elasticsearch(host: str, port: str, user: str) -> Environment:
    return {
        "VECTOR_STORE": "elasticsearch",
        "ELASTICSEARCH_HOST": host,
        "ELASTICSEARCH_PORT": port,
        "ELASTICSEARCH_USERNAME": user,
        "ELASTICSEARCH_PASSWORD": "${ELASTICSEARCH_PASSWORD}",
        "ELASTICSEARCH_USE_CLOUD": "false",
    }


def _opensearch(host: str, port: str, user: str, password: str) -> Environment:
    return {
        "VECTOR_STORE": "opensearch",
        "OPENSEARCH_HOST": host,
        "OPENSEARCH_PORT": port,
        "OPENSEARCH_USER": user,
        "OPENSEARCH_PASSWORD": password,
        "OPENSEARCH_AUTH_METHOD": "basic",
    }


def _pgvector_shared(settings: DifySettings) -> Environment:
    server = api_database(settings)
    # This client has no setting for it, but libpq has.
    mode = {"PGSSLMODE": server["DB_SSL_MODE"]} if settings.database.mode == "external" else {}
    parts = ("DB_HOST", "DB_PORT", "DB_USERNAME", "DB_PASSWORD", "DB_DATABASE")
    return _pgvector(*(server[part] for part in parts)) | mode


def _pgvector(host: str, port: str, user: str, password: str, database: str) -> Environment:
    return {
        "VECTOR_STORE": "pgvector",
        "PGVECTOR_HOST": host,
        "PGVECTOR_PORT": port,
        "PGVECTOR_USER": user,
        "PGVECTOR_PASSWORD": password,
        "PGVECTOR_DATABASE": database,
        "PGVECTOR_MIN_CONNECTION": "1",
        "PGVECTOR_MAX_CONNECTION": "5",
        # Otherwise it would be downloaded and compiled when a container starts.
        "PGVECTOR_PG_BIGM": "false",
    }
