"""What can go wrong between us and a registry, told apart by what to do next."""

from __future__ import annotations

from bundler.errors import FetchError


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
    """The registry says that it does not have it.

    Registries say so too of what one may not see; without credentials the two cannot be told apart.
    """
