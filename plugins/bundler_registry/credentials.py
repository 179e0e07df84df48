"""Reads the logins that `docker login` and `podman login` saved: their files and credential helpers."""

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
from bundler.language import tr, tr_later


@dataclass(frozen=True)
class Login:
    """Credentials for one registry: either a name and a password, or an identity token."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The `Authorization` header for Basic authentication (RFC 7617), in UTF-8."""
        pair = f"{self.username}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode()


class Logins(Protocol):
    """Looks up logins."""

    def find(self, host: str) -> Login | None:
        """Return the login for a registry, `host[:port]`, or None.

        Raises:
            FetchError: there may be a login, but it cannot be read.
        """


class FileLogins:
    """The logins of one file, read with the Docker SDK on first use. Thread-safe."""

    name = tr_later("the file")
    """Name of the file in messages."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._config: Any = None  # docker.auth.AuthConfig, which is imported on first use
        self._found: dict[str, Login | None] = {}

    def path(self) -> Path | None:
        """Return the path of the file, or None if there is no file.

        Raises:
            FetchError: the environment names a file that does not exist.
        """
        raise NotImplementedError

    def find(self, host: str) -> Login | None:
        """See `Logins.find`. Looks up each host once, because a credential helper starts a process."""
        with self._lock:
            if host not in self._found:
                self._found[host] = self._look_up(host)
            return self._found[host]

    def _look_up(self, host: str) -> Login | None:
        path = self.path()
        if path is None:
            return None
        # importing the Docker SDK takes 50 ms: do it only when a login is needed
        from docker import auth, errors  # noqa: PLC0415

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a missing helper becomes an error below
                if self._config is None:
                    if path.suffix == ".json":
                        parse_json(path.read_bytes())  # the SDK treats a damaged file as empty
                    self._config = auth.load_config(config_path=str(path))
                found = auth.resolve_authconfig(self._config, host)
        except (errors.DockerException, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            # do not show the text of a ValueError: it may contain a secret
            reason = f": {error}" if isinstance(error, errors.DockerException) else ""
            raise FetchError(
                tr(
                    "the login for {host} in {name} cannot be read{reason}",
                    host=host,
                    name=tr(self.name),
                    reason=reason,
                ),
                hint=tr(
                    "repair it with `docker login {host}`, or remove `credsStore` and `credHelpers`"
                    " from {path} if the helper is not installed",
                    host=host,
                    path=path,
                ),
            ) from error
        return _login(found) if found else None


class DockerLogins(FileLogins):
    """The logins in `$DOCKER_CONFIG/config.json`, else in `~/.docker/config.json`."""

    name = tr_later("the Docker configuration")

    def path(self) -> Path | None:
        """See `FileLogins.path`."""
        from docker.utils import config  # noqa: PLC0415 as above

        found = config.find_config_file()
        return Path(str(found)) if found else None


class PodmanLogins(FileLogins):
    """The logins that `podman login`, `skopeo login` and `buildah login` saved: containers-auth.json(5)."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """Use `environment`, by default that of this process."""
        super().__init__()
        self._environment = os.environ if environment is None else environment
        self.name = "Podman's auth.json"

    def path(self) -> Path | None:
        """Look at `$REGISTRY_AUTH_FILE`, then below `$XDG_RUNTIME_DIR` or `/run`, then `$XDG_CONFIG_HOME`."""
        named = self._environment.get("REGISTRY_AUTH_FILE")
        if named:
            if not Path(named).is_file():
                raise FetchError(
                    tr("REGISTRY_AUTH_FILE={named}: no such file", named=named),
                    hint=tr("fix or unset the variable"),
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
    """Looks in several places; the first one that has a login for a host wins."""

    def __init__(self, places: Sequence[Logins]) -> None:
        """Remember the places; nothing is read yet."""
        self._places = places

    def find(self, host: str) -> Login | None:
        """See `Logins.find`."""
        for place in self._places:
            found = place.find(host)
            if found is not None:
                return found
        return None


def _login(found: Mapping[str, Any]) -> Login | None:
    """Convert a login of the SDK, which uses different keys for files and for helpers."""
    values = {key.lower(): value for key, value in found.items() if isinstance(value, str)}
    login = Login(values.get("username", ""), values.get("password", ""), values.get("identitytoken", ""))
    return login if login.username or login.identity_token else None
