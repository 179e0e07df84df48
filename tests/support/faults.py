"""A registry in this process that fails as real ones do, and remembers what it was asked.

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
"""What becomes of a right answer."""


@dataclass
class _Planned:
    fault: Fault
    times: int


@dataclass
class Tokens:
    """A token server inside the registry: Docker's "Token Authentication Specification".

    Attributes:
        realm: where the registry sends its clients; None for its own `/token`.
        logins: name -> password; empty lets everybody in.
        identity: refresh tokens that are good.
        good: whether tokens are taken at all.
        lifetime: `expires_in`, seconds; None leaves it out.
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
        """A new token."""
        self.issued.append(dict(query))
        token = f"token-{len(self.issued)}"
        self._valid.add(f"Bearer {token}")
        return token

    def takes(self, header: str | None) -> bool:
        """Whether the `Authorization` header has a token that is good."""
        return self.good and header in self._valid

    def revoke(self, fault: Fault) -> Fault:
        """A fault at which all tokens expire."""

        def expire(request: Request, answer: Response) -> Response:
            self._valid.clear()
            return fault(request, answer)

        return expire


class FaultRegistry(SampleRegistry):
    """A registry that answers as told.

    Attributes:
        requests: all that was asked, in order.
        tokens: who may come in with a token; None for no tokens.
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
        """`scheme://host`."""
        return f"{'https' if self._secure else 'http'}://{self.host}"

    def fail(self, reference: str, fault: Fault, times: int = 1) -> None:
        """Let `fault` happen to the next `times` answers about a tag or digest, or of `token`."""
        self._faults.setdefault(reference, []).append(_Planned(fault, times))

    def asked(self, reference: str) -> int:
        """How often a tag or digest was asked for."""
        return sum(request.path.endswith("/" + reference) for request in self.requests)

    def counts(self) -> Counter[str]:
        """How often each blob was asked for."""
        return Counter(r.path.rpartition("/")[2] for r in self.requests if "/blobs/" in r.path)

    def respond(self, request: Request) -> Response:
        """Answer, as told."""
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
    """The `Authorization` header of RFC 7617."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


# ---------------------------------------------------------------- faults


def status(code: int, headers: Mapping[str, str] | None = None, text: str = "not now") -> Fault:
    """An error instead of the answer."""
    return lambda _request, _answer: refuse(code, "FAULT", text, headers)


def body(raw: bytes, code: int = 200, headers: Mapping[str, str] | None = None) -> Fault:
    """Another body, and no header that says anything of it."""
    return lambda _request, _answer: Response(code, dict(headers or {}), raw)


def cut(after: int, *, chunked: bool = False) -> Fault:
    """The connection closes after so many bytes of the body."""

    def pieces(data: bytes) -> Iterator[bytes]:
        yield from in_pieces(data[:after])
        raise CutError

    return lambda _request, answer: _streamed(answer, pieces, chunked=chunked)


def short(after: int) -> Fault:
    """The body ends too early, and in order: in chunks, whose end is marked."""
    return lambda _request, answer: _streamed(answer, lambda data: in_pieces(data[:after]), chunked=True)


def stall(after: int, released: threading.Event) -> Fault:
    """After so many bytes nothing more comes, and the connection stays."""

    def pieces(data: bytes) -> Iterator[bytes]:
        yield from in_pieces(data[:after])
        released.wait(60)
        raise CutError

    return lambda _request, answer: _streamed(answer, pieces, chunked=False)


def drip(released: threading.Event, after: int = 0, seconds: float = 0.02) -> Fault:
    """After so many bytes one at a time: each comes in time, and all of them never."""

    def pieces(data: bytes) -> Iterator[bytes]:
        yield from in_pieces(data[:after])
        for number in range(after, len(data)):
            released.wait(seconds)
            yield data[number : number + 1]

    return lambda _request, answer: _streamed(answer, pieces, chunked=False)


def other_bytes(_request: Request, answer: Response) -> Response:
    """As many bytes as promised, but others."""
    data = _bytes(answer)
    return dataclasses.replace(answer, body=bytes(byte ^ 0xFF for byte in data))


def longer(_request: Request, answer: Response) -> Response:
    """More bytes than promised, in chunks that tell no length."""
    return _streamed(answer, lambda data: in_pieces(data + b"more"), chunked=True)


def other_size(_request: Request, answer: Response) -> Response:
    """Another blob, with a length of its own."""
    return dataclasses.replace(answer, body=_bytes(answer)[:-1])


def no_range(_request: Request, answer: Response) -> Response:
    """The server does not know ranges: 200 and the whole. Only where a range was asked."""
    return dataclasses.replace(answer, status=200)


def with_headers(**headers: str) -> Fault:
    """Other headers; `_` in a name stands for `-`."""
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request, answer: dataclasses.replace(answer, headers={**answer.headers, **changed})


def redirect(to: str, code: int = 307) -> Fault:
    """To another address; `{path}` in it is the one that was asked for."""
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
