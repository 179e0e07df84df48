"""A client for the pull half of the OCI Distribution specification, for one registry."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import urllib3

from bundler.errors import FetchError
from bundler.image.digest import digest_of
from bundler.image.oci import DOCKER_LIST, DOCKER_MANIFEST, MAX_MANIFEST_BYTES, OCI_INDEX, OCI_MANIFEST
from bundler.image.reference import DEFAULT_REGISTRY
from bundler.io.json import parse_json
from bundler.language import tr
from bundler.net.errors import AbsentError, BusyError, TlsError, TransientError
from bundler.net.proxies import server
from bundler.net.transport import OK, PARTIAL, UNSATISFIABLE, Answer, Transport
from bundler_registry.auth import Authenticator
from bundler_registry.challenges import parse_challenges
from bundler_registry.credentials import Logins

ACCEPT: Final = f"{OCI_INDEX}, {DOCKER_LIST}, {OCI_MANIFEST}, {DOCKER_MANIFEST}"
DOCKER_HUB: Final = "registry-1.docker.io"
"""Host name of docker.io's registry."""

UNAUTHORIZED: Final = 401
RENEWALS: Final = 2
"""Headers to try after a 401: a token that another thread obtained may have expired before it is sent."""


@dataclass(frozen=True)
class Received:
    """The received bytes of a manifest or index, with a verified digest.

    Attributes:
        raw: unchanged bytes.
        media_type: the Content-Type, or None.
        digest: digest of the bytes.
    """

    raw: bytes
    media_type: str | None
    digest: str


