"""Adoption: installations made with Compose become sites, and the adoption can be undone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bundler_dify.releases import DEFAULT, RELEASES
from tests.e2e.conftest import BuiltBundle
from tests.e2e.test_main_line import carry, psql, run_in
from tests.support.bank import ACCEPT, Place, Workshop, open_place
from tests.support.engines import Site
from tests.support.images import build_images
from tests.support.programs import run

pytestmark = pytest.mark.engine

new_site = pytest.mark.parametrize("site", [True], indirect=True, ids=["docker26"])
SHOP = Path(__file__).parent / "shop"
PASSWORD = 'a$b "c" #d'
ENV = f"""# made by hand
export POSTGRES_PASSWORD='{PASSWORD}' # not this
REDIS_PASSWORD=of-the-old-redis
GREETING="hello from ${{PLACE:-the old}} shop"
WEB_PORT=18080
"""


def load(site: Site, images: dict[str, str]) -> None:
    """Load images from the tests' own layouts under the given names."""
    layouts = build_images(list(images.values()))
    for name, recipe in images.items():
        archive = site.folder / "image.tar"
        run("skopeo", "copy", "--quiet", f"oci:{layouts[recipe]}:latest", f"docker-archive:{archive}:{name}")
        site.docker("load", "-q", "-i", archive)
        archive.unlink()


