from __future__ import annotations

import re
from pathlib import Path

import pytest

from bundler.api.application import ApplicationModel
from tests.support import dify

LINKED = {
    # variable -> its places: service, variable, and the text around it
    "SECRET_KEY": [
        ("api", "SECRET_KEY", "{}"),
        ("api_websocket", "SECRET_KEY", "{}"),
        ("worker", "SECRET_KEY", "{}"),
        ("worker_beat", "SECRET_KEY", "{}"),
        ("migrate", "SECRET_KEY", "{}"),
    ],
    "DB_PASSWORD": [
        ("db_postgres", "POSTGRES_PASSWORD", "{}"),
        ("api", "DB_PASSWORD", "{}"),
        ("worker", "DB_PASSWORD", "{}"),
        ("migrate", "DB_PASSWORD", "{}"),
        ("plugin_daemon", "DB_PASSWORD", "{}"),
    ],
    "REDIS_PASSWORD": [
        ("redis", "REDISCLI_AUTH", "{}"),
        ("api", "REDIS_PASSWORD", "{}"),
        ("plugin_daemon", "REDIS_PASSWORD", "{}"),
        ("api", "CELERY_BROKER_URL", "redis://:{}@redis:6379/1"),
        ("worker", "CELERY_BROKER_URL", "redis://:{}@redis:6379/1"),
        ("worker_beat", "CELERY_BROKER_URL", "redis://:{}@redis:6379/1"),
        ("agent_backend", "DIFY_AGENT_REDIS_URL", "redis://:{}@redis:6379/2"),
    ],
    "WEAVIATE_API_KEY": [
        ("api", "WEAVIATE_API_KEY", "{}"),
        ("worker", "WEAVIATE_API_KEY", "{}"),
        ("weaviate", "AUTHENTICATION_APIKEY_ALLOWED_KEYS", "{}"),
    ],
    "SANDBOX_API_KEY": [
        ("sandbox", "API_KEY", "{}"),
        ("api", "CODE_EXECUTION_API_KEY", "{}"),
        ("worker", "CODE_EXECUTION_API_KEY", "{}"),
    ],
    "PLUGIN_DAEMON_KEY": [
        ("plugin_daemon", "SERVER_KEY", "{}"),
        ("api", "PLUGIN_DAEMON_KEY", "{}"),
        ("worker", "PLUGIN_DAEMON_KEY", "{}"),
        ("agent_backend", "DIFY_AGENT_PLUGIN_DAEMON_API_KEY", "{}"),
    ],
    "PLUGIN_DIFY_INNER_API_KEY": [
        ("plugin_daemon", "DIFY_INNER_API_KEY", "{}"),
        ("api", "INNER_API_KEY_FOR_PLUGIN", "{}"),
        ("worker", "INNER_API_KEY_FOR_PLUGIN", "{}"),
        ("agent_backend", "DIFY_AGENT_INNER_API_KEY", "{}"),
    ],
    "DIFY_AGENT_API_TOKEN": [
        ("agent_backend", "DIFY_AGENT_API_TOKEN", "{}"),
        ("api", "AGENT_BACKEND_API_TOKEN", "{}"),
        ("worker", "AGENT_BACKEND_API_TOKEN", "{}"),
    ],
    "DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN": [
        ("agent_backend", "DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN", "{}"),
        ("local_sandbox", "SHELLCTL_AUTH_TOKEN", "{}"),
    ],
    "DIFY_AGENT_SERVER_SECRET_KEY": [("agent_backend", "DIFY_AGENT_SERVER_SECRET_KEY", "{}")],
    "INIT_PASSWORD": [("api", "INIT_PASSWORD", "{}")],
}
STORES = {
    "qdrant": [
        ("QDRANT_API_KEY", "qdrant", "QDRANT__SERVICE__API_KEY"),
        ("QDRANT_API_KEY", "api", "QDRANT_API_KEY"),
    ],
    "pgvector": [
        ("PGVECTOR_PASSWORD", "pgvector", "POSTGRES_PASSWORD"),
        ("PGVECTOR_PASSWORD", "worker", "PGVECTOR_PASSWORD"),
    ],
    "pgvector-shared": [
        ("DB_PASSWORD", "db_postgres", "POSTGRES_PASSWORD"),
        ("DB_PASSWORD", "worker", "PGVECTOR_PASSWORD"),
    ],
    "milvus": [
        ("MILVUS_PASSWORD", "milvus", "COMMON_SECURITY_DEFAULTROOTPASSWORD"),
        ("MILVUS_PASSWORD", "api", "MILVUS_PASSWORD"),
        ("MINIO_PASSWORD", "minio", "MINIO_ROOT_PASSWORD"),
        ("MINIO_PASSWORD", "milvus", "MINIO_SECRET_ACCESS_KEY"),
    ],
}


