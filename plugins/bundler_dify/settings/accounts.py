"""Settings of accounts: who may have one, how long a session lasts, what is forgotten."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bundler.errors import HintedValueError
from bundler.profile.base import ProfileModel

Days = Annotated[int, Field(ge=1, le=3650)]


class Accounts(ProfileModel):
    """Who may have an account, and how long a session lasts."""

    sign_up: bool = False
    """Whether anybody who reaches the page may make an account."""
    create_workspaces: bool = False
    """Whether accounts may make workspaces of their own."""
    email_code: bool = False
    """Whether one may sign in with a code that comes by mail; wants `smtp`."""
    oauth: tuple[Literal["github", "google"], ...] = ()
    """Providers besides the password. Dify knows these two, at their addresses in the internet; the API
    has to reach them. The site is asked for the client's ID and secret."""
    access_token_minutes: Annotated[int, Field(ge=1, le=1440)] = 60
    """How long a session's token is good; it is renewed while the session lasts."""
    refresh_token_days: Days = 30
    """How long a session lasts without a sign-in."""


class Retention(ProfileModel):
    """What Dify itself deletes."""

    workflow_log_days: Days | None = None
    """Age at which logs of workflow runs are deleted, each night; without it they are kept."""


def check_accounts(accounts: Accounts, *, smtp: bool, tls: bool) -> None:
    """Refuse ways to sign in that cannot work.

    Raises:
        HintedValueError: there are.
    """
    if accounts.email_code and not smtp:
        raise HintedValueError(
            "Dify sends no mail here", hint="add `smtp: {}`", at=("accounts", "email_code")
        )
    if accounts.oauth and not tls:
        raise HintedValueError(
            "providers redirect browsers to the API's own address, which is only known with TLS",
            hint="write `tls: {mode: own}`",
            at=("accounts", "oauth"),
        )