def compose(site: Site, folder: Path, *words: str) -> None:
    """Run Compose in the folder, as the installation's owner does."""
    done = site.run("docker", "compose", *words, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr


def containers(site: Site, project: str) -> dict[str, str]:
    """Return a project's containers: ID -> `state restart-policy`."""
    label = f"label=com.docker.compose.project={project}"
    ids = site.docker("ps", "-aq", "--no-trunc", "--filter", label).split()
    if not ids:
        return {}
    form = "{{.Id}} {{.State.Status}} {{.HostConfig.RestartPolicy.Name}}"
    lines = site.docker("inspect", "-f", form, *ids).splitlines()
    return dict(line.split(" ", 1) for line in lines)


class Old:
    """The shop as its owner started it, with the unpacked installer."""

    def __init__(self, site: Site, bundle: BuiltBundle) -> None:
        self.site = site
        self.root = site.folder / "adopted shop"
        self.home = site.folder / "by hand" / "shop"
        shutil.copytree(SHOP, self.home)
        (self.home / ".env").write_text(ENV)
        for name, mark, value in (
            ("redis.conf", "@@REDIS_PASSWORD@@", "of-the-old-redis"),
            ("nginx/shop.conf", "@@GREETING@@", "the old shop"),
        ):
            file = self.home / name
            file.write_text(file.read_text().replace(mark, value))
        load(site, {"postgres:15": "postgres", "redis:7": "redis", "nginx:1.22": "nginx"})
        compose(site, self.home, "up", "-d", "--wait")
        psql(site, "INSERT INTO orders (what) VALUES ('tea')")
        run_in(site, "cache", "redis-cli", "SET", "basket", "3 pears")
        self.unpacked = carry(bundle, site)
        self.key = bundle.key.name
        self.before = containers(site, "shop")

    def command(self, *words: str) -> list[str | Path]:
        return [
            "dash",
            self.unpacked / "install",
            "adopt",
            *words,
            "--root",
            self.root,
            "--key",
            self.key,
            "--yes",
        ]

    def adopt(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.site.run(*self.command(*words), cwd=self.unpacked.parent)

    def files(self) -> list[tuple[str, int]]:
        """List the files of its folder and their sizes, except those that PostgreSQL writes when it stops."""
        data = self.home / "data/db"
        paths = [path for path in self.home.rglob("*") if data not in path.parents]
        return sorted((str(path), path.lstat().st_size) for path in [*paths, data / "PG_VERSION"])

    def check(self) -> None:
        """Check that the same containers run with the same data."""
        assert containers(self.site, "shop") == self.before
        deadline = time.monotonic() + 60
        while self.site.run("curl", "-fsS", "http://127.0.0.1:18080/").stdout != "the old shop\n":
            assert time.monotonic() < deadline
            time.sleep(0.5)
        assert psql(self.site, "SELECT string_agg(what, ',') FROM orders") == "tea"
        assert run_in(self.site, "cache", "redis-cli", "GET", "basket") == "3 pears"


@pytest.fixture(scope="module")
def old(shop: BuiltBundle, site: Site) -> Iterator[Old]:
    """Yield the running shop."""
    found = Old(site, shop)
    yield found
    site.clear()
    shutil.rmtree(found.root, ignore_errors=True)


@new_site
def test_a_plan_changes_nothing_and_a_failure_is_rolled_back(old: Old) -> None:
    plan = old.adopt("--from", str(old.home), "--dry-run")
    assert plan.returncode == 0, plan.stdout + plan.stderr
    assert "POSTGRES_PASSWORD (secret" in plan.stdout
    assert PASSWORD not in plan.stdout + plan.stderr
    assert "GREETING = hello from the old shop" in plan.stdout
    assert "copied to volume cache" in plan.stdout
    assert not old.root.exists()
    old.check()
    failed = old.adopt("--from", str(old.home), "--timeout", "1")
    assert failed.returncode == 5, failed.stdout + failed.stderr
    assert "is running again" in failed.stderr
    old.check()
    assert list((old.root / "data").iterdir()) == []
    named = [name for name in old.site.docker("volume", "ls", "-q").split() if "_" in name]
    assert named == ["shop_cache"]


@new_site
def test_a_killed_adoption_continues_and_can_be_undone(old: Old) -> None:
    """The run is killed while the old installation is stopped; the adoption is completed, used and undone."""
    site = old.site
    with subprocess.Popen(
        site.inside(*old.command("--from", str(old.home))),
        env=site.environment, cwd=old.unpacked.parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 120
        while not (old.root / "state/adopt.dumps/shop").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    refused = site.run("dash", old.unpacked / "install", "--root", old.root, "--key", old.key, "--yes",
                       "--set", "GREETING=x", "--set", "WEB_PORT=18081", cwd=old.unpacked.parent)  # fmt: skip
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "was interrupted" in refused.stderr
    done = old.adopt("--from", str(old.home))
    assert done.returncode == 0, done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    assert site.get("http://127.0.0.1:18080/") == "hello from the old shop\n"
    assert psql(site, "SELECT string_agg(what, ',') FROM orders") == "tea"
    assert run_in(site, "cache", "redis-cli", "GET", "basket") == "3 pears"
    assert f"POSTGRES_PASSWORD={PASSWORD}\n" in (old.root / "secrets.env").read_text()
    assert set(containers(site, "shop")) == set(old.before)
    assert set(containers(site, "shop").values()) == {"exited no"}
    psql(site, "INSERT INTO orders (what) VALUES ('milk')")
    status = site.run("dash", old.root / "shopctl", "status")
    assert status.returncode == 0, status.stdout + status.stderr
    back = site.run("dash", old.root / "shopctl", "adopt", "--back", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    old.check()
    (aside,) = old.root.glob("data.before-restore-*")
    assert (aside / "data/data/db/PG_VERSION").exists()
    assert len(list((aside / "volumes").iterdir())) == 1


@new_site
def test_a_confirmed_adoption_stays(old: Old) -> None:
    site = old.site
    files = old.files()
    done = old.adopt("--from", str(old.home))
    assert done.returncode == 0, done.stdout + done.stderr
    confirmed = site.run("dash", old.root / "shopctl", "adopt", "--confirm", "--yes")
    assert confirmed.returncode == 0, confirmed.stdout + confirmed.stderr
    assert "docker compose --project-name shop down" in confirmed.stdout
    none = site.run("dash", old.root / "shopctl", "adopt", "--back", "--yes")
    assert none.returncode == 2
    assert psql(site, "SELECT string_agg(what, ',') FROM orders") == "tea"
    assert set(containers(site, "shop")) == set(old.before)
    assert old.files() == files
    backup = site.run("dash", old.root / "shopctl", "backup")
    assert backup.returncode == 0, backup.stdout + backup.stderr


# ---------------------------------------------------------------- Dify

IMAGES = RELEASES[DEFAULT].images
UPSTREAM = {
    # Names and mounts from docker/docker-compose.yaml of Dify 1.17.1; the containers run the tests' programs.
    IMAGES.api: "dify:api",
    IMAGES.plugin_daemon: "dify:plugin_daemon",
    IMAGES.sandbox: "dify:sandbox",
    IMAGES.weaviate: "dify:weaviate",
    "postgres:15-alpine": "postgres",
    "redis:6-alpine": "redis",
    "nginx:latest": "nginx",
}
SLEEP = {"entrypoint": ["sleep", "infinity"], "init": True, "restart": "always"}
DOCUMENT = {
    "services": {
        "api": {
            **SLEEP, "image": IMAGES.api, "env_file": [".env"],
            "environment": {"MODE": "api"}, "volumes": ["./volumes/app/storage:/app/api/storage"],
        },
        "worker": {**SLEEP, "image": IMAGES.api, "env_file": [".env"], "environment": {"MODE": "worker"}},
        "db_postgres": {
            "image": "postgres:15-alpine", "restart": "always",
            "environment": {
                "POSTGRES_USER": "${DB_USERNAME:-postgres}", "POSTGRES_PASSWORD": "${DB_PASSWORD}",
                "POSTGRES_DB": "${DB_DATABASE:-dify}", "PGDATA": "/var/lib/postgresql/data/pgdata",
            },
            "volumes": ["./volumes/db/data:/var/lib/postgresql/data"],
            "healthcheck": {
                "test": ["CMD", "pg_isready", "-h", "127.0.0.1", "-U", "postgres", "-d", "dify"],
                "interval": "1s", "retries": 60,
            },
        },
        "redis": {
            "image": "redis:6-alpine", "restart": "always",
            "environment": {"REDISCLI_AUTH": "${REDIS_PASSWORD}"},
            "command": "redis-server --requirepass ${REDIS_PASSWORD}",
            "volumes": ["./volumes/redis/data:/data"],
        },
        "weaviate": {
            **SLEEP, "image": IMAGES.weaviate, "volumes": ["./volumes/weaviate:/var/lib/weaviate"],
            "environment": {"AUTHENTICATION_APIKEY_ALLOWED_KEYS": "${WEAVIATE_API_KEY}"},
        },
        "sandbox": {
            **SLEEP, "image": IMAGES.sandbox, "environment": {"API_KEY": "dify-sandbox"},
            "volumes": ["./volumes/sandbox/dependencies:/dependencies"],
        },
        "plugin_daemon": {
            **SLEEP, "image": IMAGES.plugin_daemon, "volumes": ["./volumes/plugin_daemon:/app/storage"],
            "environment": {"DB_DATABASE": "dify_plugin", "SERVER_KEY": "${PLUGIN_DAEMON_KEY}"},
        },
        "nginx": {
            **SLEEP, "image": "nginx:latest",
            "ports": ["${EXPOSE_NGINX_PORT:-80}:80", "${EXPOSE_NGINX_SSL_PORT:-443}:443"],
        },
    }
}  # fmt: skip
DIFY_ENV = """
SECRET_KEY="openssl/rand+base64=="
DB_TYPE=postgresql
DB_PASSWORD=of-the-old-database
REDIS_PASSWORD='of-the-old-redis' # comment
VECTOR_STORE=weaviate
STORAGE_TYPE=opendal
export WEAVIATE_API_KEY=of-the-old-store
PLUGIN_DAEMON_KEY=of-the-old-daemon
EXPOSE_NGINX_PORT=8080
EXPOSE_NGINX_SSL_PORT=8443
"""
SQL = """
CREATE TABLE tenants (id uuid PRIMARY KEY, name text, created_at timestamptz);
INSERT INTO tenants VALUES (gen_random_uuid(), 'Old Bank', now());
CREATE DATABASE dify_plugin;
"""
PLUGINS = """
CREATE TABLE plugins (identifier text PRIMARY KEY);
INSERT INTO plugins VALUES ('bank/rates');
"""


@pytest.fixture(scope="module")
def upstream(workshop: Workshop, bank: Path, short_folder: Path) -> Iterator[Place]:
    """Yield a site with a Dify from upstream's Compose file, with data in it, and the bank's bundle."""
    with open_place(short_folder / "adopted") as place:
        place.carry(bank, workshop.key)
        home = place.site.folder / "dify" / "docker"
        home.mkdir(parents=True)
        (home / "docker-compose.yaml").write_text(json.dumps(DOCUMENT))
        (home / ".env").write_text(DIFY_ENV)
        load(place.site, UPSTREAM)
        compose(place.site, home, "up", "-d", "--wait")
        for database, statements in (("dify", SQL), ("dify_plugin", PLUGINS)):
            for statement in statements.strip().splitlines():
                old_sql(place, database, statement)
        old_redis(place, "SET", "session", "of a user")
        for path, text in {"app/storage/privkeys/t/private.pem": "key", "weaviate/vectors": "1 2 3",
                           "plugin_daemon/plugin_packages/p": "package"}.items():  # fmt: skip
            file = home / "volumes" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        os.chown(home / "volumes/app/storage/privkeys/t/private.pem", 1001, 1001)
        yield place
        for container in place.site.docker("ps", "-aq").split():
            place.site.docker("rm", "-fv", container)


def old_sql(place: Place, database: str, statement: str) -> str:
    """Run a statement on the old PostgreSQL, as its superuser."""
    command = ("psql", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database, "-Atc", statement)
    return place.site.docker("exec", place.containers("db_postgres")[0], *command).strip()


def old_redis(place: Place, *words: str) -> str:
    """Run redis-cli in the current Redis container."""
    return place.site.docker("exec", place.containers("redis")[0], "redis-cli", *words).strip()


def test_a_dify_of_upstream_becomes_a_site_and_is_itself_again(upstream: Place) -> None:
    place, site = upstream, upstream.site
    home = site.folder / "dify/docker"
    before = containers(site, "docker")
    adopt = ("adopt", "--from", home, *ACCEPT)
    plan = place.install(*adopt, "--dry-run")
    assert plan.returncode == 0, plan.stdout + plan.stderr
    assert not place.root.exists()
    done = place.install(*adopt)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    secrets = place.secrets()
    assert secrets["SECRET_KEY"] == "openssl/rand+base64=="
    assert secrets["DB_PASSWORD"] == "of-the-old-database"
    assert secrets["SANDBOX_API_KEY"] != "dify-sandbox"
    assert [secret for secret in secrets.values() if secret in done.stdout + done.stderr] == []
    assert place.told("api", "SECRET_KEY") == secrets["SECRET_KEY"]
    assert place.sql("dify", "SELECT name FROM tenants") == "Old Bank"
    assert (
        place.sql("dify", "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'tenants'")
        == "dify"
    )
    assert place.sql("dify_plugin", "SELECT identifier FROM plugins") == "bank/rates"
    assert place.sql("dify", "SELECT count(*) FROM migrations") == "1"
    key = place.root / "data/app/storage/privkeys/t/private.pem"
    assert (key.read_text(), key.stat().st_uid) == ("key", 1001)
    assert (place.root / "data/weaviate/vectors").read_text() == "1 2 3"
    assert (place.root / "data/plugin_daemon/plugin_packages/p").read_text() == "package"
    assert old_redis(place, "GET", "session") == "of a user"
    task, worker = place.work()
    assert f"{task}|{worker}" in place.sql("dify", "SELECT id, worker FROM work")
    assert set(containers(site, "docker").values()) == {"exited no"}
    back = place.control("adopt", "--back", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert containers(site, "docker") == before
    assert containers(site, "dify") == {}
    assert old_sql(place, "dify", "SELECT name FROM tenants") == "Old Bank"
    tables = "SELECT string_agg(tablename, ',') FROM pg_tables WHERE schemaname = 'public'"
    assert old_sql(place, "dify", tables) == "tenants"  # no table of the new release is in it
    assert old_redis(place, "GET", "session") == "of a user"
    assert (home / "volumes/weaviate/vectors").read_text() == "1 2 3"
