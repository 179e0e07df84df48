"""Authenticates to one registry: anonymously, with Basic, or with Bearer tokens from a token server.

The token protocol is Docker's ("Token Authentication Specification", and "OAuth2" for identity tokens).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from bundler.errors import FetchError
from bundler.io.json import parse_json
from bundler.language import tr
from bundler.net.errors import AbsentError, BusyError
from bundler.net.proxies import netloc, server
from bundler.net.transport import OK, Answer, Transport
from bundler_registry.challenges import Challenge
from bundler_registry.credentials import Login, Logins

CLIENT_ID: Final = "bundle"
TOKEN_BYTES: Final = 64 * 1024
"""Maximum size of a token server's answer. HTTP headers carry a few kB at most."""
DEFAULT_LIFETIME: Final = 60.0
"""Lifetime of a token in seconds if its server does not state one: the token specification's value."""
LONGEST_LIFETIME: Final = 86400.0
"""Seconds after which a token is renewed even if its server grants a longer lifetime."""
MARGIN: Final = 5.0
"""Seconds before its expiry from which a token counts as expired, because a request takes time to arrive."""

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_PULL_ONLY = re.compile(r"repository:[^\s:]+(?::[0-9]+/[^\s:]+)?:pull")


@dataclass(frozen=True)
class _Token:
    header: str = field(repr=False)
    until: float
    """Expiry on the monotonic clock, in seconds."""


@dataclass(frozen=True)
class _TokenServer:
    realm: str
    service: str | None


