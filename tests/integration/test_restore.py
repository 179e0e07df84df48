"""A restore takes data and answers from a backup, never code, keys or configuration."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zlib
from pathlib import Path

import pytest

from tests.support.backups import seal
from tests.support.server import BUSYBOX, Server, Snapshots


@pytest.fixture
def server(snapshots: list[Snapshots], request: pytest.FixtureRequest) -> Server:
    """Return a server that runs version 1.0 on corrupted data, with a backup of good data."""
    shell = ("dash", "bash --posix", BUSYBOX)[zlib.crc32(request.node.name.encode()) % 3]
    return snapshots[0].load("spoilt", shell)


def backup_of(server: Server) -> Path:
    return server.root / "backups" / server.backup()


def forge(backup: Path, foreign: Path) -> None:
    """Forge a backup as anyone with write access can: another mount, another key, and matching checksums."""
    out = io.BytesIO()
    with (
        tarfile.open(backup / "config.tar") as config,
        tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in config:
            file = config.extractfile(member)
            content = file.read() if file else b""
            if member.name == "./compose.yaml":
                content = content.replace(b"/etc/app.conf", b"/host")
                assert b"/host" in content
                member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    (backup / "config.tar").write_bytes(out.getvalue())
    (backup / "trusted.pub").write_bytes(foreign.read_bytes())
    lines = [
        f"{hashlib.sha256((backup / line[66:]).read_bytes()).hexdigest()}{line[64:]}\n"
        for line in (backup / "SHA256SUMS").read_text().splitlines()
    ]
    lines.append(f"{hashlib.sha256(foreign.read_bytes()).hexdigest()}  trusted.pub\n")
    (backup / "SHA256SUMS").write_text("".join(sorted(lines, key=lambda line: line[66:])))


def state(server: Server) -> dict[str, bytes]:
    """Return everything that a refused restore must leave unchanged."""
    places = [
        server.root / name for name in ("data", "releases", "site.env", "secrets.env", "state/trusted.pub")
    ]
    files = [file for place in places for file in (place.rglob("*") if place.is_dir() else [place])]
    files += (server.folder / "engine/containers").iterdir()
    return {str(file): file.read_bytes() for file in files if file.is_file()}


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_a_forged_backup_is_refused_before_anything_stops(
    server: Server, tmp_path: Path, packed: bool
) -> None:
    foreign = tmp_path / "foreign.pub"
    foreign.write_text("another key\n")
    backup = backup_of(server)
    forge(backup, foreign)
    word: str | Path = backup.name
    if packed:
        word = tmp_path / "carried.tar"
        with tarfile.open(word, "w") as tar:
            tar.add(backup, backup.name)
    before = state(server)
    refused = server.control("restore", str(word))
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert "Nothing was changed" in refused.stderr
    assert state(server) == before
    assert not (server.root / "state/restore").exists()


def test_where_it_is_accepted_code_and_key_are_still_not_taken(server: Server, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.pub"
    foreign.write_text("another key\n")
    backup = backup_of(server)
    forge(backup, foreign)
    (backup / "SHA256SUMS.hmac").unlink()
    pinned = server.root / "state/trusted.pub"
    key, compose = pinned.read_bytes(), (server.root / "current/config/compose.yaml").read_bytes()
    assert server.control("restore", backup.name).returncode == 4
    done = server.control("restore", backup.name, "--accept", "unauthenticated-backup")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" in done.stderr
    server.check("1.0", "tea\n")
    assert pinned.read_bytes() == key
    assert (server.root / "current/config/compose.yaml").read_bytes() == compose


def test_the_configuration_is_made_anew_from_the_bundles_own(server: Server) -> None:
    """The configuration is rendered with the backup's answers and the operator's edits of this release."""
    changed = server.install("1.0", "--set", "GREETING=bonjour")
    assert changed.returncode == 0, changed.stdout + changed.stderr
    edited = server.root / "current/config/app.conf"
    assert "greeting bonjour\n" in edited.read_text()
    edited.write_text(edited.read_text().replace("# greeting and more", "# mine"))
    (server.root / "current/config/extra.conf").write_text("mine\n")
    done = server.control("restore", server.backup())
    assert done.returncode == 0, done.stdout + done.stderr
    server.check("1.0", "tea\n")
    assert "greeting hello\n" in edited.read_text()
    assert "# mine\n" in edited.read_text()
    assert (server.root / "current/config/extra.conf").read_text() == "mine\n"
    assert "GREETING=hello" in (server.root / "site.env").read_text()
    refused = server.install("2.0")
    assert refused.returncode == 1
    assert "config/extra.conf" in refused.stderr
    assert "config/compose.yaml" not in refused.stderr


def test_a_restore_that_fails_puts_the_configuration_back(server: Server) -> None:
    changed = server.install("1.0", "--set", "GREETING=bonjour")
    assert changed.returncode == 0, changed.stdout + changed.stderr
    backup = backup_of(server)
    key = server.secrets()["BUNDLE_BACKUP_KEY"]
    (backup / "volumes").mkdir(exist_ok=True)
    (backup / "volumes/1.tar").write_bytes(b"no tar")
    (backup / "volumes.tsv").write_text("#file\tname\tkey\nvolumes/1.tar\tapp_data\tdata\n")
    seal(backup, key)
    before = state(server)
    failed = server.control("restore", backup.name)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "putting the previous data back" in failed.stdout
    after = state(server)
    containers = [name for name in before if "/engine/" in name]
    assert {n: c for n, c in after.items() if n not in containers} == {
        n: c for n, c in before.items() if n not in containers
    }


def test_edits_in_a_backup_are_reported_and_left_out(server: Server) -> None:
    config = server.root / "current/config/app.conf"
    text = config.read_text()
    config.write_text(text.replace("# greeting and more", "# edited then"))
    assert server.control("backup").returncode == 0
    newest = max(path.name for path in (server.root / "backups").iterdir())
    config.write_text(text)
    done = server.control("restore", newest)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "config/app.conf" in done.stderr
    assert "config.tar" in done.stderr
    assert config.read_text() == text
    config.write_text(text.replace("# greeting and more", "# edited then"))
    again = server.control("restore", newest)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "config.tar" not in again.stderr
    assert "# edited then" in config.read_text()


def test_on_another_machine_the_key_is_needed_and_stays(snapshots: list[Snapshots]) -> None:
    server = snapshots[0].load("wiped")
    key = server.folder / "backup-key"
    refused = server.install("1.0", "restore", server.backup())
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert "--backup-key" in refused.stderr
    done = server.install("1.0", "restore", server.backup(), "--backup-key", str(key))
    assert done.returncode == 0, done.stdout + done.stderr
    server.check("1.0", "tea\n")
    assert f"BUNDLE_BACKUP_KEY={server.secrets()['BUNDLE_BACKUP_KEY']}\n" == key.read_text()
    assert server.control("restore", server.backup()).returncode == 0


def test_an_older_installation_gets_its_key_with_the_next_backup_or_upgrade(server: Server) -> None:
    secrets = server.root / "secrets.env"
    token = server.secrets()["TOKEN"]
    for command in ("backup", "1.0", "2.0"):
        secrets.write_text(f"TOKEN={token}\n")
        done = server.control("backup") if command == "backup" else server.install(command)
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(server.secrets()["BUNDLE_BACKUP_KEY"]) == 64, command
        assert server.secrets()["TOKEN"] == token
    for backup in (server.root / "backups").iterdir():
        assert "BUNDLE_BACKUP_KEY" not in (backup / "secrets.env").read_text()


def test_a_site_that_encrypts_refuses_a_plain_backup(server: Server, tmp_path: Path) -> None:
    plain = server.backup()
    (tmp_path / "passphrase").write_text("a long pass phrase\n")
    done = server.control("backup", "--encrypt", "--passphrase-file", str(tmp_path / "passphrase"))
    assert done.returncode == 0, done.stdout + done.stderr
    before = state(server)
    refused = server.control("restore", plain)
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert "--accept plain-backup" in refused.stderr
    assert state(server) == before
    done = server.control("restore", plain, "--accept", "plain-backup")
    assert done.returncode == 0, done.stdout + done.stderr
    server.check("1.0", "tea\n")