OPTIONAL = {"REDIS_SENTINEL_PASSWORD"}
"""Passwords of servers that often have none."""


def everything(application: ApplicationModel) -> str:
    return "\n".join(dify.tree(application).values())


@pytest.mark.parametrize("name", dify.NAMES)
@pytest.mark.parametrize("secret", sorted(dify.PUBLISHED))
def test_no_published_secret_is_in_a_profile(name: str, secret: str) -> None:
    assert secret not in everything(dify.profile_model(name))


@pytest.mark.parametrize("case", sorted(dify.MATRIX))
def test_no_published_secret_is_rendered(case: str) -> None:
    text = everything(dify.model(dify.MATRIX[case]))
    assert not [secret for secret in dify.PUBLISHED if secret in text]
    assert dify.SANDBOX_DEFAULT.findall(text) == []


@pytest.mark.parametrize("secret", sorted(LINKED))
def test_shared_secrets_have_one_value(secret: str, tmp_path: Path) -> None:
    application = dify.model({})
    values = dify.site_values(application, tmp_path)
    for service, variable, shape in LINKED[secret]:
        found = dify.fill(dify.environment(application, service)[variable], values)
        assert found == shape.format(values[secret]), f"{service}: {variable}"


@pytest.mark.parametrize("store", sorted(STORES))
def test_a_vector_store_and_its_clients_agree(store: str) -> None:
    application = dify.model({"vector_store": store})
    for secret, service, variable in STORES[store]:
        assert dify.environment(application, service)[variable] == f"${{{secret}}}"


def test_the_sandbox_has_its_key_in_the_file_too() -> None:
    application = dify.model({})
    file = next(file for file in application.files if file.path == "sandbox/config.yaml")
    assert 'key: "@@SANDBOX_API_KEY@@"' in dify.content(application, file.path)
    assert (file.mode, file.template) == (0o600, "yaml")


def test_redis_asks_for_the_password_that_its_clients_have() -> None:
    command = dify.model({}).compose["services"]["redis"]["command"]
    assert command[command.index("--requirepass") + 1] == "${REDIS_PASSWORD}"


@pytest.mark.parametrize("case", sorted(dify.MATRIX))
def test_secrets_are_made_at_the_site_of_characters_that_urls_take(case: str) -> None:
    for variable in dify.model(dify.MATRIX[case]).variables:
        if variable.kind != "secret":
            continue
        assert variable.default is None
        if variable.generator is None:  # a password of the site's own server
            assert variable.required or variable.name in OPTIONAL, variable.name
        else:
            assert re.fullmatch(r"random:(2[4-9]|[3-9]\d)|base64url:32", variable.generator), variable.name
    key = {v.name: v for v in dify.model({}).variables}["DIFY_AGENT_SERVER_SECRET_KEY"]
    assert key.generator == "base64url:32"


def test_the_password_of_the_first_page_is_short_enough() -> None:
    variable = {v.name: v for v in dify.model({}).variables}["INIT_PASSWORD"]
    assert int(str(variable.generator).partition(":")[2]) <= 30


def test_a_given_password_that_would_break_a_url_is_refused() -> None:
    application = dify.model({"redis": {"mode": "external"}, "database": {"mode": "external"}})
    for name in ("REDIS_PASSWORD", "DB_PASSWORD"):
        pattern = next(v.pattern for v in application.variables if v.name == name)
        assert pattern
        assert re.fullmatch(pattern, "A-good_one.1~")
        assert not [bad for bad in "/+@:$# '%" if re.fullmatch(pattern, f"a{bad}b")]


@pytest.mark.parametrize("case", sorted(dify.MATRIX))
def test_every_variable_is_declared_and_used(case: str) -> None:
    application = dify.model(dify.MATRIX[case])
    declared = {variable.name for variable in application.variables}
    read_by_the_installer = {"TLS_CERTIFICATE", "TLS_KEY", "TLS_SELF_SIGNED"}
    assert dify.used_variables(application) == declared - read_by_the_installer


@pytest.mark.parametrize("case", sorted(dify.MATRIX))
def test_prompts_are_in_both_languages(case: str) -> None:
    for variable in dify.model(dify.MATRIX[case]).variables:
        assert variable.prompt is not None, variable.name
        assert re.search(r"[\u4e00-\u9fff]", variable.prompt.get("zh") or ""), variable.name
