"""PostgreSQL and Redis servers that the site already has, using TLS certificates of a private authority."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.certificates import Authority
from tests.support.engines import Site
from tests.support.images import build_images
from tests.support.programs import need_program, run

ADDRESS = "198.51.100.1"
"""The site's address, set by `Site.watch`."""
ACCESS = "local all all trust\nhostssl all all all scram-sha-256\n"
"""pg_hba.conf: network connections only with TLS."""
POSTGRES = (
    'install -o postgres -m 600 /pki/server.key /tmp/server.key && exec docker-entrypoint.sh postgres "$@" '
    "-c ssl=on -c ssl_cert_file=/pki/server.crt -c ssl_key_file=/tmp/server.key -c hba_file=/pki/pg_hba.conf"
)
REDIS = (
    "install -o redis -m 600 /pki/server.key /tmp/server.key && exec docker-entrypoint.sh redis-server "
    "--protected-mode no --port 0 --tls-port 6379 --tls-auth-clients no "
    "--tls-cert-file /pki/server.crt --tls-key-file /tmp/server.key "
    """--user default off --user dify on ">$REDIS_PASSWORD" '~*' '&*' +@all"""
)


@dataclass(frozen=True)
class OwnServers:
    """What the site's operators know about their servers."""

    site: Site
    authority: Authority
    database_password: str
    cache_password: str

    def sql(self, database: str, statement: str) -> str:
        """Run a statement as the server's administrator."""
        command = ("psql", "-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1", "-Atc", statement)
        return self.site.docker("exec", "own-postgres", *command).strip()

    def cache(self, database: int, *words: str) -> str:
        """Send a command to Redis and return its answer."""
        tls = ("--tls", "--cacert", "/pki/ca.crt", "-h", ADDRESS, "--user", "dify", "-n", str(database))
        environment = ("-e", f"REDISCLI_AUTH={self.cache_password}")
        return self.site.docker("exec", *environment, "own-redis", "redis-cli", *tls, *words).strip()


def make_authority(folder: Path) -> Authority:
    """Create the authority, and the files that the servers need from it."""
    authority = Authority.make(folder)
    authority.issue("server", f"IP:{ADDRESS}")
    (folder / "pg_hba.conf").write_text(ACCESS)
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644)
    return authority


@contextmanager
def run_own_servers(site: Site, authority: Authority) -> Iterator[OwnServers]:
    """Start both in the site's network; Dify's databases are owned by a user without other privileges."""
    for recipe, layout in build_images(["postgres", "redis"]).items():
        archive = site.folder / f"{recipe}.tar"
        target = f"docker-archive:{archive}:own/{recipe}:1"
        run(need_program("skopeo"), "copy", "--quiet", f"oci:{layout}:latest", target)
        site.docker("load", "--quiet", "--input", archive)
        archive.unlink()
    pki = site.folder / "own"
    shutil.copytree(authority.folder, pki, dirs_exist_ok=True)
    found = OwnServers(site, authority, secrets.token_urlsafe(24), secrets.token_urlsafe(24))
    common = ("run", "-d", "--network", "host", "-v", f"{pki}:/pki:ro", "--entrypoint", "sh")
    try:
        site.docker(
            *common, "--name", "own-postgres", "-e", "POSTGRES_PASSWORD=of-the-administrator",
            "own/postgres:1", "-c", POSTGRES, "sh",
        )  # fmt: skip
        site.docker(
            *common, "--name", "own-redis", "-e", f"REDIS_PASSWORD={found.cache_password}",
            "own/redis:1", "-c", REDIS,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        ready = ("docker", "exec", "own-postgres", "pg_isready", "-h", ADDRESS)
        while site.run(*ready).returncode:
            assert time.monotonic() < deadline, site.run("docker", "logs", "own-postgres").stderr
            time.sleep(0.5)
        found.sql("postgres", f"CREATE ROLE dify LOGIN PASSWORD '{found.database_password}'")
        for database in ("dify", "dify_plugin"):
            found.sql("postgres", f"CREATE DATABASE {database} OWNER dify")
        yield found
    finally:
        site.run("docker", "rm", "--force", "--volumes", "own-postgres", "own-redis")
