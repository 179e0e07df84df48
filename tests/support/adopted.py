"""An existing Compose installation, made of files and of the facts an engine reports: no engine is needed.

The layout is that of upstream's Dify (`docker/docker-compose.yaml`): folders below `volumes/`, one `.env`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from bundler.api.application import ApplicationModel
from bundler_installer import forms
from bundler_installer.facts import application_rows

PROJECT = "docker"
ENGINE = """#!/bin/sh
# Answers as the files beside it say, and remembers what it was asked.
printf '%s\\n' "$*" >>"$0.calls"
case "$1 ${2:-}" in
    'ps -a') cat "$0.ps" ;;
    'ps -aq') cut -f 1 "$0.ps" ;;
    'ps -q') cat "$0.running" 2>/dev/null || : ;;
    'inspect -f') case $3 in *Config.Env*) cat "$0.facts" ;; *) echo 'true healthy' ;; esac ;;
    'volume ls') cat "$0.volumes" 2>/dev/null || : ;;
    'info -f') echo / ;;
    'compose version') echo 2.26.0 ;;
    compose*) cat "$0.config" || { cat "$0.refusal" >&2; exit 1; } ;;
    exec*) printf 'dump %s\\n' "$3" ;;
    update* | stop* | start*) case $* in *"$(cat "$0.broken" 2>/dev/null || echo nothing)"*) exit 1 ;; esac ;;
    *) echo "docker $*: not here" >&2; exit 1 ;;
esac
"""


def identifier(service: str) -> str:
    """Return the ID of a service's container."""
    return (service.encode().hex() + "0" * 64)[:64]


@dataclass
class Container:
    """What an engine knows about a container."""

    image: str
    environment: dict[str, str] = field(default_factory=dict)
    mounts: dict[str, Path] = field(default_factory=dict)
    running: bool = True
    policy: str = "always:0"
    ports: tuple[str, ...] = ()

    def facts(self, service: str) -> str:
        """Format the facts as `docker inspect` prints them with the installer's template."""
        state = "true" if self.running else "false"
        lines = [f"C\t{identifier(service)}\t{service}\t{state}\t{self.policy}\t{self.image}"]
        lines += [f"E\t{quote(f'{name}={value}')}" for name, value in self.environment.items()]
        lines += [f"M\tbind\t{quote(place)}\t{quote(str(source))}" for place, source in self.mounts.items()]
        lines += [f"P\t{quote(port)}" for port in self.ports]
        return "".join(f"{line}\n" for line in lines)


def quote(text: str) -> str:
    """Quote a string as the `json` function of Go templates does."""
    quoted = json.dumps(text, ensure_ascii=False)
    for character in "<>&":
        quoted = quoted.replace(character, f"\\u{ord(character):04x}")
    return quoted


