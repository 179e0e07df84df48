"""Dify's data survive a backup, an upgrade, and a restore to an empty location."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass

import pytest

from tests.support.bank import ACCEPT, E2E, LATER, LATER_IMAGES, Place, Workshop

pytestmark = pytest.mark.engine

NEXT = f"""\
  version: {LATER}
  images: {json.dumps(LATER_IMAGES)}
  worker_replicas: 1
  uploads: {{file_mb: 50}}
  plugins:"""
OLD_COMPOSE = ("--accept", "compose")
"""The site's Compose is older than the version that upstream requires for 1.18.0."""


@dataclass(frozen=True)
class Kept:
    """Data that existed before the changes."""

    place: Place
    since: int
    secrets: dict[str, str]
    task: str
    worker: str
    rows: str
    plugins: str

    def check(self) -> None:
        """Check that the data are unchanged and that the services which need them work."""
        place = self.place
        assert place.secrets() == self.secrets
        assert place.sql("dify", ROWS) == self.rows
        assert place.sql("dify_plugin", PLUGINS) == self.plugins
        written = place.root / "data/app/storage" / self.task
        assert (written.read_text(), written.stat().st_uid) == (self.worker, 1001)
        place.wait_until_well()
        # A task uses gateway, API, queue, worker, database and storage, with the old secrets.
        task, worker = place.work()
        assert f"{task}|{worker}" in place.sql("dify", "SELECT id, worker FROM work")
        # Files in volumes that only the engine can reach keep their numeric owners.
        (sandbox,) = place.containers("local_sandbox")
        assert place.site.docker("exec", sandbox, "stat", "-c", "%u:%g %a", OWNED) == "4321:8765 640\n"


OWNED = "/workspace/owned"
ROWS = "SELECT string_agg(name, ',' ORDER BY name) FROM tenants"
MIGRATED = "SELECT string_agg(container, ',' ORDER BY at) FROM migrations"
PLUGINS = "SELECT string_agg(identifier, ',' ORDER BY identifier) FROM plugins"


@pytest.fixture(scope="module")
def kept(running: Place) -> Kept:
    """Return the data to keep: a workspace, a plugin, and a file written by a worker."""
    task, worker = running.work()
    running.post("/console/api/setup", {"name": "Bank 银行"})
    running.sql("dify_plugin", "INSERT INTO plugins VALUES ('bank/rates') ON CONFLICT DO NOTHING")
    (sandbox,) = running.containers("local_sandbox")
    own = f"echo kept >{OWNED} && chown 4321:8765 {OWNED} && chmod 640 {OWNED}"
    running.site.docker("exec", "-u", "0", sandbox, "sh", "-c", own)
    since = running.left.stat().st_size
    rows, plugins = running.sql("dify", ROWS), running.sql("dify_plugin", PLUGINS)
    assert "Bank 银行" in rows
    return Kept(running, since, running.secrets(), task, worker, rows, plugins)


@pytest.fixture(scope="module")
def later(kept: Kept, workshop: Workshop) -> Place:
    """Copy the next release of Dify to the site: other settings, the same profile name."""
    text = (E2E / "bank.yaml").read_text()
    assert "  plugins:" in text
    built = workshop.build("bank.yaml", text.replace("  plugins:", NEXT))
    (workshop.folder / "bank.yaml").write_text(text)
    shutil.rmtree(kept.place.unpacked)
    kept.place.carry(built, workshop.key)
    return kept.place


def running(place: Place) -> list[str]:
    """Return the IDs of all running containers."""
    return place.site.docker("ps", "-q").split()


def test_an_upgrade_that_is_not_healthy_in_time_is_rolled_back(kept: Kept, later: Place) -> None:
    """The previous release starts with the data of the backup, without the failed upgrade's migrations."""
    release = (later.root / "current").resolve()
    migrated = later.sql("dify", MIGRATED)
    done = later.install(*ACCEPT, *OLD_COMPOSE, "--timeout", "1")
    assert done.returncode == 5, done.stdout + done.stderr
    assert (later.root / "current").resolve() == release
    job = later.site.docker("ps", "-aq", "--filter", "label=com.docker.compose.service=migrate").split()
    assert later.sql("dify", MIGRATED) == f"{migrated},{job[0]}"
    kept.check()


def test_an_upgrade_keeps_rows_files_and_secrets(kept: Kept, later: Place) -> None:
    place = later
    release = (place.root / "current").resolve()
    migrations = int(place.sql("dify", "SELECT count(*) FROM migrations"))
    token = place.told("local_sandbox", "SHELLCTL_AUTH_TOKEN")
    plan = place.install("plan")
    assert "worker" in plan.stdout
    assert "Migrations to run: migrate" in plan.stdout
    assert place.install(*ACCEPT).returncode == 3
    done = place.install(*ACCEPT, *OLD_COMPOSE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((place.root / "backups").iterdir())
    named = [place.site.docker("inspect", "-f", "{{.Config.Image}}", one).strip() for one in running(place)]
    images = {name.removeprefix("docker.io/") for name in named}
    assert {f"langgenius/dify-{part}:{LATER}" for part in ("api", "web", "agent-backend")} <= images
    assert set(LATER_IMAGES.values()) <= images
    assert token
    assert place.told("agent_backend", "DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN") == token
    assert (place.root / "current").resolve() != release
    assert place.told("api", "UPLOAD_FILE_SIZE_LIMIT") == "50"
    assert len(place.containers("worker")) == 1
    assert place.sql("dify", "SELECT count(*) FROM migrations") == str(migrations + 1)
    kept.check()


def test_a_backup_is_enough_to_start_over(kept: Kept) -> None:
    """A backup made by the upgraded release is copied elsewhere and restored to an empty location."""
    place = kept.place
    away = place.site.folder / "nas"
    before = set(place.site.docker("ps", "-q").split())
    started = time.time()
    done = place.control("backup", "--output", away)
    assert done.returncode == 0, done.stdout + done.stderr
    backup = next(away.iterdir())
    assert sorted(path.name for path in (backup / "dumps").iterdir()) == ["dify", "dify_plugin"]
    # Every service was stopped, the vector store gracefully, and started again.
    assert float((place.root / "data/weaviate/stopped").read_text()) > started
    assert set(place.site.docker("ps", "-q").split()) == before
    kept.check()
    place.sql("dify", "INSERT INTO tenants VALUES (gen_random_uuid(), 'written after the backup', now())")
    key = place.site.folder / "backup-key"
    shown = place.control("backup", "--show-key")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    key.write_text(shown.stdout)
    place.remove()
    shutil.rmtree(place.root)
    restore = place.command("restore", backup, "--backup-key", key, *ACCEPT, *OLD_COMPOSE, "--yes")
    restored = place.site.run(*restore, cwd=place.carried, timeout=600)
    assert restored.returncode == 0, restored.stdout + restored.stderr
    kept.check()
    assert place.get("/")[0]["status"] == 200
    assert place.asked_outside(kept.since) == set()