class RegistryClient:
    """Sends requests to one registry. Each method makes one attempt. Thread-safe.

    Attributes:
        host: name of the registry in references and messages.
    """

    def __init__(self, host: str, transport: Transport, logins: Logins) -> None:
        self.host = host
        self._address = DOCKER_HUB if host == DEFAULT_REGISTRY else host
        self._transport = transport
        self._auth = Authenticator(host, transport, logins)
        self._scheme = None if transport.plain_allowed(self._address) else "https"
        self._probing = threading.Lock()

    def manifest(self, repository: str, reference: str) -> Received:
        """Get a manifest or index by tag or digest: distribution-spec, "Pulling manifests".

        Raises:
            AbsentError: the registry does not have it, or denies access.
            TransientError: another attempt may succeed.
            FetchError: its digest does not match, or it is too large.
        """
        answer = self._get(f"/v2/{repository}/manifests/{reference}", repository, {"Accept": ACCEPT})
        where = tr("the manifest from {host}", host=self.host)
        raw = answer.document(MAX_MANIFEST_BYTES)
        if len(raw) > MAX_MANIFEST_BYTES:
            raise FetchError(tr("{where}: a manifest of more than 4 MiB", where=where))
        digest = digest_of(raw)
        if reference.startswith("sha256:") and digest != reference:
            raise FetchError(
                tr("{where}: it has the digest {digest}", where=where, digest=digest),
                hint=tr("the registry or a proxy is broken"),
            )
        _check_header(answer.response.headers.get("Docker-Content-Digest"), raw, where)
        return Received(raw, answer.response.headers.get("Content-Type"), digest)

    def blob(self, repository: str, digest: str, offset: int) -> urllib3.BaseHTTPResponse:
        """Request a blob: distribution-spec, "Pulling blobs". The answer is 200, 206 or 416.

        Raises:
            AbsentError: the registry does not have it.
            TransientError: another attempt may succeed.
            FetchError: another attempt will not succeed.
        """
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        accepted = frozenset({OK, PARTIAL, UNSATISFIABLE}) if offset else frozenset({OK})
        try:
            return self._get(f"/v2/{repository}/blobs/{digest}", repository, headers, accepted).response
        except AbsentError as error:
            hint = tr("the image is not complete in the registry: push it again, or use a mirror")
            if error.denied:
                hint = tr("`docker login {host}` with a login that may pull the image", host=self.host)
            raise AbsentError(error.message, hint=error.hint or hint, denied=error.denied) from error

    # ------------------------------------------------------------ inside

    def _get(
        self,
        path: str,
        repository: str,
        headers: Mapping[str, str],
        accepted: frozenset[int] = frozenset({OK}),
    ) -> Answer:
        authorization = self._auth.header(repository)
        answer = self._send(path, headers, authorization)
        for _ in range(RENEWALS):
            if answer.status != UNAUTHORIZED or answer.foreign:
                break
            challenges = parse_challenges(", ".join(answer.response.headers.getlist("WWW-Authenticate")))
            plain = answer.url.startswith("http:")
            answer.discard()
            authorization = self._auth.renew(challenges, repository, rejected=authorization, plain=plain)
            answer = self._send(path, headers, authorization)
        if answer.status in accepted:
            return answer
        raise self._refusal(answer)

    def _send(self, path: str, headers: Mapping[str, str], authorization: str | None) -> Answer:
        sent = {**headers, "Authorization": authorization} if authorization else headers
        if self._scheme is None:
            with self._probing:  # other threads wait until the first has found the scheme
                if self._scheme is None:
                    return self._probe(path, sent)
        return self._transport.request("GET", f"{self._scheme}://{self._address}{path}", sent)

    def _probe(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Send the first request to a registry that may not use TLS: try TLS first, as Docker does."""
        try:
            answer = self._transport.request("GET", f"https://{self._address}{path}", headers)
        except (TlsError, TransientError) as error:
            if isinstance(error, TlsError) and error.certificate:
                raise
            answer = self._transport.request("GET", f"http://{self._address}{path}", headers)
            self._scheme = "http"
        else:
            self._scheme = "https"
        return answer

    def _refusal(self, answer: Answer) -> FetchError:
        status = answer.status
        who = self.host
        if answer.foreign:
            who = tr("{host} (at {server})", host=self.host, server=server(answer.url))
        said = _reason(answer.text())
        text = tr("{who} answers {status}{said}", who=who, status=status, said=said)
        if answer.passing:
            hint = None
            if status == 429:  # noqa: PLR2004 Too Many Requests
                hint = tr(
                    "the registry limits the pull rate: `docker login {host}`, or use a mirror",
                    host=self.host,
                )
            elif status in {401, 403}:
                hint = tr(
                    "the storage that the registry redirects to refuses access: ask the"
                    " operator of the registry, or use a mirror"
                )
            return BusyError(text, hint=hint, retry_after=answer.retry_after)
        if status in {401, 403, 404, 410}:
            return AbsentError(text, denied=status in {401, 403})
        if status == 407:  # noqa: PLR2004 Proxy Authentication Required: RFC 9110, 15.5.8
            return FetchError(
                text, hint=tr("the proxy requires a login: HTTP_PROXY=http://user:password@host:port")
            )
        return FetchError(
            text,
            hint=tr(
                "is {host} a registry? Ask its operator what the status means, or use a mirror",
                host=self.host,
            ),
        )


def _check_header(header: str | None, raw: bytes, where: str) -> None:
    """Compare bytes with the `Docker-Content-Digest` header, if there is one."""
    algorithm, _, expected = (header or "").strip().partition(":")
    if algorithm not in {"sha256", "sha512"}:
        return  # absent, or an algorithm that the specification does not require clients to support
    found = hashlib.new(algorithm, raw).hexdigest()
    if found != expected:
        raise FetchError(
            tr(
                "{where}: the registry says {algorithm}:{expected}, but the content is {algorithm}:{found}",
                where=where,
                algorithm=algorithm,
                expected=expected[:128],
                found=found,
            ),
            hint=tr("the registry or a proxy in between is faulty; try a mirror"),
        )


def _reason(body: bytes) -> str:
    """Return `: CODE: message` from an error body (distribution-spec, "Error Codes"), or an empty string."""
    try:
        first = parse_json(body)["errors"][0]
        words = [str(first[key]) for key in ("code", "message") if first.get(key)]
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
    text = "".join(c if c.isprintable() else " " for c in ": ".join(words))
    return f": {text[:200]}" if text else ""
