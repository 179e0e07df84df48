"""Dify's releases, and the images that belong together in each.

Dify's own programs of one release speak one protocol with each other: a plugin daemon older than its API
refuses installations (issues #35125, #34431), so no tag here may be changed alone. Images of others whose
tag floats upstream have a fixed tag here; the source that shows it to exist stands beside it, and each is
named in public Dockerfiles and Compose files too. A lock file pins all of them by digest on top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

UNKNOWN = ""
"""In the place of an image that no public text we could read names for a release."""


@dataclass(frozen=True)
class Images:
    """What each service runs."""

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
        version: Dify's.
        images: what each service runs; `UNKNOWN` where the profile has to say it.
        docker, compose: oldest versions that run it.
        notes: what the table rests on, and what could not be established.
    """

    version: str
    images: Images
    docker: str
    compose: str
    notes: tuple[str, ...] = ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of the images that the profile has to say."""
        return tuple(field.name for field in fields(self.images) if not getattr(self.images, field.name))

    def with_images(self, given: Mapping[str, str]) -> Release:
        """The release with the images that the profile says; only unknown ones can be said."""
        return replace(self, images=replace(self.images, **given))


DEFAULT = "1.17.1"

_IMAGES_1_17_1 = Images(
    # Dify 1.17.1, docker/docker-compose.yaml: these ten tags are upstream's own.
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
    # ... and so are these two, which Milvus brings along.
    etcd="quay.io/coreos/etcd:v3.5.5",
    minio="minio/minio:RELEASE.2023-03-20T20-16-18Z",
    # busybox:latest upstream. Docker official images, library/busybox, release 1.37.0.
    init="busybox:1.37.0",
    # nginx:latest upstream. Docker official images, library/nginx, stable branch 1.28.
    nginx="nginx:1.28.2-alpine3.23",
    # ubuntu/squid:latest upstream, which broke more than once; the tag is the one that Dify's
    # users fall back to (issues #41945, #31812). Canonical rebuilds it: lock it by digest.
    squid="ubuntu/squid:6.6-24.04_beta",
    # postgres:15-alpine upstream. Docker official images, library/postgres, PostgreSQL 15.15.
    # Alpine's release is fixed as well: another libc sorts text, thus indexes, differently.
    postgres="postgres:15.15-alpine3.22",
    # pgvector/pgvector:pg16 upstream. Docker Hub's page of 0.8.1 lists both tags.
    pgvector="pgvector/pgvector:0.8.1-pg16-bookworm",
    postgres_with_pgvector="pgvector/pgvector:0.8.1-pg15-bookworm",
    # redis:6-alpine upstream. Docker official images, library/redis; Sentry's Compose file.
    redis="redis:6.2.20-alpine",
    # mysql:8.0 upstream. Docker official images, library/mysql.
    mysql="mysql:8.0.44",
    # opensearchproject/opensearch:latest upstream. OpenSearch's own releases of the line 2.
    opensearch="opensearchproject/opensearch:2.19.4",
)

_IMAGES_1_18_0 = replace(
    _IMAGES_1_17_1,
    # The release's notes: API, workers, agent backend and agent runtime are upgraded together.
    api="langgenius/dify-api:1.18.0",
    web="langgenius/dify-web:1.18.0",
    agent_backend="langgenius/dify-agent-backend:1.18.0",
    local_sandbox="langgenius/dify-agent-local-sandbox:1.18.0",
    # dify-helm 0.40.0, "to align with Dify 1.18.0"; a patch of the 1.39 that 1.17.1 has.
    weaviate="cr.weaviate.io/semitechnologies/weaviate:1.39.13",
    # 1.17.1 has 0.6.10-local and 1.19.0 has 0.6.14-local, its notes say.
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
            # `env_file` with `required`, the reason of upstream's 2.24, is not used here; nested defaults,
            # `deploy.resources` and jobs in `depends_on` are.
            compose="2.20",
            notes=("langgenius/dify, docker/docker-compose.yaml, commit 590b0a449efe",),
        ),
        Release(
            version="1.18.0",
            images=_IMAGES_1_18_0,
            docker="20.10",
            # Upstream's quick start asks for it, without a reason.
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
