"""Probes that test whether Dify works, beyond the health of its services.

`site/probe.py` runs inside Dify's containers, with their Python and their environment, and uses each component in
the same way as Dify. Sources, read on 2026-11-27: langgenius/dify, main of 2026-08-21, commit 07119e3f009d (between
1.16.1 and 1.17.0, the nearest to 1.17.1 whose complete source was available), langgenius/dify-plugin-daemon bdb5642a
and langgenius/dify-sandbox a94a4666:

| fact | source |
|---|---|
| the API's image starts in `/app/api`, has `python3` of the application on its `PATH`, with psycopg2, boto3 and Celery 5.6.3 | dify `api/Dockerfile` (`VIRTUAL_ENV`, `PATH`, `WORKDIR`), `api/pyproject.toml`, `api/uv.lock` |
| snippets: format, key, and `enable_network: true` in each request | dify `api/core/helper/code_executor/code_executor.py`; dify-sandbox `internal/controller/run.go` |
| a worker is started with all its queues after `-Q`; its process title stays unchanged, because setproctitle is not installed | dify `api/docker/entrypoint.sh`, `api/uv.lock` |
| a Celery application that does not load all of Dify, and supports Sentinel, TLS and a key prefix | dify `api/celery_healthcheck.py` |
| queues that a worker consumes; a task that only returns its argument, and forwards it if the message says so | Celery's documentation, `inspect active_queues`, `link`; its built-in task `celery.accumulate`. Tested with Celery 5.6.3, kombu 5.6.2, gevent and Redis: 1.4 s, leaves nothing behind |
| beat keeps its schedule in `celerybeat-schedule` in its working folder, written at start and with the first due task after three minutes; one is due each minute | Celery's `PersistentScheduler`, tested with 5.7; dify `api/extensions/ext_celery.py`, `api/configs/feature/__init__.py` (`WORKFLOW_SCHEDULE_POLLER_INTERVAL`) |
| plugins are listed by `plugin/<workspace>/management/list` | dify `api/core/plugin/impl/plugin.py`; dify-plugin-daemon `internal/server/controllers/plugins.go` |
| files: a folder that opendal writes, or a bucket through boto3 with these settings | dify `api/extensions/storage/opendal_storage.py`, `aws_s3_storage.py`; tested with rclone's S3 server |
| mail: implicit TLS or STARTTLS, set by two variables; certificates are not verified | dify `api/libs/smtp.py` |
| pgvector: the extension is created if it does not exist | dify `api/providers/vdb/vdb-pgvector/src/dify_vdb_pgvector/pgvector.py` |
| Elasticsearch, OpenSearch: the existence of an index is checked before it is created | dify `api/providers/vdb/vdb-opensearch`, `vdb-elasticsearch` (`indices.exists`) |

Weaviate and Qdrant are tested through their documented REST interfaces, which was tried only with stand-ins; pgvector
through SQL. Milvus is only queried for its collections, Elasticsearch and OpenSearch only for an index, because writing
was not tested with real servers.
"""  # noqa: E501 a table

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from bundler.api.application import ConfigFile, Probe
from bundler.api.text import Text
from bundler_dify.settings.model import DifySettings

SCRIPT = "probes/dify.py"
"""Path of the probes' script below the bundle's `files/`."""


def probe_files() -> tuple[ConfigFile, ...]:
    """Return the script that the probes read on standard input."""
    return (ConfigFile(SCRIPT, files("bundler_dify").joinpath("site/probe.py").read_bytes()),)


def probes(settings: DifySettings) -> tuple[Probe, ...]:
    """Return all probes that apply to these settings."""
    return (*_work(), *_peers(settings))


def _probe(identifier: str, title: Text, remedy: Text, service: str = "api", **more: str) -> Probe:
    return Probe(
        id=identifier,
        service=service,
        command=("python3", "-", identifier),
        title=title,
        remedy=remedy,
        limit=9,
        script=SCRIPT,
        when=more.get("when"),
    )


def _work() -> Iterator[Probe]:
    """Yield the probes that apply to every Dify."""
    yield _probe(
        "sandbox",
        Text(en="The sandbox runs a snippet", zh="沙箱可执行代码片段"),
        Text(
            en="Code and template nodes fail like this. See: difyctl logs sandbox; then: difyctl restart",
            zh="代码节点和模板节点同样会失败。请查看 difyctl logs sandbox, 然后运行 difyctl restart",
        ),
    )
    yield _probe(
        "queues",
        Text(en="A worker takes tasks from every queue", zh="worker 正在处理所有任务队列"),
        Text(
            en="Uploads are not indexed and mails are not sent. See: difyctl logs worker and"
            " difyctl logs redis",
            zh="上传的文档不会被索引, 邮件也不会发出。请查看 difyctl logs worker 和 difyctl logs redis",
        ),
        service="worker",
    )
    yield _probe(
        "beat",
        Text(en="The clock starts tasks", zh="定时器正在派发任务"),
        Text(
            en="Scheduled workflows do not start. See: difyctl logs worker_beat; then: difyctl restart",
            zh="定时工作流不会启动。请查看 difyctl logs worker_beat, 然后运行 difyctl restart",
        ),
        service="worker_beat",
    )
    yield _probe(
        "plugins",
        Text(en="The plugin daemon lists plugins", zh="插件守护进程可列出插件"),
        Text(
            en="Models and tools are plugins. See: difyctl logs plugin_daemon and its database",
            zh="模型和工具都由插件提供。请查看 difyctl logs plugin_daemon 及其数据库",
        ),
    )


def _peers(settings: DifySettings) -> Iterator[Probe]:
    """Yield the probes of the servers that keep Dify's data and send its mails."""
    if settings.storage.mode == "s3":
        remedy = Text(
            en="Look at S3_ENDPOINT, the bucket, its keys and its quota"
            " in /opt/dify/site.env and secrets.env",
            zh="请检查 S3_ENDPOINT、存储桶、密钥与配额 (site.env、secrets.env)",
        )
    else:
        remedy = Text(
            en="Look at room, owner (1001) and mode of data/app/storage below the root",
            zh="请检查安装目录下 data/app/storage 的剩余空间、属主 (1001) 与权限",
        )
    yield _probe("storage", Text(en="A file is stored and read", zh="文件可写入存储并读回"), remedy)
    yield _vectors(settings)
    if settings.smtp is not None:
        yield _probe(
            "mail",
            Text(en="The mail relay answers", zh="邮件中继可用"),
            Text(
                en="Invitations and password resets are not sent. Look at SMTP_SERVER, SMTP_PORT,"
                " the firewall",
                zh="邀请和重置密码邮件无法发出。请检查 SMTP_SERVER、SMTP_PORT 与防火墙",
            ),
            when="SMTP_SERVER",
        )


def _vectors(settings: DifySettings) -> Probe:
    written = settings.vector_store in {"weaviate", "qdrant", "pgvector", "pgvector-shared"}
    shared = settings.vector_store == "pgvector-shared"
    store = settings.database.service if shared else settings.vector_store
    if store is None or (settings.vector_server.mode == "external" and not shared):
        remedy = Text(
            en="Knowledge is not found. Look at the site's server, its address in site.env, its password",
            zh="知识库检索会失败。请检查外部服务器、site.env 中的地址, 以及密码",
        )
    else:
        remedy = Text(
            en=f"Knowledge is not found. See: difyctl logs {store}",
            zh=f"知识库检索会失败。请查看 difyctl logs {store}",
        )
    title = Text(en="A vector is written and found", zh="向量可写入并检索到")
    return _probe(
        "vectors", title if written else Text(en="The vector store answers", zh="向量库可用"), remedy
    )
