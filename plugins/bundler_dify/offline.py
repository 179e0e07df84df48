"""Environment variables that prevent Dify from accessing the internet, for the services that read them.

By default, these do: marketplace, update check, templates, crawlers, telemetry, mail, plugin dependencies.
Names below `.invalid` never resolve (RFC 6761 section 6.4), so that remaining calls fail immediately instead
of waiting for packets that a firewall drops (issues #14820, #14864, #36484).
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
    # Agent nodes called it although it was disabled (issue #36484).
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
"""For api, api_websocket, worker, worker_beat and migrate."""

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
    # The API requests network access for each snippet, and the sandbox rejects all of them if this is false.
    # The internal network and the proxy determine what a snippet can reach.
    "ENABLE_NETWORK": "true",
    # Never install packages when it starts: they belong in its image (issue #25733).
    "PIP_MIRROR_URL": NOWHERE + "/simple",
}

WEAVIATE: Final = {"DISABLE_TELEMETRY": "true"}

QDRANT: Final = {"QDRANT__TELEMETRY_DISABLED": "true"}


def plugin_daemon(index: str | None, wheels: str | None) -> dict[str, str]:
    """Return the variables of plugin_daemon, with the sources of plugins' dependencies.

    Args:
        index: Python package index of the intranet.
        wheels: folder with wheels in its container.
    """
    # The only way to pass options to uv, which the daemon starts with a clean environment.
    options = [] if wheels is None else [*([] if index else ["--no-index"]), f"--find-links={wheels}"]
    return {
        # Never empty: otherwise a lock file, with absolute addresses on the internet, takes precedence over
        # requirements.txt (plugin daemon, setup_python_environment).
        "PIP_MIRROR_URL": index or NOWHERE + "/simple",
        "PLUGIN_IGNORE_UV_LOCK": "true",
        "PIP_EXTRA_ARGS": " ".join(options),
        "SENTRY_ENABLED": "false",
        "SENTRY_DSN": "",
        **_QUIET,
    }
