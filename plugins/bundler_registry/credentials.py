"""Logins that `docker login` left: the Docker configuration and its credential helpers."""

from __future__ import annotations

import base64
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bundler.errors import FetchError
from bundler.json_documents import parse_json


@dataclass(frozen=True)
class Login:
    """Who we are for one registry. Either a name and a password, or an identity token."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The `Authorization` header of RFC 7617, in UTF-8."""
        pair = f"{self.username}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode()


class Logins(Protocol):
    """Where logins are looked up."""

    def find(self, host: str) -> Login | None:
        """The login for a registry, `host[:port]`.

        Raises:
            FetchError: there may be one, but it cannot be read.
        """


class DockerLogins:
    """`$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`, read by the Docker SDK. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._config: Any = None  # docker.auth.AuthConfig, imported late
        self._found: dict[str, Login | None] = {}

    def find(self, host: str) -> Login | None:
        """See `Logins.find`. Each host is looked up once: a credential helper is a process."""
        with self._lock:
            if host not in self._found:
                self._found[host] = self._look_up(host)
            return self._found[host]

    def _look_up(self, host: str) -> Login | None:
        # the Docker SDK costs 50 ms: who must log in pays
        from docker import auth, errors  # noqa: PLC0415
        from docker.utils import config  # noqa: PLC0415

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a helper that is not there is an error below
                if self._config is None:
                    path = Path(str(config.find_config_file() or ""))
                    if path.suffix == ".json":
                        parse_json(path.read_bytes())  # the SDK takes a damaged file for an empty one
                    self._config = auth.load_config()
                found = auth.resolve_authconfig(self._config, host)
        except (errors.DockerException, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            # the text of a ValueError may be the very thing that must not be shown
            reason = f": {error}" if isinstance(error, errors.DockerException) else ""
            raise FetchError(
                f"the login for {host} in the Docker configuration cannot be read{reason}",
                hint=f"repair it with `docker login {host}`, or take `credsStore` and `credHelpers` out"
                " of ~/.docker/config.json where the helper is not installed",
            ) from error
        return _login(found) if found else None


def _login(found: Mapping[str, Any]) -> Login | None:
    """The SDK spells the keys one way for files and another for helpers."""
    values = {key.lower(): value for key, value in found.items() if isinstance(value, str)}
    login = Login(values.get("username", ""), values.get("password", ""), values.get("identitytoken", ""))
    return login if login.username or login.identity_token else None
