"""Environment variables of Dify's own programs, by service.

`${NAME}` is a site variable. Names and meanings: Dify docs, "Environment Variables", and the variables that
release 1.17.1 passes in its Compose file. Variables that prevent internet access are in `offline.py`.
"""

from __future__ import annotations

from bundler_dify import deployed, offline
from bundler_dify.accounts import account_environment
from bundler_dify.code_packages import agent_mirrors, sandbox_packages
from bundler_dify.connections import (
    CA_FILE,
    Environment,
    api_database,
    api_redis,
    object_storage,
    plugin_database,
    plugin_redis,
    redis_url,
)
from bundler_dify.settings.model import DifySettings
from bundler_dify.vector_stores import vector_environment

PLUGIN_KEYS = "/etc/dify/plugin-keys"
WHEELS = "/etc/dify/plugin-wheels"
"""Folder in which the plugin daemon finds wheels for packages that are carried unchanged."""


def base_url(settings: DifySettings, scheme: str = "http") -> str:
    """Return the URL of Dify in browsers, always with a port: only the site knows if it is the default one.

    Args:
        settings: determine whether TLS is used.
        scheme: `http` or `ws`, without the `s`.
    """
    match settings.tls.mode:
        case "off":
            return f"{scheme}://${{SERVER_NAME}}:${{HTTP_PORT}}"
        case "own":
            return f"{scheme}s://${{SERVER_NAME}}:${{HTTPS_PORT}}"
        case "upstream":
            return f"{scheme}s://${{SERVER_NAME}}:${{PUBLIC_PORT}}"


def api_environment(settings: DifySettings) -> Environment:
    """Return the variables that api, api_websocket, worker, worker_beat and migrate share."""
    return {
        "DEPLOY_ENV": "PRODUCTION",
        "DEBUG": "false",
        "FLASK_DEBUG": "false",
        "LOG_LEVEL": "INFO",
        "LOG_TZ": "UTC",
        # Only the job `migrate` sets this; otherwise every container would migrate (Dify's entrypoint).
        "MIGRATION_ENABLED": "false",
        "SECRET_KEY": "${SECRET_KEY}",
        **({"INIT_PASSWORD": "${INIT_PASSWORD}"} if settings.init_password else {}),
        **({"PASSWORD_PEPPER": "${PASSWORD_PEPPER}"} if settings.password_pepper else {}),
        **_urls(settings),
        **api_database(settings),
        **api_redis(settings),
        **object_storage(settings),
        **vector_environment(settings),
        **_plugins_and_agents(settings),
        **_limits(settings),
        **_mail(settings),
        **account_environment(settings),
        **certificates(settings),
        **deployed.API,
        **offline.API,
    }


def _urls(settings: DifySettings) -> Environment:
    base = base_url(settings)
    # Browsers omit a default port in `Origin`, so both forms are allowed.
    origins = f"{base},{base.rpartition(':')[0]}"
    return {
        # If empty, the page's origin. With TLS it is set, because it determines whether cookies are `Secure`.
        "CONSOLE_API_URL": "" if settings.tls.mode == "off" else base,
        "CONSOLE_WEB_URL": base,
        "SERVICE_API_URL": base,
        "APP_API_URL": "",
        "APP_WEB_URL": base,
        "FILES_URL": base,
        # Plugins and workers fetch files internally, where the external name may not resolve.
        "INTERNAL_FILES_URL": "http://api:5001",
        "TRIGGER_URL": base,
        "ENDPOINT_URL_TEMPLATE": base + "/e/{hook_id}",
        "CONSOLE_CORS_ALLOW_ORIGINS": origins,
        "WEB_API_CORS_ALLOW_ORIGINS": origins,
    }


def _plugins_and_agents(settings: DifySettings) -> Environment:
    return {
        "PLUGIN_DAEMON_URL": "http://plugin_daemon:5002",
        "PLUGIN_DAEMON_KEY": "${PLUGIN_DAEMON_KEY}",
        "PLUGIN_DAEMON_TIMEOUT": f"{settings.timeouts.plugin}.0",
        "PLUGIN_MAX_PACKAGE_SIZE": _megabytes(settings.uploads.plugin_mb),
        "INNER_API_KEY_FOR_PLUGIN": "${PLUGIN_DIFY_INNER_API_KEY}",
        **_signatures(settings),
        # The debugging port is not published.
        "PLUGIN_REMOTE_INSTALL_HOST": "localhost",
        "PLUGIN_REMOTE_INSTALL_PORT": "5003",
        "AGENT_BACKEND_BASE_URL": "http://agent_backend:5050",
        "AGENT_BACKEND_API_TOKEN": "${DIFY_AGENT_API_TOKEN}",
        "CODE_EXECUTION_ENDPOINT": "http://sandbox:8194",
        "CODE_EXECUTION_API_KEY": "${SANDBOX_API_KEY}",
        "CODE_EXECUTION_CONNECT_TIMEOUT": "10",
        "CODE_EXECUTION_READ_TIMEOUT": str(max(60, settings.timeouts.code + 10)),
        "CODE_EXECUTION_WRITE_TIMEOUT": "10",
        "SSRF_PROXY_HTTP_URL": "http://ssrf_proxy:3128",
        "SSRF_PROXY_HTTPS_URL": "http://ssrf_proxy:3128",
    }


