"""Upgrades of a real database: a successful one, a failing one that rolls back, and manual rollbacks."""

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

from tests.e2e.conftest import SHOP
from tests.e2e.test_main_line import SHELLS, probed, psql, run_in
from tests.support.builder import Builder
from tests.support.engines import DistributionRegistry, Site
from tests.support.variants import add_layer, append, make_variant, replace

pytestmark = pytest.mark.engine

V2_SCHEMA = "ALTER TABLE orders ADD COLUMN IF NOT EXISTS made_by text NOT NULL DEFAULT 'v2';\n"
V3_SCHEMA = "INSERT INTO orders (what) VALUES ('written by v3');\nALTER TABLE orders DROP COLUMN made_by;\n"
COLOUR = "    - name: COLOUR\n      default: green\n    - name: REDIS_PASSWORD"
TOKEN = "    - name: API_TOKEN\n      kind: secret\n      generator: random:32\n"


@pytest.fixture(scope="session")
def versions(
    service_registry: DistributionRegistry, layouts: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Return the bundles by version; all are signed by the key in `bundle.pub` beside them."""
    folder = tmp_path_factory.mktemp("versions")
    later = add_layer(layouts["nginx"], folder / "nginx", {"etc/later": b"later\n"})
    service_registry.push(later, "library/nginx:1.23")
    v2 = {
        "shop.yaml": [
            replace("    - name: REDIS_PASSWORD", COLOUR),
            replace("  lifecycle:", TOKEN + "  lifecycle:"),
        ],
        "shop/compose.yaml": [
            replace("nginx:1.22", "nginx:1.23"),
            replace("      MOTTO:", "      COLOUR: ${COLOUR}\n      API_TOKEN: ${API_TOKEN}\n      MOTTO:"),
        ],
        "shop/schema/schema.sql": [append(V2_SCHEMA)],
    }
    v3 = {
        **v2,
        "shop/compose.yaml": [
            *v2["shop/compose.yaml"],
            replace("http://127.0.0.1/ready", "http://127.0.0.1:1/ready"),
        ],
        "shop/schema/schema.sql": [append(V2_SCHEMA), append(V3_SCHEMA)],
    }
    v4 = {
        **v2,
        "shop/probes/orders.sql": [replace("ROLLBACK;", "SELECT price FROM orders;")],
        "shop/schema/schema.sql": [append(V2_SCHEMA), append(V3_SCHEMA)],
    }
    builder = Builder(folder, folder / "cache")
    return {
        version: builder.build(make_variant(SHOP, folder / name, version, edits), service_registry.host)
        for name, version, edits in (
            ("v1", "1.0", {}),
            ("v2", "1.10", v2),
            ("v3", "1.11", v3),
            ("v4", "1.12", v4),
        )
    }


class Shop:
    """Site with the shop."""

    def __init__(self, site: Site, versions: dict[str, Path]) -> None:
        self.site = site
        self.versions = versions
        self.root = site.folder / "商店 root"
        self.shell = SHELLS[site.newer]
        self.carried = site.folder / "bundles"

    def command(self, version: str, *arguments: str) -> list[str | Path]:
        """Return the command line of a version's installer, after copying and unpacking its bundle."""
        bundle = self.versions[version]
        unpacked = self.carried / bundle.stem
        if not unpacked.exists():
            self.carried.mkdir(exist_ok=True)
            shutil.copy(bundle.parents[1] / "bundle.pub", self.carried)
            assert self.site.run("tar", "-xf", bundle, cwd=self.carried).returncode == 0
        key: list[str | Path] = ["--key", self.carried / "bundle.pub", "--root", self.root, "--yes"]
        return [*self.shell, unpacked / "install", *arguments, *key]

    def install(self, version: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.site.run(*self.command(version, *arguments))

    def kill_at(self, step: str, version: str, *arguments: str) -> None:
        """Start an upgrade; kill its process group a second after the journal records that `step` began."""
        before = len(self.journal())
        process = subprocess.Popen(
            self.site.inside(*self.command(version, *arguments)),
            cwd=self.site.folder, env=self.site.environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 120
        while not any(line.endswith(f"\tbegin\t{step}") for line in self.journal()[before:]):
            assert process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)
        time.sleep(1)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def half_replace(self) -> None:
        """Leave containers as Compose does if it is killed while it replaces them.

        The one that replaces `web` was created; `cache` has been replaced, but does not have its name yet.
        """
        web = json.loads(self.site.docker("inspect", "shop-web-1"))[0]
        labels = [f"--label={name}={value}" for name, value in web["Config"]["Labels"].items()]
        self.site.docker("create", "--name", f"{web['Id'][:12]}_shop-web-1", *labels, web["Image"])
        self.site.docker("rename", "shop-cache-1", "0123456789ab_shop-cache-1")

    def names(self) -> list[str]:
        """Return the names of all containers."""
        return sorted(self.site.docker("ps", "-a", "--format", "{{.Names}}").split())

    def journal(self) -> list[str]:
        return (self.root / "state/journal").read_text().splitlines()

    def control(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.site.run(*self.shell, self.root / "shopctl", *arguments)

    def orders(self) -> list[str]:
        return psql(self.site, "SELECT what FROM orders ORDER BY id").splitlines()

    def columns(self) -> str:
        names = (
            "SELECT string_agg(column_name, ',' ORDER BY ordinal_position) FROM information_schema.columns"
        )
        return psql(self.site, f"{names} WHERE table_name = 'orders'")

    def version(self) -> str:
        """Return the version of the running release; all services must be in the right state."""
        status = self.control("status", "--json")
        assert status.returncode == 0, status.stdout + status.stderr
        return str(json.loads(status.stdout)["version"])

    def log(self) -> str:
        return max((self.root / "log").iterdir()).read_text()


@pytest.fixture
def shop1(site: Site, versions: dict[str, Path]) -> Iterator[Shop]:
    """Yield version 1.0 with two orders and a key in redis."""
    found = Shop(site, versions)
    done = found.install("1.0", "--set", "GREETING=hello", "--set", "WEB_PORT=18080")
    assert done.returncode == 0, done.stdout + done.stderr
    psql(site, "INSERT INTO orders (what) VALUES ('tea'), ('rice')")
    run_in(site, "cache", "redis-cli", "SET", "basket", "3 pears")
    yield found
    site.run(*found.shell, found.root / "shopctl", "uninstall", "--purge", "all", "--yes")
    for container in site.docker("ps", "-aq").split():
        site.docker("rm", "--force", "--volumes", container)
    for volume in site.docker("volume", "ls", "-q").split():
        site.docker("volume", "rm", volume)
    shutil.rmtree(found.root, ignore_errors=True)
    shutil.rmtree(found.carried, ignore_errors=True)


def fail_to_upgrade(shop: Shop) -> None:
    """Check a failing upgrade: an unhealthy service or, at the other site, a failing probe."""
    found = probed(shop.control("status", "--json").stdout)
    assert found == {"orders": "ok", "basket": "ok", "motto": "not applicable"}
    if shop.site.newer:
        failed = shop.install("1.11", "--timeout", "40")
        reasons = ["web is in the wrong state (running/"]
    else:
        failed = shop.install("1.12")
        reasons = [
            "Probe orders failed: An order is taken: ",
            'column "price" does not exist',
            "Look at the log of db",
        ]
    assert failed.returncode == 5, failed.stdout + failed.stderr
    for reason in reasons:
        assert reason in failed.stderr
        assert reason in shop.log()


@pytest.mark.usefixtures("nothing_leaks")
def test_an_upgrade_a_failed_upgrade_and_a_rollback(shop1: Shop) -> None:
    shop = shop1
    secrets = (shop.root / "secrets.env").read_text()

    plan = json.loads(shop.install("1.10", "plan", "--json").stdout)
    assert plan["kind"] == "upgrade"
    assert {(i["change"], i["reference"].rpartition("/")[2]) for i in plan["images"]} == {
        ("new", "nginx:1.23"), ("dropped", "nginx:1.22"), ("kept", "postgres:15"), ("kept", "redis:7"),
    }  # fmt: skip
    assert {s["service"]: s["change"] for s in plan["services"]} == {
        "web": "changed", "db": "kept", "cache": "kept", "migrate": "changed",
    }  # fmt: skip
    assert {v["name"]: v["change"] for v in plan["variables"]} == {"API_TOKEN": "new", "COLOUR": "new"}
    assert "+    image: docker.io/library/nginx:1.23" in plan["config_diff"]
    assert all(line.partition("=")[2] not in json.dumps(plan) for line in secrets.splitlines())
    assert plan["bytes"]["load"] < 100_000
    assert plan["migrations"] == "migrate"
    assert shop.version() == "1.0"

    older = shop.root / "releases"
    if shop.site.newer:
        shop.half_replace()
        for step in ("backup", "start"):
            shop.kill_at(step, "1.10", "--set", "COLOUR=blue")
    done = shop.install("1.10", "--set", "COLOUR=blue")
    assert done.returncode == 0, done.stdout + done.stderr
    assert shop.version() == "1.10"
    assert shop.names() == [f"shop-{service}-1" for service in ("cache", "db", "migrate", "web")]
    assert shop.orders() == ["tea", "rice"]
    assert shop.columns() == "id,what,made_by"
    assert run_in(shop.site, "cache", "redis-cli", "GET", "basket") == "3 pears"
    assert run_in(shop.site, "web", "printenv", "COLOUR") == "blue"
    assert run_in(shop.site, "web", "cat", "/etc/later") == "later"
    assert shop.site.get("http://127.0.0.1:18080/") == "hello\n"
    assert set(secrets.splitlines()) < set((shop.root / "secrets.env").read_text().splitlines())
    psql(shop.site, "INSERT INTO orders (what) VALUES ('pears')")

    fail_to_upgrade(shop)
    assert shop.version() == "1.10"
    assert shop.orders() == ["tea", "rice", "pears"]
    assert shop.columns() == "id,what,made_by"
    assert run_in(shop.site, "cache", "redis-cli", "GET", "basket") == "3 pears"
    assert not list(shop.root.glob("data.before-restore-*"))

    if not shop.site.newer:
        return
    back = shop.control("rollback", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert shop.version() == "1.0"
    assert shop.orders() == ["tea", "rice"]
    assert shop.columns() == "id,what"
    assert shop.site.get("http://127.0.0.1:18080/") == "hello\n"

    forth = shop.control("rollback", "--forward", "--yes")
    assert forth.returncode == 0, forth.stdout + forth.stderr
    assert shop.version() == "1.10"
    assert shop.orders() == ["tea", "rice", "pears"]
    assert len(list(older.iterdir())) == 2
    secret_values = [line.partition("=")[2] for line in (shop.root / "secrets.env").read_text().splitlines()]
    logs = "".join(path.read_text() for path in (shop.root / "log").iterdir())
    assert all(value not in logs for value in secret_values)
