from __future__ import annotations

import pytest

from bundler_dify import offline
from tests.support import dify

API = ("api", "api_websocket", "worker", "worker_beat", "migrate")
NOWHERE = "http://offline.invalid"

READS: dict[str, tuple[tuple[str, ...], str]] = {
    # variable -> services that read it, and its value
    "MARKETPLACE_ENABLED": ((*API, "web"), "false"),
    "MARKETPLACE_API_URL": ((*API, "web"), NOWHERE),
    "MARKETPLACE_URL": ((*API, "web"), NOWHERE),
    "CHECK_UPDATE_URL": (API, ""),
    "HOSTED_FETCH_APP_TEMPLATES_MODE": (API, "builtin"),
    "HOSTED_FETCH_PIPELINE_TEMPLATES_MODE": (API, "builtin"),
    "ENABLE_CHECK_UPGRADABLE_PLUGIN_TASK": (API, "false"),
    "CREATORS_PLATFORM_FEATURES_ENABLED": ((*API, "web"), "false"),
    "ENABLE_WEBSITE_JINAREADER": ((*API, "web"), "false"),
    "ENABLE_WEBSITE_FIRECRAWL": ((*API, "web"), "false"),
    "ENABLE_WEBSITE_WATERCRAWL": ((*API, "web"), "false"),
    "ENABLE_EXPLORE_BANNER": (API, "false"),
    "ENABLE_LEARN_APP": ((*API, "web"), "false"),
    "ENABLE_TRIAL_APP": (API, "false"),
    "NEW_USER_DEFAULT_PLUGIN_IDS": (API, ""),
    "FORCE_VERIFYING_SIGNATURE": (("plugin_daemon", *API), "true"),
    "ENFORCE_LANGGENIUS_PLUGIN_SIGNATURES": (("plugin_daemon", *API), "true"),
    "THIRD_PARTY_SIGNATURE_VERIFICATION_ENABLED": (("plugin_daemon",), "false"),
    "THIRD_PARTY_SIGNATURE_VERIFICATION_PUBLIC_KEYS": (("plugin_daemon",), ""),
    "PIP_MIRROR_URL": (("plugin_daemon", "sandbox"), NOWHERE + "/simple"),
    "PIP_EXTRA_ARGS": (("plugin_daemon",), ""),
    "PLUGIN_IGNORE_UV_LOCK": (("plugin_daemon",), "true"),
    "PYTHON_ENV_INIT_TIMEOUT": (("plugin_daemon",), "600"),
    "MAX_PLUGIN_PACKAGE_SIZE": (("plugin_daemon",), "524288000"),
    "PLUGIN_MAX_PACKAGE_SIZE": (API, "524288000"),
    "DISABLE_TELEMETRY": (("weaviate", "plugin_daemon", "agent_backend", "web", *API), "true"),
    "NEXT_TELEMETRY_DISABLED": (("web",), "1"),
    "SCARF_NO_ANALYTICS": ((*API, "web"), "true"),
    "SENTRY_DSN": ((*API, "web", "plugin_daemon"), ""),
    "SENTRY_ENABLED": (("plugin_daemon",), "false"),
    "AMPLITUDE_API_KEY": (("web",), ""),
    "COOKIEYES_SITE_KEY": (("web",), ""),
    "TURNSTILE_SITE_KEY": ((*API, "web"), ""),
    "ENABLE_OTEL": (API, "false"),
    "DIFY_AGENT_TRAJECTORY_ENABLED": (("agent_backend",), "false"),
    "LOGFIRE_CONSOLE": (("agent_backend",), "false"),
    "MAIL_TYPE": (API, ""),
    "ENABLE_NETWORK": (("sandbox",), "true"),
    "SSRF_PROXY_HTTP_URL": (API, "http://ssrf_proxy:3128"),
    "SSRF_PROXY_HTTPS_URL": (API, "http://ssrf_proxy:3128"),
    "PGVECTOR_PG_BIGM": (API, "false"),
    "QDRANT__TELEMETRY_DISABLED": (("qdrant",), "true"),
    "LOGFIRE_SEND_TO_LOGFIRE": (("agent_backend",), "false"),
    "DIFY_AGENT_SANDBOX_METERING_ENABLED": (("agent_backend",), "false"),
    "DO_NOT_TRACK": ((*API, "web", "plugin_daemon", "agent_backend"), "1"),
}
STORES = {"PGVECTOR": "pgvector", "QDRANT": "qdrant"}


@pytest.mark.parametrize("variable", sorted(READS))
def test_every_reader_of_a_variable_gets_it(variable: str) -> None:
    store = STORES.get(variable.partition("_")[0], "weaviate")
    application = dify.model({"vector_store": store})
    services, value = READS[variable]
    for service in services:
        assert dify.environment(application, service).get(variable) == value, service


def test_the_table_covers_every_variable() -> None:
    tables = (
        offline.API,
        offline.WEB,
        offline.AGENT_BACKEND,
        offline.SANDBOX,
        offline.WEAVIATE,
        offline.QDRANT,
    )
    said = {variable for table in (*tables, offline.plugin_daemon(None, None)) for variable in table}
    assert said <= READS.keys()


def test_caches_inside_the_images_are_left_alone() -> None:
    """Section 3.5: the images contain tokenizers and word lists; another folder would be empty."""
    for service in dify.model({}).compose["services"]:
        names = dify.environment(dify.model({}), service)
        assert not {"TIKTOKEN_CACHE_DIR", "NLTK_DATA"} & names.keys()


def test_mail_goes_to_the_sites_relay_or_nowhere() -> None:
    found = dify.environment(dify.model({"smtp": {"security": "tls"}}), "worker")
    assert (found["MAIL_TYPE"], found["SMTP_SERVER"]) == ("smtp", "${SMTP_SERVER}")
    assert (found["SMTP_USE_TLS"], found["SMTP_OPPORTUNISTIC_TLS"]) == ("true", "false")


@pytest.mark.parametrize("case", sorted(dify.MATRIX))
def test_no_address_of_the_internet_is_rendered(case: str) -> None:
    application = dify.model(dify.MATRIX[case])
    for service in application.compose["services"]:
        for variable, value in dify.environment(application, service).items():
            for host in ("dify.ai", "pypi.org", "githubusercontent", "resend.com", "sentry.io"):
                assert host not in value, f"{service}: {variable}"


def test_the_policy_for_unverified_plugins_reaches_daemon_and_api() -> None:
    application = dify.model({"plugin_signatures": {"policy": "unverified"}})
    for service in ("plugin_daemon", "api", "worker"):
        found = dify.environment(application, service)
        assert found["FORCE_VERIFYING_SIGNATURE"] == "false"
        assert found["ENFORCE_LANGGENIUS_PLUGIN_SIGNATURES"] == "false"


def test_an_intranet_index_replaces_the_unreachable_default() -> None:
    index = "http://pypi.bank.example/simple"
    assert dify.environment(dify.model({"plugin_index": index}), "plugin_daemon")["PIP_MIRROR_URL"] == index
