"""Site variables: values that only the site knows, and secrets that are generated there.

A secret that several services share is one site variable, used in the Compose document wherever it is
required (`environment.py`), so that its values cannot differ. All secrets consist of `A-Za-z0-9_-`, because
some are used in URLs (`CELERY_BROKER_URL`, `DIFY_AGENT_REDIS_URL`) and Compose reads `$` as a variable.
"""

from __future__ import annotations

from collections.abc import Iterator

from bundler.api.text import Text
from bundler.api.variable import SiteVariable
from bundler_dify.accounts import account_variables
from bundler_dify.settings.model import DifySettings
from bundler_dify.site_servers import server_variables


def site_variables(settings: DifySettings) -> tuple[SiteVariable, ...]:
    """Return the variables that the installer asks for, reads from the answers file or generates."""
    found = (
        *_gateway(settings),
        *server_variables(settings),
        *_smtp(settings),
        *account_variables(settings),
        *_secrets(settings),
    )
    return tuple(each.model_copy(update={"ask": each.prompt is not None}) for each in found)


def _gateway(settings: DifySettings) -> Iterator[SiteVariable]:
    secure = settings.tls.mode != "off"
    yield SiteVariable(
        name="SERVER_NAME",
        kind="host",
        prompt=Text(en="Host name that browsers open Dify by", zh="浏览器访问 Dify 使用的主机名"),
        required=True,
        # Certificates and links in mails contain it, so guessing it is only acceptable for trials.
        generator=None if secure else "fqdn",
    )
    yield SiteVariable(
        name="LISTEN_ADDRESS",
        kind="host",
        prompt=Text(
            en="Address of this server that the gateway listens on (0.0.0.0: all)",
            zh="网关监听的本机地址 (0.0.0.0 表示全部)",
        ),
        default="0.0.0.0",  # noqa: S104 the network must reach the gateway
    )
    yield SiteVariable(
        name="HTTP_PORT", kind="port", prompt=Text(en="Port for HTTP", zh="HTTP 端口"), default="80"
    )
    if settings.tls.mode == "own":
        yield SiteVariable(
            name="HTTPS_PORT", kind="port", prompt=Text(en="Port for HTTPS", zh="HTTPS 端口"), default="443"
        )
        yield SiteVariable(
            name="TLS_CERTIFICATE",
            kind="path",
            prompt=Text(
                en="Certificate of the server with its chain (PEM file); empty if self-signed",
                zh="服务器证书及证书链 (PEM 文件), 自签名时留空",
            ),
        )
        yield SiteVariable(
            name="TLS_KEY",
            kind="path",
            prompt=Text(
                en="Private key of the certificate (PEM file); empty if self-signed",
                zh="证书私钥 (PEM 文件), 自签名时留空",
            ),
        )
        yield SiteVariable(
            name="TLS_SELF_SIGNED",
            kind="boolean",
            prompt=Text(
                en="Make a self-signed certificate here (true or false)",
                zh="在本机生成自签名证书 (true 或 false)",
            ),
            default="false",
        )
    if settings.tls.mode == "upstream":
        yield SiteVariable(
            name="PUBLIC_PORT",
            kind="port",
            prompt=Text(en="Port of the load balancer that speaks HTTPS", zh="前置负载均衡器的 HTTPS 端口"),
            default="443",
        )


def _smtp(settings: DifySettings) -> Iterator[SiteVariable]:
    if settings.smtp is None:
        return
    port = {"none": "25", "starttls": "587", "tls": "465"}[settings.smtp.security]
    yield SiteVariable(
        name="SMTP_SERVER", kind="host", prompt=Text(en="Mail relay", zh="邮件中继服务器"), required=True
    )
    yield SiteVariable(
        name="SMTP_PORT",
        kind="port",
        prompt=Text(en="Port of the mail relay", zh="邮件中继端口"),
        default=port,
    )
    yield SiteVariable(
        name="MAIL_DEFAULT_SEND_FROM",
        kind="string",
        prompt=Text(en="Sender of Dify's mails", zh="Dify 邮件的发件人地址"),
        required=True,
        pattern="[^ @]+@[^ @]+",
    )
    if settings.smtp.login:
        yield SiteVariable(
            name="SMTP_USERNAME",
            kind="string",
            prompt=Text(en="User of the mail relay", zh="邮件中继用户"),
            required=True,
        )
        yield SiteVariable(
            name="SMTP_PASSWORD",
            kind="secret",
            prompt=Text(en="Password of the mail relay", zh="邮件中继密码"),
            required=True,
        )


