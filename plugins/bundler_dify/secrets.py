"""Site variables: what only the site knows, and the secrets that are made there.

A secret that several services must agree on is one site variable, named in the Compose document wherever it
is wanted (`environment.py`): it cannot come apart. All are made of `A-Za-z0-9_-`, because some end up in URLs
(`CELERY_BROKER_URL`, `DIFY_AGENT_REDIS_URL`) and Compose reads `$` as a variable.
"""

from __future__ import annotations

from collections.abc import Iterator

from bundler.contracts import SiteVariable
from bundler_dify.settings import DifySettings

URL_SAFE = "[A-Za-z0-9._~-]+"
"""RFC 3986 section 2.3, unreserved characters: what needs no escape in a URL."""
NAME = "[A-Za-z0-9_.-]+"
IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"


def site_variables(settings: DifySettings) -> tuple[SiteVariable, ...]:
    """What the installer asks for, takes from its answers or makes."""
    return (*_gateway(settings), *_servers(settings), *_smtp(settings), *_secrets(settings))


def _gateway(settings: DifySettings) -> Iterator[SiteVariable]:
    secure = settings.tls.mode != "off"
    yield SiteVariable(
        "SERVER_NAME",
        "host",
        "Host name that browsers open Dify by",
        "浏览器访问 Dify 使用的主机名",
        required=True,
        # A certificate and links in mails hold it: a guess is good enough for trials only.
        generator=None if secure else "fqdn",
    )
    yield SiteVariable(
        "LISTEN_ADDRESS",
        "host",
        "Address of this server that the gateway listens on (0.0.0.0: all)",
        "网关监听的本机地址 (0.0.0.0 表示全部)",
        default="0.0.0.0",  # noqa: S104 the gateway is what the network is meant to reach
    )
    yield SiteVariable("HTTP_PORT", "port", "Port for HTTP", "HTTP 端口", default="80")
    if settings.tls.mode == "own":
        yield SiteVariable("HTTPS_PORT", "port", "Port for HTTPS", "HTTPS 端口", default="443")
        yield SiteVariable(
            "TLS_CERTIFICATE",
            "path",
            "Certificate of the server with its chain (PEM file); empty if self-signed",
            "服务器证书及证书链 (PEM 文件), 自签名时留空",
        )
        yield SiteVariable(
            "TLS_KEY",
            "path",
            "Private key of the certificate (PEM file); empty if self-signed",
            "证书私钥 (PEM 文件), 自签名时留空",
        )
        yield SiteVariable(
            "TLS_SELF_SIGNED",
            "boolean",
            "Make a self-signed certificate here (true or false)",
            "在本机生成自签名证书 (true 或 false)",
            default="false",
        )
    if settings.tls.mode == "upstream":
        yield SiteVariable(
            "PUBLIC_PORT",
            "port",
            "Port of the load balancer that speaks HTTPS",
            "前置负载均衡器的 HTTPS 端口",
            default="443",
        )


def _servers(settings: DifySettings) -> Iterator[SiteVariable]:
    if settings.database.mode == "external":
        yield SiteVariable("DB_HOST", "host", "PostgreSQL server", "PostgreSQL 服务器", required=True)
        yield SiteVariable("DB_PORT", "port", "Port of PostgreSQL", "PostgreSQL 端口", default="5432")
        yield SiteVariable(
            "DB_USERNAME", "string", "User of PostgreSQL", "PostgreSQL 用户", default="dify", pattern=NAME
        )
        yield SiteVariable(
            "DB_DATABASE", "string", "Database of Dify", "Dify 数据库名", default="dify", pattern=IDENTIFIER
        )
        yield SiteVariable(
            "DB_PLUGIN_DATABASE",
            "string",
            "Database of Dify's plugins",
            "Dify 插件数据库名",
            default="dify_plugin",
            pattern=IDENTIFIER,
        )
        yield _given("DB_PASSWORD", "Password of PostgreSQL", "PostgreSQL 密码")
    if settings.redis.mode == "external":
        yield SiteVariable("REDIS_HOST", "host", "Redis server", "Redis 服务器", required=True)
        yield SiteVariable("REDIS_PORT", "port", "Port of Redis", "Redis 端口", default="6379")
        yield SiteVariable(
            "REDIS_USERNAME",
            "string",
            "User of Redis; empty for its default user",
            "Redis 用户, 留空为默认用户",
            pattern=NAME,
        )
        yield _given("REDIS_PASSWORD", "Password of Redis", "Redis 密码")
    if settings.storage.mode == "s3":
        yield SiteVariable(
            "S3_ENDPOINT",
            "string",
            "URL of the object storage",
            "对象存储地址 (URL)",
            required=True,
            pattern="https?://[^ ]+",
        )
        yield SiteVariable(
            "S3_BUCKET_NAME", "string", "Bucket", "存储桶", default="dify", pattern="[a-z0-9][a-z0-9.-]+"
        )
        yield SiteVariable("S3_REGION", "string", "Region", "区域", default="us-east-1", pattern=NAME)
        yield SiteVariable(
            "S3_ACCESS_KEY", "secret", "Access key of the bucket", "存储桶访问密钥 ID", required=True
        )
        yield SiteVariable(
            "S3_SECRET_KEY", "secret", "Secret key of the bucket", "存储桶访问密钥", required=True
        )


