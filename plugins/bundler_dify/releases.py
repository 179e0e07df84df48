"""Dify's releases, and the images of each.

Dify's own programs of one release share a protocol: a plugin daemon older than its API refuses installations
(issues #35125, #34431), so no tag here may be changed alone. Third-party images with a floating tag upstream
have a fixed tag here; a comment names the source that proves that it exists, and each also occurs in public
Dockerfiles and Compose files. A lock file additionally pins all images by digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

UNKNOWN = ""
"""Placeholder for an image of a release that none of the available sources names."""


@dataclass(frozen=True)
class Images:
    """The image of each service."""

    api: str
    web: str
    plugin_daemon: str
    agent_backend: str
    local_sandbox: str
    sandbox: str
    init: str
    nginx: str
    squid: str
    postgres: str
    postgres_with_pgvector: str
    pgvector: str
    redis: str
    weaviate: str
    qdrant: str
    milvus: str
    etcd: str
    minio: str
    mysql: str
    elasticsearch: str
    opensearch: str


@dataclass(frozen=True)
class Release:
    """A release of Dify.

    Attributes:
        version: version of Dify.
        images: image of each service; `UNKNOWN` if the profile must set it.
        docker, compose: oldest versions that can run it.
        notes: sources of the table, and facts that could not be established.
    """

    version: str
    images: Images
    docker: str
    compose: str
    notes: tuple[str, ...] = ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of the images that the profile must set."""
        return tuple(field.name for field in fields(self.images) if not getattr(self.images, field.name))

    def with_images(self, given: Mapping[str, str]) -> Release:
        """Return the release with the images that the profile sets; only unknown ones can be set."""
        return replace(self, images=replace(self.images, **given))


DEFAULT = "1.17.1"

_IMAGES_1_17_1 = Images(
    # Dify 1.17.1, docker/docker-compose.yaml: upstream sets these ten tags.
    api="langgenius/dify-api:1.17.1",
    web="langgenius/dify-web:1.17.1",
    plugin_daemon="langgenius/dify-plugin-daemon:0.6.10-local",
    agent_backend="langgenius/dify-agent-backend:1.17.1",
    local_sandbox="langgenius/dify-agent-local-sandbox:1.17.1",
    sandbox="langgenius/dify-sandbox:0.2.15",
    weaviate="cr.weaviate.io/semitechnologies/weaviate:1.39.2",
    qdrant="langgenius/qdrant:v1.8.3",
    milvus="milvusdb/milvus:v2.6.3",
    elasticsearch="docker.elastic.co/elasticsearch/elasticsearch:8.14.3",
    # Upstream also sets these two, which Milvus requires.
    etcd="quay.io/coreos/etcd:v3.5.5",
    minio="minio/minio:RELEASE.2023-03-20T20-16-18Z",
    # busybox:latest upstream. Docker official images, library/busybox, release 1.37.0.
    init="busybox:1.37.0",
    # nginx:latest upstream. Docker official images, library/nginx, stable branch 1.28.
    nginx="nginx:1.28.2-alpine3.23",
    # ubuntu/squid:latest upstream, which failed more than once; Dify's users fall back to this tag
    # (issues #41945, #31812). Canonical rebuilds it, so pin it by digest.
    squid="ubuntu/squid:6.6-24.04_beta",
    # postgres:15-alpine upstream. Docker official images, library/postgres, PostgreSQL 15.15.
    # Alpine's release is fixed as well: another libc sorts text, and thus indexes, differently.
    postgres="postgres:15.15-alpine3.22",
    # pgvector/pgvector:pg16 upstream. Docker Hub's page of 0.8.1 lists both tags.
    pgvector="pgvector/pgvector:0.8.1-pg16-bookworm",
    postgres_with_pgvector="pgvector/pgvector:0.8.1-pg15-bookworm",
    # redis:6-alpine upstream. Docker official images, library/redis; Sentry's Compose file.
    redis="redis:6.2.20-alpine",
    # mysql:8.0 upstream. Docker official images, library/mysql.
    mysql="mysql:8.0.44",
    # opensearchproject/opensearch:latest upstream. OpenSearch's own releases of version 2.
    opensearch="opensearchproject/opensearch:2.19.4",
)

_IMAGES_1_18_0 = replace(
    _IMAGES_1_17_1,
    # Release notes: API, workers, agent backend and agent runtime must be upgraded together.
    api="langgenius/dify-api:1.18.0",
    web="langgenius/dify-web:1.18.0",
    agent_backend="langgenius/dify-agent-backend:1.18.0",
    local_sandbox="langgenius/dify-agent-local-sandbox:1.18.0",
    # dify-helm 0.40.0, "to align with Dify 1.18.0"; a patch release of 1.39, which 1.17.1 uses.
    weaviate="cr.weaviate.io/semitechnologies/weaviate:1.39.13",
    # 1.17.1 has 0.6.10-local and, according to its notes, 1.19.0 has 0.6.14-local.
    plugin_daemon=UNKNOWN,
    sandbox=UNKNOWN,
)

RELEASES = {
    release.version: release
    for release in (
        Release(
            version="1.17.1",
            images=_IMAGES_1_17_1,
            docker="20.10",
            # Upstream requires 2.24 for `env_file` with `required`, which is not used here; nested defaults,
            # `deploy.resources` and jobs in `depends_on` are used.
            compose="2.20",
            notes=("langgenius/dify, docker/docker-compose.yaml, commit 590b0a449efe",),
        ),
        Release(
            version="1.18.0",
            images=_IMAGES_1_18_0,
            docker="20.10",
            # Upstream's quick start requires it without stating a reason.
            compose="2.35",
            notes=(
                "neither its Compose text nor its env files could be read",
                "from discussion #44607 (the release's notes), the docs' quick start, dify-helm 0.40.0",
                "not established: plugin daemon and code sandbox, which the profile has to say",
                "not established: PostgreSQL, Redis and other vector stores, which are 1.17.1's here",
                "established of its variables: the local sandbox's token must not be empty",
                "established of its variables: PASSWORD_PEPPER must be kept; how it is used is not",
                "not started: the opt-in Agent Knowledge Base",
                "its migrations cannot be taken back: only a backup leads back to 1.17.1",
            ),
        ),
    )
}
