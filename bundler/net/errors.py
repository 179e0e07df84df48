"""Errors of HTTP connections, one class for each way to go on."""

from __future__ import annotations

import http.client
import ssl

from urllib3 import exceptions

from bundler.errors import FetchError
from bundler.net.pace import slowness


class TransientError(FetchError):
    """Another attempt may succeed.

    Attributes:
        retry_after: seconds that the server asks to wait, or None.
        connected: whether there was a connection at all.
        slow: whether the server sent, and too slowly.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        retry_after: float | None = None,
        connected: bool = True,
        slow: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.slow = slow
        self.retry_after = retry_after
        self.connected = connected


class GaveUpError(FetchError):
    """All attempts failed."""


class TlsError(FetchError):
    """No secure connection: an unknown certificate, or a server that does not speak TLS.

    Attributes:
        certificate: whether the certificate was the reason; another attempt will not help.
    """

    def __init__(self, message: str, *, hint: str | None, certificate: bool) -> None:
        super().__init__(message, hint=hint)
        self.certificate = certificate


class AbsentError(FetchError):
    """The server says that it does not have it.

    Servers say so too of what one may not see; without credentials the two cannot be told apart.
    """


def explain(error: exceptions.HTTPError, where: str, host: str, plain: str) -> FetchError:
    """The error for a request without an answer, without urllib3's object names.

    Args:
        error: of a request that got no answer.
        where: the server, and the proxy on the way to it.
        host: the server's `host[:port]`.
        plain: what to do where the server speaks plain HTTP.
    """
    if isinstance(error, exceptions.SSLError):
        return _explain_tls(error, where, host, plain)
    if isinstance(error, exceptions.LocationValueError):
        return FetchError(f"{where}: invalid address")
    if isinstance(error, exceptions.ProxyError):
        text, hint = f"the proxy failed: {error.original_error}", "check HTTPS_PROXY and NO_PROXY"
    elif isinstance(error, exceptions.NameResolutionError):
        text, hint = "the host name cannot be resolved", "check the name, the network and HTTPS_PROXY"
    elif type(error) is exceptions.ConnectTimeoutError:
        text, hint = "no response in time", "check the network and HTTPS_PROXY, or use a mirror"
    elif isinstance(error, exceptions.NewConnectionError):
        text, hint = f"cannot be reached: {_reason(error)}", "check the network, or use a mirror"
    else:
        return broken(error, where)
    return TransientError(f"{where}: {text}", hint=hint, connected=False)


def _explain_tls(error: exceptions.SSLError, where: str, host: str, plain: str) -> TlsError:
    cause = error.args[0] if error.args else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return TlsError(
            f"{where}: its certificate is not trusted: {cause.verify_message}",
            hint="trust the CA that signed it: --ca-file, SSL_CERT_FILE or"
            f" /etc/docker/certs.d/{host}/ca.crt",
            certificate=True,
        )
    return TlsError(
        f"{where}: no TLS connection: {getattr(cause, 'reason', None) or cause}",
        hint=f"if it uses plain HTTP and you trust the network: {plain}",
        certificate=False,
    )


def broken(error: Exception, where: str) -> TransientError:
    """The error for a connection that broke; `where` may be empty."""
    at = f"{where}: " if where else ""
    slow = slowness(error)
    if slow is not None:
        return TransientError(
            f"{at}the server is too slow: {slow}",
            hint="try again later, use a mirror, or disable the limit: --min-speed 0",
            slow=True,
        )
    if isinstance(error, exceptions.ReadTimeoutError):
        return TransientError(f"{at}no more data within the read timeout")
    return TransientError(f"{at}the connection broke: {_reason(error)}")


def _reason(error: Exception) -> str:
    """The innermost reason, as the operating system words it."""
    for inner in (error.__cause__, *reversed(error.args), error):
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        if isinstance(inner, exceptions.IncompleteRead):
            return f"{inner.partial} bytes received, {inner.expected} more expected"
        if isinstance(inner, http.client.IncompleteRead):
            return "the body ended early"
    return str(error.args[-1] if error.args else "") or type(error).__name__