@dataclass
class Old:
    """The installation, and the stand-in for its engine at `folder/here/bin/docker`."""

    folder: Path
    containers: dict[str, Container] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The folder of its Compose file."""
        return self.folder / "dify" / "docker"

    @property
    def engine(self) -> Path:
        """The path of the stand-in for `docker`."""
        return self.folder / "here/bin/docker"

    def write(self) -> None:
        """Write the whole installation in its current state."""
        self.engine.parent.mkdir(parents=True, exist_ok=True)
        self.engine.write_text(ENGINE)
        self.engine.chmod(0o755)
        self.home.mkdir(parents=True, exist_ok=True)
        self.beside(
            "ps", "".join(f"{identifier(name)}\t{PROJECT}\t{name}\t{self.home}\n" for name in self.containers)
        )
        self.beside("facts", "".join(one.facts(name) for name, one in self.containers.items()))
        if self.variables:
            (self.home / ".env").write_text("# read by Compose alone\n")
            lines = ['        "BUNDLE_DOLLAR": "a$$b"']
            lines += [
                f'        "BUNDLE_OF_{name}": {quote(value.replace("$", "$$"))}'
                for name, value in self.variables.items()
            ]
            self.beside("config", "{\n" + ",\n".join(lines) + "\n}")

    def beside(self, name: str, text: str) -> None:
        """Write a file that the stand-in reads."""
        self.engine.with_name(f"docker.{name}").write_text(text)

    @property
    def calls(self) -> list[str]:
        """Return the calls that the stand-in received."""
        return self.engine.with_name("docker.calls").read_text().splitlines()


def upstream(folder: Path, version: str = "1.17.1", **secrets: str) -> Old:
    """Return Dify as upstream's Compose file deploys it, with data; `secrets` replace the public ones."""
    old = Old(folder)
    volumes = old.home / "volumes"
    key = secrets.get("SECRET_KEY", "kLm+9/Zq0=of-somebody")
    api = {"SECRET_KEY": key, "DB_TYPE": "postgresql", "VECTOR_STORE": "weaviate", "STORAGE_TYPE": "opendal"}
    tags = {"weaviate": "1.39.2"}
    old.containers = {
        "init_permissions": Container("busybox:latest", running=False, policy="no:0"),
        "api": Container(
            f"langgenius/dify-api:{version}", api, {"/app/api/storage": volumes / "app/storage"}
        ),
        "worker": Container(f"langgenius/dify-api:{version}", api),
        "db_postgres": Container(
            "postgres:15-alpine",
            {
                "POSTGRES_USER": "postgres",
                "POSTGRES_DB": "dify",
                "PG_MAJOR": "15",
                "POSTGRES_PASSWORD": secrets.get("DB_PASSWORD", "of-the-database"),
            },
            {"/var/lib/postgresql/data": volumes / "db/data"},
        ),
        "redis": Container(
            "redis:6-alpine",
            {"REDISCLI_AUTH": secrets.get("REDIS_PASSWORD", "difyai123456")},
            {"/data": volumes / "redis/data"},
        ),
        "weaviate": Container(
            f"cr.weaviate.io/semitechnologies/weaviate:{tags['weaviate']}",
            {"AUTHENTICATION_APIKEY_ALLOWED_KEYS": "one-of-our-own"},
            {"/var/lib/weaviate": volumes / "weaviate"},
        ),
        "sandbox": Container(
            "langgenius/dify-sandbox:0.2.15",
            {"API_KEY": "dify-sandbox"},
            {"/dependencies": volumes / "sandbox/dependencies", "/conf": volumes / "sandbox/conf"},
        ),
        "plugin_daemon": Container(
            "langgenius/dify-plugin-daemon:0.6.10-local",
            {"DB_DATABASE": "dify_plugin", "SERVER_KEY": "of/base+64=="},
            {"/app/storage": volumes / "plugin_daemon"},
        ),
        "nginx": Container("nginx:latest", {"NGINX_SERVER_NAME": "_"}, ports=("8080", "8443")),
    }
    for container in old.containers.values():
        for source in container.mounts.values():
            source.mkdir(parents=True, exist_ok=True)
    (volumes / "app/storage/privkeys").mkdir()
    (volumes / "app/storage/privkeys/private.pem").write_text("a workspace's key")
    (volumes / "redis/data/dump.rdb").write_text("REDIS0009")
    old.variables = {"EXPOSE_NGINX_PORT": "8080", "EXPOSE_NGINX_SSL_PORT": "8443"}
    return old


def write_tables(model: ApplicationModel, folder: Path) -> None:
    """Write the tables that an adoption reads, as in a bundle."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = application_rows(model)
    rows["data.tsv"] = [replace(folder, uid=None, gid=None) for folder in model.data]  # no chown in tests
    for name, lines in rows.items():
        (folder / name).write_text(forms.header(name) + "".join(forms.row(name, line) for line in lines))
    (folder / "bundle.env").write_text(f"name={model.name}\nproject={model.name}\n")