def _secrets(settings: DifySettings) -> Iterator[SiteVariable]:
    # Always set, because each container generates its own key if it is empty (issue #39422).
    # It is not used in URLs, and an existing key of another form (`openssl rand -base64 42`) must be kept.
    yield _made(
        "SECRET_KEY",
        48,
        Text(en="Key of sessions and signed links", zh="会话与签名链接的密钥"),
        pattern="[!-~]+",
    )
    if settings.password_pepper:
        # No generator: a new pepper breaks all passwords that were stored with another one or without.
        yield SiteVariable(
            name="PASSWORD_PEPPER",
            kind="secret",
            prompt=Text(
                en="PASSWORD_PEPPER of the Dify that was here before", zh="此前 Dify 所用的 PASSWORD_PEPPER"
            ),
            required=True,
        )
    if settings.init_password:
        # Dify accepts at most 30 characters.
        yield _made(
            "INIT_PASSWORD",
            24,
            Text(en="Password before the first administrator", zh="创建首位管理员前需输入的密码"),
        )
    if settings.database.mode == "bundled":
        name = "MySQL" if settings.database.type == "mysql" else "PostgreSQL"
        yield _made("DB_PASSWORD", 32, Text(en=f"Password of {name}", zh=f"{name} 密码"))
    if settings.redis.mode == "bundled":
        yield _made("REDIS_PASSWORD", 32, Text(en="Password of Redis", zh="Redis 密码"))
    elif settings.redis.runs_here:
        yield _made(
            "LOCAL_REDIS_PASSWORD", 32, Text(en="Password of the bundled Redis", zh="内置 Redis 的密码")
        )
    if settings.vector_server.mode == "bundled":
        yield from _vector_secrets(settings)
    yield _made("SANDBOX_API_KEY", 32, Text(en="Key of the code sandbox", zh="代码沙箱密钥"))
    yield _made("PLUGIN_DAEMON_KEY", 48, Text(en="Key of the plugin daemon", zh="插件守护进程密钥"))
    yield _made(
        "PLUGIN_DIFY_INNER_API_KEY", 48, Text(en="Key of the API for plugins", zh="面向插件的内部接口密钥")
    )
    yield _made("DIFY_AGENT_API_TOKEN", 32, Text(en="Token of the agent backend", zh="智能体后端令牌"))
    yield _made(
        "DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN",
        32,
        Text(en="Token of the agents' sandbox", zh="智能体沙箱令牌"),
    )
    yield SiteVariable(
        name="DIFY_AGENT_SERVER_SECRET_KEY",
        kind="secret",
        prompt=Text(
            en="Key of the agents' tokens (base64url of 32 bytes)",
            zh="智能体令牌的加密密钥 (32 字节的 base64url)",
        ),
        required=True,
        # Exactly 32 bytes, otherwise the agent backend refuses to start (issue #39807).
        generator="base64url:32",
        pattern="[A-Za-z0-9_-]{43}",
    )


def _vector_secrets(settings: DifySettings) -> Iterator[SiteVariable]:
    match settings.vector_store:
        case "weaviate":
            yield _made("WEAVIATE_API_KEY", 32, Text(en="Key of Weaviate", zh="Weaviate 密钥"))
        case "qdrant":
            yield _made("QDRANT_API_KEY", 32, Text(en="Key of Qdrant", zh="Qdrant 密钥"))
        case "pgvector":
            yield _made("PGVECTOR_PASSWORD", 32, Text(en="Password of pgvector", zh="pgvector 密码"))
        case "pgvector-shared":
            pass  # it uses the password of the database that it shares
        case "milvus":
            yield _made("MILVUS_PASSWORD", 32, Text(en="Password of Milvus", zh="Milvus 密码"))
            yield _made(
                "MINIO_PASSWORD", 32, Text(en="Password of Milvus' object storage", zh="Milvus 对象存储密码")
            )
        case "elasticsearch":
            yield _made(
                "ELASTICSEARCH_PASSWORD", 32, Text(en="Password of Elasticsearch", zh="Elasticsearch 密码")
            )
        case "opensearch":
            yield _made("OPENSEARCH_PASSWORD", 32, Text(en="Password of OpenSearch", zh="OpenSearch 密码"))


def _made(name: str, length: int, prompt: Text, pattern: str = "[A-Za-z0-9_-]+") -> SiteVariable:
    return SiteVariable(
        name=name,
        kind="secret",
        prompt=prompt,
        required=True,
        generator=f"random:{length}",
        pattern=pattern,
    )
