"""What keeps Dify from reaching for the internet, at the service that reads it.

Defaults that call out: marketplace, update check, templates, crawlers, telemetry, mail, plugin dependencies.
A name below `.invalid` resolves nowhere (RFC 6761 section 6.4), so that what is called nevertheless fails at
once instead of waiting for packets that a firewall drops (issues #14820, #14864, #36484).
"""

from __future__ import annotations

from typing import Final

NOWHERE: Final = "http://offline.invalid"

_QUIET: Final = {
    "DO_NOT_TRACK": "1",
    "DISABLE_TELEMETRY": "true",
    "SCARF_NO_ANALYTICS": "true",
}

_MARKETPLACE: Final = {
    "MARKETPLACE_ENABLED": "false",
    # Agent nodes called it although it was switched off (issue #36484).
    "MARKETPLACE_API_URL": NOWHERE,
    "MARKETPLACE_URL": NOWHERE,
    "CREATORS_PLATFORM_FEATURES_ENABLED": "false",
    "ENABLE_WEBSITE_JINAREADER": "false",
    "ENABLE_WEBSITE_FIRECRAWL": "false",
    "ENABLE_WEBSITE_WATERCRAWL": "false",
}

API: Final = {
    **_MARKETPLACE,
    "CHECK_UPDATE_URL": "",
    "HOSTED_FETCH_APP_TEMPLATES_MODE": "builtin",
    "HOSTED_FETCH_PIPELINE_TEMPLATES_MODE": "builtin",
    "ENABLE_CHECK_UPGRADABLE_PLUGIN_TASK": "false",
    "ENABLE_EXPLORE_BANNER": "false",
    "ENABLE_LEARN_APP": "false",
    "ENABLE_TRIAL_APP": "false",
    "NEW_USER_DEFAULT_PLUGIN_IDS": "",
    "SENTRY_DSN": "",
    "ENABLE_OTEL": "false",
    "TURNSTILE_SITE_KEY": "",
    **_QUIET,
}
"""api, api_websocket, worker, worker_beat, migrate."""

WEB: Final = {
    **_MARKETPLACE,
    "NEXT_TELEMETRY_DISABLED": "1",
    "SENTRY_DSN": "",
    "AMPLITUDE_API_KEY": "",
    "COOKIEYES_SITE_KEY": "",
    "TURNSTILE_SITE_KEY": "",
    "ENABLE_LEARN_APP": "false",
    **_QUIET,
}

AGENT_BACKEND: Final = {
    "DIFY_AGENT_TRAJECTORY_ENABLED": "false",
    "LOGFIRE_CONSOLE": "false",
    "LOGFIRE_SEND_TO_LOGFIRE": "false",
    "DIFY_AGENT_SANDBOX_METERING_ENABLED": "false",
    **_QUIET,
}

SANDBOX: Final = {
    # The API asks for it with every snippet, and the sandbox refuses all of them where this is false. What a
    # snippet reaches is the internal network's and the proxy's affair.
    "ENABLE_NETWORK": "true",
    # Packages are never installed when it starts: they belong into its image (issue #25733).
    "PIP_MIRROR_URL": NOWHERE + "/simple",
}

WEAVIATE: Final = {"DISABLE_TELEMETRY": "true"}

QDRANT: Final = {"QDRANT__TELEMETRY_DISABLED": "true"}


def plugin_daemon(index: str | None, wheels: str | None) -> dict[str, str]:
    """plugin_daemon: where it installs plugins' dependencies from.

    Args:
        index: an intranet's Python package index.
        wheels: a folder of its container that has wheels.
    """
    # The only way to hand options to uv, which it starts with a clean environment.
    options = [] if wheels is None else [*([] if index else ["--no-index"]), f"--find-links={wheels}"]
    return {
        # Not empty in any case: only then requirements.txt is preferred to a lock file, which holds
        # absolute addresses in the internet (plugin daemon, setup_python_environment).
        "PIP_MIRROR_URL": index or NOWHERE + "/simple",
        "PLUGIN_IGNORE_UV_LOCK": "true",
        "PIP_EXTRA_ARGS": " ".join(options),
        "SENTRY_ENABLED": "false",
        "SENTRY_DSN": "",
        **_QUIET,
    }
