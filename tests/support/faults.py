"""A registry in this process that fails like real ones and records its requests.

with FaultRegistry() as registry:
    registry.add_image("library/hello", "1", image)
    registry.fail(digest, status(503), times=2)
    ...
    assert registry.asked(digest) == 3
"""

from __future__ import annotations

import base64
import dataclasses
import json
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from examples.demo.sample_registry import (
    CutError,
    Part,
    Request,
    Response,
    SampleRegistry,
    in_pieces,
    refuse,
)

Fault = Callable[[Request, Response], Response]
"""Turns a correct answer into a faulty one."""


@dataclass
class _Planned:
    fault: Fault
    times: int


@dataclass
class Tokens:
    """A token server inside the registry: Docker's "Token Authentication Specification".

    Attributes:
        realm: the address to which the registry sends its clients; None for its own `/token`.
        logins: name -> password; if empty, no login is required.
        identity: valid refresh tokens.
        good: whether tokens are accepted at all.
        lifetime: `expires_in` in seconds; None omits it.
        issued: queries and forms that were answered with a token.
    """

    realm: str | None = None
    logins: Mapping[str, str] = field(default_factory=dict)
    identity: frozenset[str] = frozenset()
    good: bool = True
    lifetime: int | None = 300
    issued: list[Mapping[str, str]] = field(default_factory=list)
    _valid: set[str] = field(default_factory=set)

    def issue(self, query: Mapping[str, str]) -> str:
        """Issue a new token."""
        self.issued.append(dict(query))
        token = f"token-{len(self.issued)}"
        self._valid.add(f"Bearer {token}")
        return token

    def takes(self, header: str | None) -> bool:
        """Return whether the `Authorization` header has a valid token."""
        return self.good and header in self._valid

    def revoke(self, fault: Fault) -> Fault:
        """Wrap a fault so that all tokens expire with it."""

        def expire(request: Request, answer: Response) -> Response:
            self._valid.clear()
            return fault(request, answer)

        return expire