def _signatures(settings: DifySettings) -> Environment:
    value = "false" if settings.plugin_signatures.policy == "unverified" else "true"
    # The second rejects repackaged plugins of Dify itself even if the first is false (issue #29620).
    return {"FORCE_VERIFYING_SIGNATURE": value, "ENFORCE_LANGGENIUS_PLUGIN_SIGNATURES": value}


def _limits(settings: DifySettings) -> Environment:
    uploads, timeouts = settings.uploads, settings.timeouts
    seconds = str(timeouts.http_request)
    return {
        "UPLOAD_FILE_SIZE_LIMIT": str(uploads.file_mb),
        "UPLOAD_IMAGE_FILE_SIZE_LIMIT": str(uploads.image_mb),
        "UPLOAD_AUDIO_FILE_SIZE_LIMIT": str(uploads.audio_mb),
        "UPLOAD_VIDEO_FILE_SIZE_LIMIT": str(uploads.video_mb),
        "APP_MAX_EXECUTION_TIME": str(timeouts.execution),
        "WORKFLOW_MAX_EXECUTION_TIME": str(timeouts.execution),
        "GUNICORN_TIMEOUT": str(timeouts.request),
        "SSRF_DEFAULT_TIME_OUT": seconds,
        "SSRF_DEFAULT_CONNECT_TIME_OUT": "10",
        "SSRF_DEFAULT_READ_TIME_OUT": seconds,
        "SSRF_DEFAULT_WRITE_TIME_OUT": seconds,
        "HTTP_REQUEST_MAX_CONNECT_TIMEOUT": "10",
        "HTTP_REQUEST_MAX_READ_TIMEOUT": str(max(timeouts.http_request, 60)),
        "HTTP_REQUEST_MAX_WRITE_TIMEOUT": str(max(timeouts.http_request, 60)),
    }


def _mail(settings: DifySettings) -> Environment:
    smtp = settings.smtp
    if smtp is None:
        # Set, because the default is a service on the internet.
        return {"MAIL_TYPE": ""}
    return {
        "MAIL_TYPE": "smtp",
        "MAIL_DEFAULT_SEND_FROM": "${MAIL_DEFAULT_SEND_FROM}",
        "SMTP_SERVER": "${SMTP_SERVER}",
        "SMTP_PORT": "${SMTP_PORT}",
        "SMTP_USERNAME": "${SMTP_USERNAME}" if smtp.login else "",
        "SMTP_PASSWORD": "${SMTP_PASSWORD}" if smtp.login else "",
        "SMTP_USE_TLS": "false" if smtp.security == "none" else "true",
        "SMTP_OPPORTUNISTIC_TLS": "true" if smtp.security == "starttls" else "false",
    }


def certificates(settings: DifySettings) -> Environment:
    """Return the variables that set the site's own authorities for OpenSSL, requests and curl, if any."""
    if not settings.ca_certificates:
        return {}
    return dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), CA_FILE)


def web_environment(settings: DifySettings) -> Environment:
    """Return the variables of the service web."""
    return {
        "CONSOLE_API_URL": "" if settings.tls.mode == "off" else base_url(settings),
        "SERVER_CONSOLE_API_URL": "http://api:5001",
        "APP_API_URL": "" if settings.tls.mode == "off" else base_url(settings),
        "NEXT_PUBLIC_SOCKET_URL": base_url(settings, "ws"),
        "NEXT_PUBLIC_COOKIE_DOMAIN": "",
        "TEXT_GENERATION_TIMEOUT_MS": str(settings.timeouts.text_generation * 1000),
        "ALLOW_EMBED": "true" if settings.gateway.allow_embedding else "false",
        "ALLOW_UNSAFE_DATA_SCHEME": "false",
        "CSP_WHITELIST": "",
        **deployed.WEB,
        **offline.WEB,
    }


