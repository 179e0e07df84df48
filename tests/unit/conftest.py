"""The network is taken away: a hidden download fails, and so does a slip that would ask a real registry."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest


class OutsideError(BaseException):
    """Not an `Exception`, so that nothing takes it for a registry that is down."""


def _check(host: object) -> None:
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        inside = text == "localhost" or ipaddress.ip_address(text).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise OutsideError(f"a unit test asks for {text}")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback and unix sockets only."""
    getaddrinfo, connect = socket.getaddrinfo, socket.socket.connect

    def only_loopback(host: object, *rest: Any, **more: Any) -> Any:  # noqa: ANN401 as socket has it
        if host is not None:
            _check(host)
        return getaddrinfo(host, *rest, **more)  # type: ignore[arg-type]

    def connect_inside(self: socket.socket, address: Any) -> None:  # noqa: ANN401 likewise
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            _check(address[0])
        connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", only_loopback)
    monkeypatch.setattr(socket.socket, "connect", connect_inside)