class Authenticator:
    """Authenticates to one registry. Thread-safe.

    The scheme that the first 401 requests is used for all later requests, which avoids further 401s.
    """

    def __init__(
        self,
        host: str,
        transport: Transport,
        logins: Logins,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host = host
        self._transport = transport
        self._logins = logins
        self._clock = clock
        self._lock = threading.Lock()
        self._scopes: dict[str, threading.Lock] = {}
        self._tokens: dict[str, _Token] = {}
        self._basic: str | None = None
        self._server: _TokenServer | None = None

    def header(self, repository: str) -> str | None:
        """Return the `Authorization` header to send, or None if the registry has not requested one yet.

        Raises:
            TransientError: a token has expired and the token server does not answer.
            FetchError: a token has expired and no new one can be obtained.
        """
        if self._basic is not None:
            return self._basic
        if self._server is None:
            return None
        return self._token(self._server, repository, _scope(repository), rejected=None)

    def renew(
        self, challenges: Sequence[Challenge], repository: str, *, rejected: str | None, plain: bool
    ) -> str:
        """Return the header to send after a 401.

        Args:
            challenges: challenges in the registry's answer.
            repository: requested repository.
            rejected: header of the rejected request.
            plain: whether the connection to the registry itself does not use TLS.

        Raises:
            AbsentError: there is no other login or token to send.
            FetchError: the registry requests something that is unsupported or not allowed.
        """
        for challenge in challenges:
            if challenge.scheme == "bearer" and "realm" in challenge.parameters:
                self._server = self._checked(challenge, plain=plain)
                asked = challenge.parameters.get("scope", "")
                scope = asked if _PULL_ONLY.fullmatch(asked) else _scope(repository)
                return self._token(self._server, repository, scope, rejected=rejected)
        if any(challenge.scheme == "basic" for challenge in challenges):
            login = self._logins.find(self._host)
            if login is None or not login.username:
                raise _login_required(self._host)
            if rejected == login.basic:
                raise _refused(self._host, login)
            self._basic = login.basic
            return login.basic
        offered = ", ".join(challenge.scheme for challenge in challenges)
        offer = tr("only {schemes} authentication", schemes=offered) if offered else tr("no authentication")
        raise FetchError(
            tr("{host} refuses access and offers {offer}", host=self._host, offer=offer),
            hint=tr("registries offer Basic or Bearer; this may be a proxy that requires a login of its own"),
        )

    # ------------------------------------------------------------ tokens

    def _checked(self, challenge: Challenge, *, plain: bool) -> _TokenServer:
        realm = challenge.parameters["realm"]
        try:
            parts = urlsplit(realm)
            host = netloc(parts)
        except ValueError as error:
            raise FetchError(tr("{host}: invalid token server address", host=self._host)) from error
        if (
            not _PRINTABLE.fullmatch(realm)
            or parts.scheme not in {"http", "https"}
            or not host
            or "@" in parts.netloc
        ):
            raise FetchError(
                tr(
                    "{host}: invalid token server address: {realm}",
                    host=self._host,
                    realm=server(realm)[:200],
                ),
                hint=tr("ask the operator of the registry; a proxy may be answering in its place"),
            )
        allowed = (plain and host == self._host.lower()) or self._transport.plain_answers(self._host, host)
        if parts.scheme == "http" and not allowed:
            raise FetchError(
                tr(
                    "{host}: its token server {owner} asks for credentials over plain HTTP",
                    host=self._host,
                    owner=host,
                ),
                hint=tr(
                    "if you trust the network between here and there: --insecure-registry {host}", host=host
                ),
            )
        return _TokenServer(realm, challenge.parameters.get("service"))

    def _token(self, realm: _TokenServer, repository: str, scope: str, *, rejected: str | None) -> str:
        with self._lock:
            lock = self._scopes.setdefault(repository, threading.Lock())
        with lock:  # one thread fetches the token, the others wait and reuse it
            token = self._tokens.get(repository)
            if token is None or token.header == rejected or token.until <= self._clock():
                token = self._fetch(realm, scope)
                self._tokens[repository] = token
            return token.header

    def _fetch(self, realm: _TokenServer, scope: str) -> _Token:
        login = self._logins.find(self._host)
        asked_at = self._clock()
        wanted = {"service": realm.service} if realm.service else {}
        if login is not None and login.identity_token:
            form = {
                **wanted,
                "grant_type": "refresh_token",
                "client_id": CLIENT_ID,
                "scope": scope,
                "refresh_token": login.identity_token,
            }
            answer = self._transport.request("POST", realm.realm, {}, form=form)
        else:
            parts = urlsplit(realm.realm)
            query = urlencode([*parse_qsl(parts.query), *wanted.items(), ("scope", scope)])
            url = urlunsplit(parts._replace(query=query, fragment=""))
            headers = {"Authorization": login.basic} if login is not None else {}
            answer = self._transport.request("GET", url, headers)
        document = self._read(answer, login)
        text = document.get("token") or document.get("access_token")
        if not isinstance(text, str) or not _PRINTABLE.fullmatch(text):
            raise FetchError(
                tr(
                    "{host}: its token server {realm} did not send a token",
                    host=self._host,
                    realm=server(realm.realm),
                )
            )
        lifetime = document.get("expires_in")
        if not isinstance(lifetime, int | float) or isinstance(lifetime, bool) or lifetime <= 0:
            lifetime = DEFAULT_LIFETIME
        lifetime = min(lifetime, LONGEST_LIFETIME)
        return _Token(f"Bearer {text}", asked_at + max(lifetime - MARGIN, lifetime / 2))

    def _read(self, answer: Answer, login: Login | None) -> dict[str, Any]:
        status, where = answer.status, server(answer.url)
        body = answer.document(TOKEN_BYTES) if status == OK else answer.text()
        if status in {400, 401, 403} and login is not None:
            raise _refused(self._host, login)
        if status in {401, 403}:
            raise _login_required(self._host)
        if status in {408, 425, 429} or status >= 500:  # noqa: PLR2004 server errors
            raise BusyError(
                tr(
                    "{host}: its token server {where} answers {status}",
                    host=self._host,
                    where=where,
                    status=status,
                ),
                retry_after=answer.retry_after,
            )
        try:
            document = parse_json(body)
        except ValueError as error:  # show only the reason: the text may contain a token
            raise FetchError(
                tr(
                    "{host}: its token server {where} answers {status} without a token: not JSON: {error}",
                    host=self._host,
                    where=where,
                    status=status,
                    error=error,
                )
            ) from error
        if status != OK or len(body) > TOKEN_BYTES or not isinstance(document, dict):
            raise FetchError(
                tr(
                    "{host}: its token server {where} answers {status} without a token",
                    host=self._host,
                    where=where,
                    status=status,
                )
            )
        return document


def _scope(repository: str) -> str:
    return f"repository:{repository}:pull"


def _login_required(host: str) -> AbsentError:
    return AbsentError(
        tr("{host} requires a login", host=host), hint=tr("`docker login {host}`", host=host), denied=True
    )


def _refused(host: str, login: Login) -> FetchError:
    who = f"{login.username!r}" if login.username else tr("the identity token")
    return FetchError(
        tr("{host} rejects the login of {who} from Docker's or Podman's configuration", host=host, who=who),
        hint=tr(
            "log in again: `docker login {host}`, or `docker logout {host}` for anonymous access", host=host
        ),
    )
