"""Settings of accounts: who can have one, how long a session lasts, when logs are deleted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bundler.errors import HintedValueError
from bundler.language import tr
from bundler.profile.base import ProfileModel

Days = Annotated[int, Field(ge=1, le=3650)]


class Accounts(ProfileModel):
    """Who can have an account, and how long a session lasts."""

    sign_up: bool = False
    """Whether anyone who can open the page can create an account."""
    create_workspaces: bool = False
    """Whether users can create workspaces."""
    email_code: bool = False
    """Whether users can sign in with a code that is sent by mail; requires `smtp`."""
    oauth: tuple[Literal["github", "google"], ...] = ()
    """Sign-in providers in addition to passwords. Dify supports these two, at their addresses on the
    internet, which the API must reach. The installer asks for the client's ID and secret."""
    access_token_minutes: Annotated[int, Field(ge=1, le=1440)] = 60
    """Lifetime of a session's token, in minutes; it is renewed while the session lasts."""
    refresh_token_days: Days = 30
    """How long a session lasts without a new sign-in, in days."""


class Retention(ProfileModel):
    """Data that Dify deletes automatically."""

    workflow_log_days: Days | None = None
    """Age in days at which logs of workflow runs are deleted, each night; by default they are kept."""


def check_accounts(accounts: Accounts, *, smtp: bool, tls: bool) -> None:
    """Refuse sign-in methods that cannot work.

    Raises:
        HintedValueError: there is one.
    """
    if accounts.email_code and not smtp:
        raise HintedValueError(
            tr("Dify sends no mail here"), hint=tr("add `smtp: {}`"), at=("accounts", "email_code")
        )
    if accounts.oauth and not tls:
        raise HintedValueError(
            tr("providers redirect browsers to the API's own address, which is only known with TLS"),
            hint=tr("write `tls: {mode: own}`"),
            at=("accounts", "oauth"),
        )
