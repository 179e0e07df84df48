"""Errors of HTTP connections, one class for each way to proceed."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Hashable

from urllib3 import exceptions

from bundler.errors import FetchError
from bundler.language import tr, tr_later
from bundler.net.pace import slowness


class TransientError(FetchError):
    """An error after which another attempt may succeed.

    Attributes:
        retry_after: seconds to wait as requested by the server, or None.
        connected: whether a connection was established.
        slow: whether the server sent data, but too slowly.
    """

    HINT = tr_later(
        "check the network and the proxy settings, or use a mirror; then run the same command again:"
        " completed downloads are kept"
    )
    """What to do about a broken connection."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        retry_after: float | None = None,
        connected: bool = True,
        slow: bool = False,
        key: Hashable | None = None,
    ) -> None:
        super().__init__(message, hint=hint or tr(self.HINT), key=key)
        self.slow = slow
        self.retry_after = retry_after
        self.connected = connected


class BusyError(TransientError):
    """The server answered that it cannot serve the request now: HTTP 408, 425, 429 and 5xx."""

    HINT = tr_later(
        "the server answers, but cannot serve this now: run the same command again later, or use a mirror;"
        " completed downloads are kept"
    )


class GaveUpError(FetchError):
    """All attempts failed.

    Attributes:
        connected: whether a connection was established at the last attempt.
    """

    def __init__(self, last: TransientError, attempts: int, what: str) -> None:
        """Describe the end of the attempts.

        Args:
            last: the error of the last attempt.
            attempts: how many there were.
            what: what was requested.
        """
        message = tr.plural(
            "{message} (given up after {number} attempt)",
            "{message} (given up after {number} attempts)",
            attempts,
            message=last.message,
        )
        super().__init__(message, hint=last.hint, about=what, key=last.key)
        self.connected = last.connected
        self._last, self._attempts = last, attempts

    def about_another(self, what: str) -> GaveUpError:
        """Return the same error for another request, which need not be sent."""
        return GaveUpError(self._last, self._attempts, what)


class TlsError(FetchError):
    """No secure connection: an untrusted certificate, or a server that does not support TLS.

    Attributes:
        certificate: whether the certificate was the reason; if so, retrying does not help.
    """

    def __init__(self, message: str, *, hint: str | None, certificate: bool) -> None:
        super().__init__(message, hint=hint)
        self.certificate = certificate


class AbsentError(FetchError):
    """The server reports that it does not have the resource.

    Servers also respond like this if access is denied; without credentials the two cases look the same.

    Attributes:
        denied: whether the server says that access is denied.
    """

    def __init__(self, message: str, *, hint: str | None = None, denied: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.denied = denied


def explain(error: exceptions.HTTPError, where: str, host: str, plain: str) -> FetchError:
    """Return the error for a request that got no response, without the object names of urllib3.

    Args:
        error: the exception of urllib3.
        where: the server, and the proxy in use.
        host: the server's `host[:port]`.
        plain: hint if the server uses plain HTTP.
    """
    if isinstance(error, exceptions.SSLError):
        return _explain_tls(error, where, host, plain)
    if isinstance(error, exceptions.LocationValueError):
        return FetchError(tr("{where}: invalid address", where=where))
    if isinstance(error, exceptions.ProxyError):
        text, hint = (
            tr("the proxy failed: {error}", error=error.original_error),
            tr("check HTTPS_PROXY and NO_PROXY"),
        )
    elif isinstance(error, exceptions.NameResolutionError):
        text, hint = (
            tr("the host name cannot be resolved"),
            tr("check the name, the network and HTTPS_PROXY"),
        )
    elif type(error) is exceptions.ConnectTimeoutError:
        text, hint = tr("no response in time"), tr("check the network and HTTPS_PROXY, or use a mirror")
    elif isinstance(error, exceptions.NewConnectionError):
        text, hint = (
            tr("cannot be reached: {reason}", reason=_reason(error)),
            tr("check the network, or use a mirror"),
        )
    else:
        return broken(error, where)
    return TransientError(f"{where}: {text}", hint=hint, connected=False, key=f"no connection to {where}")


def _explain_tls(error: exceptions.SSLError, where: str, host: str, plain: str) -> TlsError:
    cause = error.args[0] if error.args else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return TlsError(
            tr(
                "{where}: its certificate is not trusted: {verify_message}",
                where=where,
                verify_message=cause.verify_message,
            ),
            hint=tr(
                "trust the CA that signed it: --ca-file, SSL_CERT_FILE or /etc/docker/certs.d/{host}/ca.crt",
                host=host,
            ),
            certificate=True,
        )
    return TlsError(
        tr(
            "{where}: no TLS connection: {reason}",
            where=where,
            reason=getattr(cause, "reason", None) or cause,
        ),
        hint=tr("if it uses plain HTTP and you trust the network: {plain}", plain=plain),
        certificate=False,
    )


def broken(error: Exception, where: str) -> TransientError:
    """Return the error for a connection that broke; `where` may be empty."""
    at = f"{where}: " if where else ""
    slow = slowness(error)
    if slow is not None:
        return TransientError(
            tr("{at}the server is too slow: {slow}", at=at, slow=slow),
            hint=tr("try again later, use a mirror, or disable the limit: --min-speed 0"),
            slow=True,
        )
    if isinstance(error, exceptions.ReadTimeoutError):
        return TransientError(tr("{at}no more data within the read timeout", at=at))
    return TransientError(tr("{at}the connection broke: {error}", at=at, error=_reason(error)))


def _reason(error: Exception) -> str:
    """Return the innermost reason, in the words of the operating system."""
    for inner in (error.__cause__, *reversed(error.args), error):
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        if isinstance(inner, exceptions.IncompleteRead):
            return tr(
                "{count} bytes received, {expected} more expected",
                count=inner.partial,
                expected=inner.expected,
            )
        if isinstance(inner, http.client.IncompleteRead):
            return tr("the body ended early")
    return str(error.args[-1] if error.args else "") or type(error).__name__
