"""The programs: what each must reach to be healthy, and which internet hosts it contacts by default."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from standin import peers
from standin.peers import Refused, ask, check_folder, check_key, need

Checks = dict[str, Callable[[], object]]
STORAGE = "/app/api/storage"
PORTS = {
    "api": 5001,
    "web": 3000,
    "plugin_daemon": 5002,
    "agent_backend": 5050,
    "local_sandbox": 5004,
    "sandbox": 8194,
    "weaviate": 8080,
    "qdrant": 6333,
}
SCHEMA = "standin-1.17.1"
"""Schema version that the migration writes and all other programs expect."""

_MARKETPLACE = {
    "MARKETPLACE_ENABLED": ("false", "marketplace.dify.ai"),
    "CREATORS_PLATFORM_FEATURES_ENABLED": ("false", "creators.dify.ai"),
}
CALLS_OUT: dict[str, dict[str, tuple[str, str]]] = {
    # program: variable -> (value that disables the call, host that is contacted otherwise)
    "api": {
        **_MARKETPLACE,
        "CHECK_UPDATE_URL": ("", "updates.dify.ai"),
        "HOSTED_FETCH_APP_TEMPLATES_MODE": ("builtin", "tmpl.dify.ai"),
        "HOSTED_FETCH_PIPELINE_TEMPLATES_MODE": ("builtin", "tmpl.dify.ai"),
        "ENABLE_CHECK_UPGRADABLE_PLUGIN_TASK": ("false", "marketplace.dify.ai"),
        "NEW_USER_DEFAULT_PLUGIN_IDS": ("", "marketplace.dify.ai"),
        "MAIL_TYPE": ("", "api.resend.com"),
        "ENABLE_WEBSITE_JINAREADER": ("false", "r.jina.ai"),
        "ENABLE_WEBSITE_FIRECRAWL": ("false", "api.firecrawl.dev"),
        "ENABLE_WEBSITE_WATERCRAWL": ("false", "app.watercrawl.dev"),
        "ENABLE_LEARN_APP": ("false", "dify.ai"),
        "ENABLE_OTEL": ("false", "otel.invalid"),
        "SENTRY_DSN": ("", "sentry.io"),
        "SCARF_NO_ANALYTICS": ("true", "scarf.sh"),
    },
    "web": {
        **_MARKETPLACE,
        "NEXT_TELEMETRY_DISABLED": ("1", "telemetry.nextjs.org"),
        "SENTRY_DSN": ("", "sentry.io"),
    },
    "plugin_daemon": {
        "PIP_MIRROR_URL": ("http://offline.invalid/simple", "pypi.org"),
        "SENTRY_ENABLED": ("false", "sentry.io"),
    },
    "agent_backend": {
        "DIFY_AGENT_TRAJECTORY_ENABLED": ("false", "logfire-api.pydantic.dev"),
        "LOGFIRE_CONSOLE": ("false", "logfire-api.pydantic.dev"),
    },
    "sandbox": {"PIP_MIRROR_URL": ("http://offline.invalid/simple", "pypi.org")},
    "weaviate": {"DISABLE_TELEMETRY": ("true", "telemetry.weaviate.io")},
    "qdrant": {"QDRANT__TELEMETRY_DISABLED": ("true", "telemetry.qdrant.io")},
}


def program() -> str:
    """Return the program of this image."""
    return need("VARIANT")


def called_out(name: str) -> dict[str, str]:
    """Return variable -> internet host, for the calls that the variables do not disable."""
    return {
        variable: host
        for variable, (quiet, host) in CALLS_OUT.get(name, {}).items()
        if os.environ.get(variable) != quiet
    }


def checks() -> Checks:
    """Return the checks that must pass for this program to be healthy."""
    return {
        "api": _api,
        "web": _web,
        "plugin_daemon": _plugin_daemon,
        "agent_backend": _agent_backend,
        "local_sandbox": _local_sandbox,
        "sandbox": _sandbox,
        "weaviate": _weaviate,
        "qdrant": _qdrant,
    }[program()]()


def database() -> str:
    """Return the name of Dify's database, or of the plugin daemon's."""
    return need("DB_DATABASE")


def _bearer(name: str) -> tuple[str, str]:
    return "Authorization", f"Bearer {need(name)}"


def _api() -> Checks:
    daemon = f"{need('PLUGIN_DAEMON_URL')}/plugin/health/management/list"
    runs = f"{need('AGENT_BACKEND_BASE_URL')}/runs/x"
    code = f"{need('CODE_EXECUTION_ENDPOINT')}/v1/sandbox/dependencies?language=python3"
    return {
        "postgres": _migrated,
        "redis": lambda: peers.cache().ping(),
        "broker": lambda: peers.by_url("CELERY_BROKER_URL").ping(),
        "storage": lambda: check_folder(STORAGE),
        "secret key": lambda: peers.check_shared("SECRET_KEY"),
        "vector store": _vector_store,
        "plugin daemon": lambda: check_key(daemon, "X-Api-Key", need("PLUGIN_DAEMON_KEY")),
        "agent backend": lambda: check_key(runs, *_bearer("AGENT_BACKEND_API_TOKEN"), expect=404),
        "sandbox": lambda: check_key(code, "X-Api-Key", need("CODE_EXECUTION_API_KEY")),
        # The proxy responds and blocks requests to the databases.
        "proxy": lambda: ask("http://db_postgres:5432/", expect=403, proxy=need("SSRF_PROXY_HTTP_URL")),
    }


def _vector_store() -> None:
    match need("VECTOR_STORE"):
        case "weaviate":
            check_key(f"{need('WEAVIATE_ENDPOINT')}/v1/meta", *_bearer("WEAVIATE_API_KEY"))
        case "qdrant":
            check_key(f"{need('QDRANT_URL')}/collections", "api-key", need("QDRANT_API_KEY"))
        case other:
            raise Refused(f"VECTOR_STORE: {other} has no stand-in")


def _migrated() -> None:
    rows = peers.query(database(), "SELECT version FROM alembic_version")
    if rows != [(SCHEMA,)]:
        raise Refused(f"the database is at {rows}")


def migrate() -> None:
    """Run the migration, which alone changes the schema, while holding a lock in Redis."""
    with peers.cache().lock("db_upgrade_lock", timeout=60):
        _migrate()


def _migrate() -> None:
    peers.query(
        database(),
        "CREATE TABLE IF NOT EXISTS alembic_version (version text PRIMARY KEY);"
        "CREATE TABLE IF NOT EXISTS migrations (at timestamptz DEFAULT now(), container text);"
        "CREATE TABLE IF NOT EXISTS tenants (id uuid PRIMARY KEY, name text, created_at timestamptz);"
        "CREATE TABLE IF NOT EXISTS work (id text PRIMARY KEY, worker text);",
    )
    peers.query(database(), "INSERT INTO migrations (container) VALUES (%s)", os.uname().nodename)
    peers.query(database(), "INSERT INTO alembic_version VALUES (%s) ON CONFLICT DO NOTHING", SCHEMA)


def _web() -> Checks:
    return {"api": lambda: ask(f"{need('SERVER_CONSOLE_API_URL')}/console/api/setup")}


def _plugin_daemon() -> Checks:
    inner = f"{need('DIFY_INNER_API_URL')}/inner/api/invoke"
    return {
        "postgres": _plugin_database,
        "redis": lambda: peers.cache().ping(),
        "storage": lambda: check_folder("/app/storage"),
        "inner API": lambda: check_key(inner, "X-Inner-Api-Key", need("DIFY_INNER_API_KEY")),
        "server key": lambda: need("SERVER_KEY"),
    }


def _plugin_database() -> None:
    first = need("DB_DEFAULT_DATABASE")
    if not peers.query(first, "SELECT 1 FROM pg_database WHERE datname = %s", database()):
        peers.query(first, f'CREATE DATABASE "{database()}"')
    peers.query(database(), "CREATE TABLE IF NOT EXISTS plugins (identifier text PRIMARY KEY)")


def _agent_backend() -> Checks:
    daemon = f"{need('DIFY_AGENT_PLUGIN_DAEMON_URL')}/plugin/health/management/list"
    inner = f"{need('DIFY_AGENT_INNER_API_URL')}/inner/api/invoke"
    shell = f"{need('DIFY_AGENT_LOCAL_SANDBOX_ENDPOINT')}/sessions"
    return {
        "redis": lambda: peers.by_url("DIFY_AGENT_REDIS_URL").ping(),
        "plugin daemon": lambda: check_key(daemon, "X-Api-Key", need("DIFY_AGENT_PLUGIN_DAEMON_API_KEY")),
        "inner API": lambda: check_key(inner, "X-Inner-Api-Key", need("DIFY_AGENT_INNER_API_KEY")),
        "local sandbox": lambda: check_key(shell, *_bearer("DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN")),
        "key of 32 bytes": lambda: peers.check_agent_key("DIFY_AGENT_SERVER_SECRET_KEY"),
        "token": lambda: need("DIFY_AGENT_API_TOKEN"),
    }


def _local_sandbox() -> Checks:
    proxy = need("HTTP_PROXY")
    return {
        "token": lambda: need("SHELLCTL_AUTH_TOKEN"),
        "home": lambda: check_folder("/home/dify"),
        "workspace": lambda: check_folder("/workspace"),
        # Two internal addresses that an agent's shell may reach, and one that it may not.
        "files": lambda: ask("http://api:5001/files/x", proxy=proxy),
        "agent stub": lambda: ask("http://agent_backend:5050/agent-stub/x", proxy=proxy),
        "console": lambda: ask("http://api:5001/console/api/setup", expect=403, proxy=proxy),
    }


def _sandbox() -> Checks:
    return {
        "key": lambda: need("API_KEY"),
        "key in its file": _sandbox_file,
        "dependencies": lambda: check_folder("/dependencies"),
        "proxy": lambda: ask("http://db_postgres:5432/", expect=403, proxy=need("HTTP_PROXY")),
    }


def _sandbox_file() -> None:
    if f'key: "{need("API_KEY")}"' not in Path("/conf/config.yaml").read_text():
        raise Refused("/conf/config.yaml has another key than API_KEY")


def _weaviate() -> Checks:
    return {
        "keys": lambda: need("AUTHENTICATION_APIKEY_ALLOWED_KEYS"),
        "no anonymous access": _no_anonymous,
        "data": lambda: check_folder(need("PERSISTENCE_DATA_PATH")),
    }


def _qdrant() -> Checks:
    return {
        "key": lambda: need("QDRANT__SERVICE__API_KEY"),
        "data": lambda: check_folder("/qdrant/storage"),
    }


def _no_anonymous() -> None:
    if os.environ.get("AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED") != "false":
        raise Refused("anybody may read")
