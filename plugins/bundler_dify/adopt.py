"""Adoption of a Dify that runs with upstream's Compose file, from 1.11 to the release of the bundle.

| fact | source: `langgenius/dify` |
|---|---|
| services, mounts and variables up to 1.13 (one `.env` with all variables) | `docker/docker-compose.yaml`, `docker/.env.example` at 0055b983dc32deacc31351c13a555055ffc9b844 (1.13.3) |
| the same since 1.14 (`envs/*.env`, then `.env`) | `docker/docker-compose.yaml` at 590b0a449efe8520c434b21d09e76a16df2818db (1.17.1) |
| empty `SECRET_KEY`: the key is in the storage's file `.dify_secret_key`, without its line end | `api/configs/secret_key.py` at c714a8e317b386cf2f79be23efd8f3bc01593fd8 |
| `flask vdb-migrate` recreates vectors, except for data sets whose vectors are in the same kind of store | `api/commands/vector.py` at 1171de21116a02c2e33093114b6c8050ecdf46d8 |
| Weaviate can upgrade its data by one minor release at a time; 1.17.1 moved from 1.27 to 1.39 | Dify's documentation of that upgrade |

The containers have the same variables in both layouts, so values are read from them, not from the files.

PostgreSQL's data are dumped and loaded, because the role differs (`postgres`, here `dify`); therefore the major
version and the C library, which sorts text, may differ too. Redis' data are copied. The snapshot becomes the
append-only file, which has the same format: a server with `appendonly yes` reads only the latter at its start.
"""  # noqa: E501 a table

from __future__ import annotations

from collections.abc import Collection, Iterator

from bundler.api.adoption import Adoption
from bundler.api.application import DataFolder
from bundler.api.text import Text
from bundler.api.variable import SiteVariable
from bundler_dify.releases import Release
from bundler_dify.settings.model import DifySettings

OLDEST = "1.11.0"
"""The oldest supported release."""
NAMED_CHANGES = "1.15.0"
"""Renames model types and upgrade settings of plugins; requires two manual steps: docs/how-to/adopt.md."""

PUBLISHED_DIGESTS = (
    "0f44b34c6311bcb547867d393c1c56e6564e03d905fdd023637f549358bf3670",
    "b8ba9c61cc9ff699c426c75e748fcf200e8b47869d76fde8bb36ec2f7a34f038",
    "a4b744973756871c1d844ccf4a34d21170bf2e6a54ee13af60c4395a632cdca2",
    "481c0ab8a6f9e9dcb9391fb1c8b649d19f493c5253e4dc20c2c32ec21875b8ab",
    "217ef27f7b2a2f8949eb2e0973f7dfa099f887427b9a6626b2395e2417239ff2",
    "d20e53c9faaded8b7a467e32f3dcfa2b20547c7d389484a69c9bc57189fa7f68",
    "942083283953abc6c18f0655475f4d402a9a705af3261384a333b48738cf671a",
    "1989496b76464a0cf3ba21e4dbad83e8a1dfc4ffa83862ab09d0782306e6d43e",
)
"""SHA-256 digests of the public default secrets in upstream's Compose file and example, 1.11 to 1.17.1."""

STORES = ("weaviate", "qdrant", "pgvector", "pgvector-shared")
"""Vector stores whose data are adopted. Milvus' users and object storage would keep the old passwords."""

SERVERS = {
    "weaviate": ("WEAVIATE_ENDPOINT", "http://weaviate:8080 -"),
    "qdrant": ("QDRANT_URL", "http://qdrant:6333 -"),
    "pgvector": ("PGVECTOR_HOST", "pgvector -"),
    # Upstream's other layout has a separate server, whose tables are not merged into this one.
    "pgvector-shared": ("PGVECTOR_HOST", "db_postgres"),
}
"""By store, a variable of the API and the values for which the data are on the project's own server."""