def plugin_daemon_environment(settings: DifySettings) -> Environment:
    """Return the variables of the service plugin_daemon."""
    signatures = settings.plugin_signatures
    keys = ",".join(f"{PLUGIN_KEYS}/{index}.pem" for index, _ in enumerate(signatures.public_keys))
    return {
        **plugin_database(settings),
        **plugin_redis(settings),
        "SERVER_PORT": "5002",
        "SERVER_KEY": "${PLUGIN_DAEMON_KEY}",
        "DIFY_INNER_API_URL": "http://api:5001",
        "DIFY_INNER_API_KEY": "${PLUGIN_DIFY_INNER_API_KEY}",
        "MAX_PLUGIN_PACKAGE_SIZE": _megabytes(settings.uploads.plugin_mb),
        "PLUGIN_MAX_EXECUTION_TIMEOUT": str(settings.timeouts.plugin),
        "PYTHON_ENV_INIT_TIMEOUT": str(settings.timeouts.plugin_install),
        "PPROF_ENABLED": "false",
        "PLUGIN_REMOTE_INSTALLING_ENABLED": "false",
        "PLUGIN_REMOTE_INSTALLING_HOST": "127.0.0.1",
        "PLUGIN_REMOTE_INSTALLING_PORT": "5003",
        "PLUGIN_STORAGE_TYPE": "local",
        "PLUGIN_STORAGE_LOCAL_ROOT": "/app/storage",
        "PLUGIN_INSTALLED_PATH": "plugin",
        "PLUGIN_PACKAGE_CACHE_PATH": "plugin_packages",
        "PLUGIN_MEDIA_CACHE_PATH": "assets",
        # On the same volume, because plugins' environments cannot be recreated without internet access.
        "PLUGIN_WORKING_PATH": "/app/storage/cwd",
        **_signatures(settings),
        "THIRD_PARTY_SIGNATURE_VERIFICATION_ENABLED": "true" if keys else "false",
        "THIRD_PARTY_SIGNATURE_VERIFICATION_PUBLIC_KEYS": keys,
        **certificates(settings),
        **offline.plugin_daemon(
            settings.plugin_index or settings.mirrors.pip, WHEELS if settings.carries_plugins else None
        ),
    }


def agent_backend_environment(settings: DifySettings) -> Environment:
    """Return the variables of the service agent_backend."""
    return {
        "DIFY_AGENT_REDIS_URL": redis_url(settings, 2),
        "DIFY_AGENT_PLUGIN_DAEMON_URL": "http://plugin_daemon:5002",
        "DIFY_AGENT_PLUGIN_DAEMON_API_KEY": "${PLUGIN_DAEMON_KEY}",
        "DIFY_AGENT_INNER_API_URL": "http://api:5001",
        "DIFY_AGENT_INNER_API_KEY": "${PLUGIN_DIFY_INNER_API_KEY}",
        "DIFY_AGENT_RUNTIME_BACKEND": "local",
        "DIFY_AGENT_LOCAL_SANDBOX_ENDPOINT": "http://local_sandbox:5004",
        "DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN": "${DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN}",
        "DIFY_AGENT_STUB_API_BASE_URL": "http://agent_backend:5050/agent-stub",
        "DIFY_AGENT_SANDBOX_FILES_BASE_URL": "http://api:5001",
        "DIFY_AGENT_SERVER_SECRET_KEY": "${DIFY_AGENT_SERVER_SECRET_KEY}",
        "DIFY_AGENT_API_TOKEN": "${DIFY_AGENT_API_TOKEN}",
        "DIFY_AGENT_RUN_TIMEOUT_SECONDS": str(settings.timeouts.execution),
        "DIFY_AGENT_OUTBOUND_HTTP_READ_TIMEOUT": str(settings.timeouts.plugin),
        **certificates(settings),
        **offline.AGENT_BACKEND,
    }


def local_sandbox_environment(settings: DifySettings) -> Environment:
    """Return the variables of the service local_sandbox."""
    return {
        "SHELLCTL_AUTH_TOKEN": "${DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN}",
        "HTTP_PROXY": "http://agent_ssrf_proxy:3128",
        "HTTPS_PROXY": "http://agent_ssrf_proxy:3128",
        "NO_PROXY": "localhost,127.0.0.1",
        **certificates(settings),
        **agent_mirrors(settings),
    }


def sandbox_environment(settings: DifySettings) -> Environment:
    """Return the variables of the service sandbox."""
    return {
        "API_KEY": "${SANDBOX_API_KEY}",
        "GIN_MODE": "release",
        "SANDBOX_PORT": "8194",
        "WORKER_TIMEOUT": str(settings.timeouts.code),
        "HTTP_PROXY": "http://ssrf_proxy:3128",
        "HTTPS_PROXY": "http://ssrf_proxy:3128",
        **offline.SANDBOX,
        **sandbox_packages(settings),
    }


def _megabytes(count: int) -> str:
    return str(count * 2**20)
