"""Environment and site variables of accounts, sessions and retention.

Names, meanings and defaults: langgenius/dify, api/configs/feature (LoginConfig, AuthConfig,
WorkflowLogConfig). A provider is enabled if its ID and secret are set (controllers/console/auth/oauth.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bundler.api.text import Text
from bundler.api.variable import SiteVariable
from bundler_dify.connections import Environment
from bundler_dify.settings.model import DifySettings

_TITLES: Final = {"github": "GitHub", "google": "Google"}


def account_environment(settings: DifySettings) -> Environment:
    """Return the variables that api, api_websocket, worker, worker_beat and migrate share."""
    accounts = settings.accounts
    return {
        "ALLOW_REGISTER": _word(accounts.sign_up),
        "ALLOW_CREATE_WORKSPACE": _word(accounts.create_workspaces),
        "ENABLE_EMAIL_CODE_LOGIN": _word(accounts.email_code),
        "ENABLE_SOCIAL_OAUTH_LOGIN": _word(bool(accounts.oauth)),
        **{
            f"{provider.upper()}_CLIENT_{part}": f"${{{provider.upper()}_CLIENT_{part}}}"
            for provider in dict.fromkeys(accounts.oauth)
            for part in ("ID", "SECRET")
        },
        "ACCESS_TOKEN_EXPIRE_MINUTES": str(accounts.access_token_minutes),
        "REFRESH_TOKEN_EXPIRE_DAYS": str(accounts.refresh_token_days),
        **_retention(settings),
    }


def _retention(settings: DifySettings) -> Environment:
    days = settings.retention.workflow_log_days
    if days is None:
        return {"WORKFLOW_LOG_CLEANUP_ENABLED": "false"}
    return {"WORKFLOW_LOG_CLEANUP_ENABLED": "true", "WORKFLOW_LOG_RETENTION_DAYS": str(days)}


def account_variables(settings: DifySettings) -> Iterator[SiteVariable]:
    """Yield the variables of the OAuth clients that the site has registered with providers."""
    for provider in dict.fromkeys(settings.accounts.oauth):
        title = _TITLES[provider]
        yield SiteVariable(
            name=f"{provider.upper()}_CLIENT_ID",
            kind="string",
            prompt=Text(
                en=f"Client ID of the OAuth application at {title}", zh=f"{title} OAuth 应用的 Client ID"
            ),
            required=True,
        )
        yield SiteVariable(
            name=f"{provider.upper()}_CLIENT_SECRET",
            kind="secret",
            prompt=Text(
                en=f"Client secret of the OAuth application at {title}",
                zh=f"{title} OAuth 应用的 Client secret",
            ),
            required=True,
        )


def _word(value: bool) -> str:  # noqa: FBT001 the value to format
    return "true" if value else "false"
