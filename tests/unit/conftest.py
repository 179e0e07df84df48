"""Provide a registry that fails on demand, and block all other network access.

This makes hidden downloads fail, and mistakes that would query a real registry.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from examples.demo.sample_registry import Image
from tests.support.faults import FaultRegistry
from tests.support.pulls import Puller


class OutsideError(BaseException):
    """Network access in a unit test; not an `Exception`, so that no code handles it as a registry failure."""


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
    """Allow only loopback and unix sockets."""
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


@pytest.fixture
def registry(request: pytest.FixtureRequest) -> Iterator[FaultRegistry]:
    """Provide a registry that fails on demand, with the images in `PUSHED` of the test's module."""
    pushed: Mapping[str, Image] = getattr(request.module, "PUSHED", {})
    with FaultRegistry() as found:
        for name, image in pushed.items():
            repository, _, tag = name.rpartition(":")
            found.add_image(repository, tag, image)
        yield found


@pytest.fixture
def puller(tmp_path: Path) -> Puller:
    """Provide a build machine with an empty cache."""
    return Puller(tmp_path)