KEPT, FREE, FITS = "keep", "free", "fits"
"""Kinds of values: data depend on it; only the containers share it; adopted if this release accepts it."""
VALUES: tuple[tuple[str | None, str, str, str], ...] = (
    ("api", "SECRET_KEY", "SECRET_KEY", KEPT),
    ("worker", "SECRET_KEY", "SECRET_KEY", KEPT),
    ("api", "PASSWORD_PEPPER", "PASSWORD_PEPPER", KEPT),
    ("api", "INIT_PASSWORD", "INIT_PASSWORD", FREE),
    ("db_postgres", "POSTGRES_PASSWORD", "DB_PASSWORD", FREE),
    ("redis", "REDISCLI_AUTH", "REDIS_PASSWORD", FREE),
    ("weaviate", "AUTHENTICATION_APIKEY_ALLOWED_KEYS", "WEAVIATE_API_KEY", FREE),
    ("qdrant", "QDRANT_API_KEY", "QDRANT_API_KEY", FREE),
    ("pgvector", "POSTGRES_PASSWORD", "PGVECTOR_PASSWORD", FREE),
    ("sandbox", "API_KEY", "SANDBOX_API_KEY", FREE),
    ("plugin_daemon", "SERVER_KEY", "PLUGIN_DAEMON_KEY", FREE),
    ("plugin_daemon", "DIFY_INNER_API_KEY", "PLUGIN_DIFY_INNER_API_KEY", FREE),
    ("agent_backend", "DIFY_AGENT_API_TOKEN", "DIFY_AGENT_API_TOKEN", FREE),
    ("agent_backend", "DIFY_AGENT_SERVER_SECRET_KEY", "DIFY_AGENT_SERVER_SECRET_KEY", FREE),
    ("local_sandbox", "SHELLCTL_AUTH_TOKEN", "DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN", FREE),
    ("nginx", "NGINX_SERVER_NAME", "SERVER_NAME", FITS),
    (None, "EXPOSE_NGINX_PORT", "HTTP_PORT", FITS),
    (None, "EXPOSE_NGINX_SSL_PORT", "HTTPS_PORT", FITS),
    *(
        ("api", name, name, FITS)
        for name in (
            "S3_ENDPOINT",
            "S3_BUCKET_NAME",
            "S3_REGION",
            "S3_ACCESS_KEY",
            "S3_SECRET_KEY",
            "REDIS_HOST",
            "REDIS_PORT",
            "REDIS_USERNAME",
            "SMTP_SERVER",
            "SMTP_PORT",
            "SMTP_USERNAME",
            "SMTP_PASSWORD",
            "MAIL_DEFAULT_SEND_FROM",
        )
    ),
    ("api", "REDIS_PASSWORD", "REDIS_PASSWORD", FITS),
)
"""Upstream's service (None: its `.env`) and variable, the site variable, and the kind of value."""

FOLDERS = (
    ("api", "/app/api/storage", "app/storage"),
    ("plugin_daemon", "/app/storage", "plugin_daemon"),
    ("weaviate", "/var/lib/weaviate", "weaviate"),
    ("qdrant", "/qdrant/storage", "qdrant"),
    ("redis", "/data", "redis/data"),
    ("sandbox", "/dependencies", "sandbox/dependencies"),
    ("local_sandbox", "/home/dify", "local_sandbox/home"),
    ("local_sandbox", "/workspace", "local_sandbox/workspace"),
)
"""Upstream's service, the path in its container, and the folder below `<root>/data`."""


def adoption(
    settings: DifySettings,
    release: Release,
    variables: Collection[SiteVariable],
    folders: Collection[DataFolder],
) -> tuple[Adoption, ...]:
    """Return the rows of `adopt.tsv`.

    Args:
        settings: settings of the bundle.
        release: release of Dify in the bundle.
        variables: variables of the site; rows for other variables are left out.
        folders: data folders of the site; rows for other folders are left out.
    """
    return (
        *_refused(settings),
        *_needs(settings, release),
        *_values({variable.name for variable in variables}),
        *_data(settings, {folder.path for folder in folders}),
        Adoption(
            "note",
            "api",
            NAMED_CHANGES,
            says=Text(
                en="it comes from before Dify 1.15: two more steps are needed, see docs/how-to/adopt.md",
                zh="原版本早于 Dify 1.15, 接管后还需执行两个步骤, 见 docs/how-to/adopt.zh.md",
            ),
        ),
    )


