"""Logins that `docker login` or `podman login` left: their files and credential helpers."""

from __future__ import annotations

import base64
import os
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bundler.errors import FetchError
from bundler.io.json import parse_json


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


class FileLogins:
    """The logins of one file, read by the Docker SDK when it is first asked. Thread-safe."""

    name = "the file"
    """What messages call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._config: Any = None  # docker.auth.AuthConfig, imported late
        self._found: dict[str, Login | None] = {}

    def path(self) -> Path | None:
        """The file, if there is one.

        Raises:
            FetchError: it is named, and is not there.
        """
        raise NotImplementedError

    def find(self, host: str) -> Login | None:
        """See `Logins.find`. Each host is looked up once: a credential helper is a process."""
        with self._lock:
            if host not in self._found:
                self._found[host] = self._look_up(host)
            return self._found[host]

    def _look_up(self, host: str) -> Login | None:
        path = self.path()
        if path is None:
            return None
        # the Docker SDK costs 50 ms: who must log in pays
        from docker import auth, errors  # noqa: PLC0415

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a helper that is not there is an error below
                if self._config is None:
                    if path.suffix == ".json":
                        parse_json(path.read_bytes())  # the SDK takes a damaged file for an empty one
                    self._config = auth.load_config(config_path=str(path))
                found = auth.resolve_authconfig(self._config, host)
        except (errors.DockerException, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            # the text of a ValueError may be the very thing that must not be shown
            reason = f": {error}" if isinstance(error, errors.DockerException) else ""
            raise FetchError(
                f"the login for {host} in {self.name} cannot be read{reason}",
                hint=f"repair it with `docker login {host}`, or remove `credsStore` and `credHelpers`"
                f" from {path} if the helper is not installed",
            ) from error
        return _login(found) if found else None


class DockerLogins(FileLogins):
    """`$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`."""

    name = "the Docker configuration"

    def path(self) -> Path | None:
        """See `FileLogins.path`."""
        from docker.utils import config  # noqa: PLC0415 as above

        found = config.find_config_file()
        return Path(str(found)) if found else None


class PodmanLogins(FileLogins):
    """What `podman login`, `skopeo login` and `buildah login` left: containers-auth.json(5)."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """By default, in this process's environment."""
        super().__init__()
        self._environment = os.environ if environment is None else environment
        self.name = "Podman's auth.json"

    def path(self) -> Path | None:
        """`$REGISTRY_AUTH_FILE`, else below `$XDG_RUNTIME_DIR` or `/run`, else below `$XDG_CONFIG_HOME`."""
        named = self._environment.get("REGISTRY_AUTH_FILE")
        if named:
            if not Path(named).is_file():
                raise FetchError(
                    f"REGISTRY_AUTH_FILE={named}: no such file", hint="fix or unset the variable"
                )
            return Path(named)
        runtime = self._environment.get("XDG_RUNTIME_DIR") or f"/run/containers/{os.getuid()}"
        config = self._environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
        for folder in (runtime, config):
            path = Path(folder) / "containers/auth.json"
            if path.is_file():
                return path
        return None


class LoginsInOrder:
    """Several places; the first one that has a login for a host wins."""

    def __init__(self, places: Sequence[Logins]) -> None:
        """Nothing is read yet."""
        self._places = places

    def find(self, host: str) -> Login | None:
        """See `Logins.find`."""
        for place in self._places:
            found = place.find(host)
            if found is not None:
                return found
        return None


def _login(found: Mapping[str, Any]) -> Login | None:
    """The SDK spells the keys one way for files and another for helpers."""
    values = {key.lower(): value for key, value in found.items() if isinstance(value, str)}
    login = Login(values.get("username", ""), values.get("password", ""), values.get("identitytoken", ""))
    return login if login.username or login.identity_token else None