def _smtp(settings: DifySettings) -> Iterator[SiteVariable]:
    if settings.smtp is None:
        return
    port = {"none": "25", "starttls": "587", "tls": "465"}[settings.smtp.security]
    yield SiteVariable("SMTP_SERVER", "host", "Mail relay", "邮件中继服务器", required=True)
    yield SiteVariable("SMTP_PORT", "port", "Port of the mail relay", "邮件中继端口", default=port)
    yield SiteVariable(
        "MAIL_DEFAULT_SEND_FROM",
        "string",
        "Sender of Dify's mails",
        "Dify 邮件的发件人地址",
        required=True,
        pattern="[^ @]+@[^ @]+",
    )
    if settings.smtp.login:
        yield SiteVariable("SMTP_USERNAME", "string", "User of the mail relay", "邮件中继用户", required=True)
        yield SiteVariable(
            "SMTP_PASSWORD", "secret", "Password of the mail relay", "邮件中继密码", required=True
        )


def _secrets(settings: DifySettings) -> Iterator[SiteVariable]:
    # Explicit, because each container makes one of its own where it is empty (issue #39422).
    yield _made("SECRET_KEY", 48, "Key of sessions and signed links", "会话与签名链接的密钥")
    if settings.password_pepper:
        # No generator: a new one breaks every login that was made with the old one, or with none.
        yield SiteVariable(
            "PASSWORD_PEPPER",
            "secret",
            "PASSWORD_PEPPER of the Dify that was here before",
            "此前 Dify 所用的 PASSWORD_PEPPER",
            required=True,
        )
    if settings.init_password:
        # Dify takes 30 characters at most.
        yield _made(
            "INIT_PASSWORD", 24, "Password before the first administrator", "创建首位管理员前需输入的密码"
        )
    if settings.database.mode == "bundled":
        yield _made("DB_PASSWORD", 32, "Password of PostgreSQL", "PostgreSQL 密码")
    if settings.redis.mode == "bundled":
        yield _made("REDIS_PASSWORD", 32, "Password of Redis", "Redis 密码")
    yield from _vector_secrets(settings)
    yield _made("SANDBOX_API_KEY", 32, "Key of the code sandbox", "代码沙箱密钥")
    yield _made("PLUGIN_DAEMON_KEY", 48, "Key of the plugin daemon", "插件守护进程密钥")
    yield _made("PLUGIN_DIFY_INNER_API_KEY", 48, "Key of the API for plugins", "面向插件的内部接口密钥")
    yield _made("DIFY_AGENT_API_TOKEN", 32, "Token of the agent backend", "智能体后端令牌")
    yield _made("DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN", 32, "Token of the agents' sandbox", "智能体沙箱令牌")
    yield SiteVariable(
        "DIFY_AGENT_SERVER_SECRET_KEY",
        "secret",
        "Key of the agents' tokens (base64url of 32 bytes)",
        "智能体令牌的加密密钥 (32 字节的 base64url)",
        required=True,
        # Exactly 32 bytes, or the agent backend refuses to start (issue #39807).
        generator="base64url:32",
        pattern="[A-Za-z0-9_-]{43}",
    )


def _vector_secrets(settings: DifySettings) -> Iterator[SiteVariable]:
    match settings.vector_store:
        case "weaviate":
            yield _made("WEAVIATE_API_KEY", 32, "Key of Weaviate", "Weaviate 密钥")
        case "qdrant":
            yield _made("QDRANT_API_KEY", 32, "Key of Qdrant", "Qdrant 密钥")
        case "pgvector":
            yield _made("PGVECTOR_PASSWORD", 32, "Password of pgvector", "pgvector 密码")
        case "pgvector-shared":
            pass  # the password of the database that it shares
        case "milvus":
            yield _made("MILVUS_PASSWORD", 32, "Password of Milvus", "Milvus 密码")
            yield _made("MINIO_PASSWORD", 32, "Password of Milvus' object storage", "Milvus 对象存储密码")


def _made(name: str, length: int, english: str, chinese: str) -> SiteVariable:
    return SiteVariable(
        name,
        "secret",
        english,
        chinese,
        required=True,
        generator=f"random:{length}",
        pattern="[A-Za-z0-9_-]+",
    )


def _given(name: str, english: str, chinese: str) -> SiteVariable:
    return SiteVariable(name, "secret", english, chinese, required=True, pattern=URL_SAFE)