class FaultRegistry(SampleRegistry):
    """A registry whose answers a test can replace by faults.

    Attributes:
        requests: all requests, in order.
        tokens: the token server that clients must use; None for no tokens.
        basic: name and password for HTTP Basic; None for none.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self.requests: list[Request] = []
        self.tokens: Tokens | None = None
        self.basic: tuple[str, str] | None = None
        self.released = threading.Event()
        self._secure = tls is not None
        self._lock = threading.Lock()
        self._faults: dict[str, list[_Planned]] = {}

    def __exit__(self, *error: object) -> None:
        self.released.set()
        super().__exit__(*error)  # type: ignore[arg-type]

    @property
    def url(self) -> str:
        """The registry's `scheme://host`."""
        return f"{'https' if self._secure else 'http'}://{self.host}"

    def fail(self, reference: str, fault: Fault, times: int = 1) -> None:
        """Apply `fault` to the next `times` answers about a tag or digest, or about `token`."""
        self._faults.setdefault(reference, []).append(_Planned(fault, times))

    def asked(self, reference: str) -> int:
        """Return how often a tag or digest was requested."""
        return sum(request.path.endswith("/" + reference) for request in self.requests)

    def counts(self) -> Counter[str]:
        """Return how often each blob was requested."""
        return Counter(r.path.rpartition("/")[2] for r in self.requests if "/blobs/" in r.path)

    def respond(self, request: Request) -> Response:
        """Answer a request, with the planned fault if there is one."""
        with self._lock:
            self.requests.append(request)
            token = self._token(request, self.tokens) if request.path == "/token" and self.tokens else None
            denied = None if token else self._denied(request)
            if denied is not None:
                return denied
            planned = self._faults.get(request.path.rpartition("/")[2], [])
            fault = planned[0] if planned else None
            if fault:
                fault.times -= 1
                if not fault.times:
                    del planned[0]
        answer = token or super().respond(request)
        return fault.fault(request, answer) if fault else answer

    def _denied(self, request: Request) -> Response | None:
        given = request.headers.get("Authorization")
        if self.tokens is not None and not self.tokens.takes(given):
            name = request.path.removeprefix("/v2/").rpartition("/")[0].rpartition("/")[0]
            realm = self.tokens.realm or f"{self.url}/token"
            challenge = f'Bearer realm="{realm}",service="faults",scope="repository:{name}:pull"'
            if given:
                challenge += ',error="invalid_token"'
            return refuse(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": challenge})
        if self.basic is not None and given != basic(*self.basic):
            return refuse(401, "UNAUTHORIZED", "who?", {"WWW-Authenticate": 'Basic realm="faults"'})
        return None

    def _token(self, request: Request, tokens: Tokens) -> Response:
        query = dict(request.query)
        if request.method == "POST":
            pairs = [pair.partition("=") for pair in request.body.decode().split("&")]
            query = {name: value for name, _, value in pairs}
            if query.get("refresh_token") not in tokens.identity:
                return refuse(401, "UNAUTHORIZED", "unknown refresh token")
        elif tokens.logins:
            given = request.headers.get("Authorization")
            if given not in {basic(*login) for login in tokens.logins.items()}:
                return refuse(401, "UNAUTHORIZED", "incorrect username or password")
        document: dict[str, object] = {"token": tokens.issue(query)}
        if tokens.lifetime is not None:
            document["expires_in"] = tokens.lifetime
        return Response(200, {"Content-Type": "application/json"}, json.dumps(document).encode())


def basic(name: str, password: str) -> str:
    """Return an `Authorization` header for Basic authentication (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


# ---------------------------------------------------------------- faults


def status(code: int, headers: Mapping[str, str] | None = None, text: str = "not now") -> Fault:
    """Answer with an error."""
    return lambda _request, _answer: refuse(code, "FAULT", text, headers)


def body(raw: bytes, code: int = 200, headers: Mapping[str, str] | None = None) -> Fault:
    """Answer with another body, and without headers that describe it."""
    return lambda _request, _answer: Response(code, dict(headers or {}), raw)


def cut(after: int, *, chunked: bool = False) -> Fault:
    """Close the connection after `after` bytes of the body."""

    def pieces(data: bytes) -> Iterator[bytes]:
        yield from in_pieces(data[:after])
        raise CutError

    return lambda _request, answer: _streamed(answer, pieces, chunked=chunked)


def short(after: int) -> Fault:
    """End the body too early but properly: it is sent in chunks with a final chunk."""
    return lambda _request, answer: _streamed(answer, lambda data: in_pieces(data[:after]), chunked=True)


def stall(after: int, released: threading.Event) -> Fault:
    """Send `after` bytes, then nothing more while the connection stays open."""

    def pieces(data: bytes) -> Iterator[bytes]:
        yield from in_pieces(data[:after])
        released.wait(60)
        raise CutError

    return lambda _request, answer: _streamed(answer, pieces, chunked=False)


def drip(released: threading.Event, after: int = 0, seconds: float = 0.02) -> Fault:
    """Send `after` bytes, then one byte at a time: each byte is in time, but the transfer never ends."""

    def pieces(data: bytes) -> Iterator[bytes]:
        yield from in_pieces(data[:after])
        for number in range(after, len(data)):
            released.wait(seconds)
            yield data[number : number + 1]

    return lambda _request, answer: _streamed(answer, pieces, chunked=False)


def other_bytes(_request: Request, answer: Response) -> Response:
    """Send different bytes of the promised length."""
    data = _bytes(answer)
    return dataclasses.replace(answer, body=bytes(byte ^ 0xFF for byte in data))


def longer(_request: Request, answer: Response) -> Response:
    """Send more bytes than promised, in chunks without a content length."""
    return _streamed(answer, lambda data: in_pieces(data + b"more"), chunked=True)


def other_size(_request: Request, answer: Response) -> Response:
    """Send a different blob with a correct content length."""
    return dataclasses.replace(answer, body=_bytes(answer)[:-1])


def no_range(_request: Request, answer: Response) -> Response:
    """Ignore a range request: answer 200 with the whole body. Only for requests that have a range."""
    return dataclasses.replace(answer, status=200)


def with_headers(**headers: str) -> Fault:
    """Change headers of the answer; `_` in a name stands for `-`."""
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request, answer: dataclasses.replace(answer, headers={**answer.headers, **changed})


def redirect(to: str, code: int = 307) -> Fault:
    """Redirect to another address, in which `{path}` is replaced by the requested path."""
    return lambda request, _answer: Response(code, {"Location": to.format(path=request.path)})


def _streamed(answer: Response, pieces: Callable[[bytes], Iterator[bytes]], *, chunked: bool) -> Response:
    data = _bytes(answer)
    headers = dict(answer.headers)
    if not chunked:
        headers["Content-Length"] = str(len(data))
    return Response(answer.status, headers, pieces(data))


def _bytes(answer: Response) -> bytes:
    body = answer.body
    if isinstance(body, Part):
        whole = Path(body.path).read_bytes()
        return whole[body.start :] if body.size is None else whole[body.start : body.start + body.size]
    return body if isinstance(body, bytes) else b"".join(body)