def _refused(settings: DifySettings) -> Iterator[Adoption]:
    if settings.database.service != "db_postgres":
        yield _refuse(
            "this bundle does not bring a PostgreSQL: migrations on a server of the site could not be undone,"
            " and data of MySQL are not taken over. Use a bundle with `database: {mode: bundled}`",
            "此安装包不自带 PostgreSQL, 现场服务器上的迁移无法撤销, 也不接管 MySQL 的数据。"
            "请使用自带 PostgreSQL 的安装包",
        )
    if settings.vector_store not in STORES or settings.vector_server.mode != "bundled":
        yield _refuse(
            "vectors of this bundle's store are not taken over. Use a bundle with weaviate, qdrant or"
            " pgvector; from another store, with --accept vectors",
            "不接管此安装包所用向量库的数据。请使用 weaviate、qdrant 或 pgvector 的安装包,"
            " 原来是其他向量库时加 --accept vectors",
        )


def _refuse(english: str, chinese: str) -> Adoption:
    return Adoption("refuse", None, "-", says=Text(en=english, zh=chinese))


def _needs(settings: DifySettings, release: Release) -> Iterator[Adoption]:
    yield Adoption("image", "api", OLDEST, how=release.version)
    yield Adoption("needs", "api", "DB_TYPE", how="postgresql -")
    if settings.storage.mode == "local":
        yield Adoption("needs", "api", "STORAGE_TYPE", how="opendal local -")
        yield Adoption("needs", "api", "OPENDAL_SCHEME", how="fs -")
    else:
        yield Adoption("needs", "api", "STORAGE_TYPE", how=settings.storage.mode)
    if not settings.password_pepper:
        # Without the pepper, logins would fail; with it in the plan, the plan would print it.
        yield Adoption("needs", "api", "PASSWORD_PEPPER", how="-")
    store = settings.vector_store
    yield Adoption("needs", "api", "VECTOR_STORE", "vectors", store.removesuffix("-shared"))
    if store in SERVERS:
        name, address = SERVERS[store]
        yield Adoption("needs", "api", name, "vectors", address)
    if settings.database.service == "db_postgres":
        # Upstream starts its own server even if the API uses another one.
        yield Adoption("needs", "api", "DB_HOST", how="db_postgres -")
        major = _version(release.images.postgres).split(".")[0]
        yield Adoption("most", "db_postgres", "PG_MAJOR", how=major)
    for service in ("weaviate", "qdrant"):
        if store == service:
            version = _version(getattr(release.images, service))
            yield Adoption("image", service, _minor(version), how=version)
    if settings.redis.runs_here:
        yield Adoption("needs", "api", "REDIS_HOST", how="redis -")
        yield Adoption("image", "redis", "5", how=f"{_minor(_version(release.images.redis))}.999")


def _version(reference: str) -> str:
    """Return the version numbers of a tag such as `v1.8.3` or `15.15-alpine3.22`."""
    return reference.rpartition(":")[2].removeprefix("v").partition("-")[0]


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _values(known: Collection[str]) -> Iterator[Adoption]:
    for digest in PUBLISHED_DIGESTS:
        yield Adoption("published", None, digest)
    for service, name, variable, how in VALUES:
        if variable in known:
            yield Adoption("value", service, name, variable, how)
    if "SECRET_KEY" in known:
        yield Adoption("file", "api", "/app/api/storage/.dify_secret_key", "SECRET_KEY", KEPT)


def _data(settings: DifySettings, known: Collection[str]) -> Iterator[Adoption]:
    if settings.database.service == "db_postgres":
        dump = 'pg_dump -U "$POSTGRES_USER" -d "$DATABASE" -Fc'
        yield Adoption("dump", "db_postgres", dump, "dify", "db_postgres:POSTGRES_DB")
        yield Adoption("dump", "db_postgres", dump, "dify_plugin", "plugin_daemon:DB_DATABASE")
    if settings.vector_store == "pgvector" and settings.vector_server.mode == "bundled":
        # The image's default if POSTGRES_USER is not set.
        dump = 'pg_dump -U "${POSTGRES_USER:-postgres}" -d "$DATABASE" -Fc'
        yield Adoption("dump", "pgvector", dump, "pgvector", "pgvector:POSTGRES_DB")
    for service, place, folder in FOLDERS:
        if folder in known:
            yield Adoption("folder", service, place, folder)
    if "redis/data" in known:
        yield Adoption("seed", None, "dump.rdb", "redis/data/appendonly.aof", "appendonlydir")
