"""Files that a bundle brings and services write: delivered once, renewed unless the site changed them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())
HEADER = "#path\tmode\tuid\tgid\n"


class Site:
    """A root, and a release with files for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.here = folder / "here"
        self.data = folder / "root" / "data"
        self.data.mkdir(parents=True)

    def release(self, *, mode: str = "0644", owner: str = "-\t-", disposable: str = "", **files: str) -> None:
        """Write a release with files (`conf__a` is `conf/a`)."""
        rows = ""
        top = self.here / "config" / ".initial-data"
        for name, text in files.items():
            path = name.replace("__", "/")
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_text(text)
            rows += f"{path}\t{mode}\t{owner}\n"
        self.here.mkdir(exist_ok=True)
        (self.here / "initial.tsv").write_text(HEADER + rows)
        (self.here / "lifecycle.tsv").write_text(
            "#what\tname\n" + (f"disposable\t{disposable}\n" if disposable else "")
        )

    def deliver(self, shell: str, before: str = "", *, fails: bool = False) -> str:
        """Deliver, and return what was said."""
        done = call(shell, f"{before}\ndeliver_initial", self.folder)
        assert (done.returncode != 0) is fails, done.stderr
        return done.stdout + done.stderr

    def texts(self) -> dict[str, str]:
        return {
            path.relative_to(self.data).as_posix(): path.read_text()
            for path in sorted(self.data.rglob("*"))
            if path.is_file() and path.name != ".delivered"
        }


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@shell
def test_files_are_delivered_once(shell: str, site: Site) -> None:
    site.release(conf__a="a", conf__deep__b="b")
    site.deliver(shell)
    assert site.texts() == {"conf/a": "a", "conf/deep/b": "b"}
    record = (site.data / ".delivered").read_text()
    assert len(record.splitlines()) == 2
    assert stat.S_IMODE((site.data / ".delivered").stat().st_mode) == 0o600
    before = (site.data / "conf/a").stat().st_ino
    assert site.deliver(shell) == ""
    assert (site.data / "conf/a").stat().st_ino == before, "an unchanged file stays untouched"


@shell
def test_an_upgrade_renews_what_the_site_did_not_change(shell: str, site: Site) -> None:
    site.release(conf__a="a1", conf__b="b1", conf__c="c1", conf__d="d1")
    site.deliver(shell)
    (site.data / "conf/b").write_text("the site's")
    (site.data / "conf/c").unlink()
    (site.data / "conf/own").write_text("the site's own")
    site.release(conf__a="a2", conf__b="b2", conf__c="c2", conf__d="d1", conf__e="e2")
    said = site.deliver(shell)
    assert site.texts() == {
        "conf/a": "a2", "conf/b": "the site's", "conf/d": "d1", "conf/e": "e2", "conf/own": "the site's own",
    }  # fmt: skip
    kept, gone = said.index("data/conf/b"), said.index("data/conf/c")
    assert kept < gone
    assert "data/conf/a" not in said
    assert site.deliver(shell) == "", "what is kept is said once for each release"


@shell
def test_changes_of_the_site_are_not_mentioned_without_a_new_version(shell: str, site: Site) -> None:
    site.release(conf__a="a1", conf__b="b1")
    site.deliver(shell)
    (site.data / "conf/a").write_text("the site's")
    (site.data / "conf/b").unlink()
    assert site.deliver(shell) == ""
    assert site.texts() == {"conf/a": "the site's"}


@shell
def test_a_rollback_renews_backwards(shell: str, site: Site) -> None:
    for text in ("one", "two", "one"):
        site.release(a=text)
        site.deliver(shell)
        assert site.texts() == {"a": text}


@shell
def test_files_of_a_site_without_a_record_stay(shell: str, site: Site) -> None:
    (site.data / "conf").mkdir()
    (site.data / "conf/a").write_text("adopted")
    (site.data / "conf/b").write_text("same")
    site.release(conf__a="new", conf__b="same")
    said = site.deliver(shell)
    assert site.texts() == {"conf/a": "adopted", "conf/b": "same"}
    assert "data/conf/a" in said
    assert "data/conf/b" not in said


@shell
def test_files_that_are_no_longer_brought_stay_and_are_named(shell: str, site: Site) -> None:
    site.release(conf__a="a", conf__b="b")
    site.deliver(shell)
    site.here.rename(site.folder / "old")
    site.release(conf__a="a")
    assert "data/conf/b" in site.deliver(shell)
    assert site.texts() == {"conf/a": "a", "conf/b": "b"}
    assert site.deliver(shell) == ""


@shell
def test_a_restored_record_belongs_to_its_data(shell: str, site: Site) -> None:
    site.release(a="one")
    site.deliver(shell)
    saved = (site.data / ".delivered").read_bytes()
    site.release(a="two")
    site.deliver(shell)
    (site.data / ".delivered").write_bytes(saved)
    (site.data / "a").write_text("one")
    site.release(a="one")
    assert site.deliver(shell) == ""
    assert site.texts() == {"a": "one"}


@shell
def test_caches_are_not_in_backups_and_are_filled_again(shell: str, site: Site) -> None:
    site.release(cache__a="a", kept__b="b", disposable="cache")
    site.deliver(shell)
    for name in ("cache/a", "kept/b"):
        (site.data / name).unlink()
    site.deliver(shell)
    assert site.texts() == {"cache/a": "a"}


@shell
def test_modes_and_owners(shell: str, site: Site) -> None:
    owner = f"{os.getuid()}\t{os.getgid()}"
    site.release(mode="0666", owner=owner, conf__open="x")
    site.deliver(shell)
    assert stat.S_IMODE((site.data / "conf/open").stat().st_mode) == 0o666
    assert stat.S_IMODE((site.data / "conf").stat().st_mode) == 0o755


@shell
@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_owners_are_kept_when_a_file_is_renewed(shell: str, site: Site) -> None:
    site.release(owner="4321\t1234", conf__a="one")
    site.deliver(shell)
    found = (site.data / "conf/a").stat()
    assert (found.st_uid, found.st_gid) == (4321, 1234)
    os.chown(site.data / "conf/a", 99, 98)
    site.release(owner="4321\t1234", conf__a="two")
    site.deliver(shell)
    found = (site.data / "conf/a").stat()
    assert (found.st_uid, found.st_gid) == (99, 98)
    assert site.texts() == {"conf/a": "two"}


@shell
@pytest.mark.parametrize("planted", ["folder", "file"])
def test_links_do_not_lead_out(shell: str, site: Site, planted: str) -> None:
    outside = site.folder / "outside"
    outside.mkdir()
    (outside / "a").write_text("outside")
    if planted == "folder":
        (site.data / "conf").symlink_to(outside)
    else:
        (site.data / "conf").mkdir()
        (site.data / "conf/a").symlink_to(outside / "a")
    site.release(conf__a="a", conf__b="b")
    site.deliver(shell, fails=planted == "folder")
    assert {path.name for path in outside.iterdir()} == {"a"}
    assert (outside / "a").read_text() == "outside"
    if planted == "file":
        assert (site.data / "conf/a").is_symlink()
        assert (site.data / "conf/b").read_text() == "b"


@shell
def test_a_pipe_in_a_files_place_does_not_stop_the_run(shell: str, site: Site) -> None:
    os.mkfifo(site.data / "a")
    site.release(a="a", b="b")
    assert "data/a" in site.deliver(shell)
    assert (site.data / "b").read_text() == "b"


KILLS = {
    "before a file is placed": "put_in_place() { kill -9 $$; sleep 5; }",
    "after the first file": 'put_in_place() { mv -f -- "$1" "$2"; kill -9 $$; sleep 5; }',
    "before the record": "record_delivered() { kill -9 $$; sleep 5; }",
}


@shell
@pytest.mark.parametrize("kill", KILLS.values(), ids=KILLS)
def test_a_killed_delivery_is_completed_by_the_next_run(shell: str, site: Site, kill: str) -> None:
    site.release(conf__a="a1", conf__b="b1")
    site.deliver(shell)
    (site.data / "conf/b").write_text("the site's")
    site.release(conf__a="a2", conf__b="b2", conf__c="c2")
    site.deliver(shell, kill, fails=True)
    said = site.deliver(shell)
    assert site.texts() == {"conf/a": "a2", "conf/b": "the site's", "conf/c": "c2"}
    assert "data/conf/b" in said
    assert "data/conf/a" not in said


@shell
def test_a_full_disk_is_said_and_the_old_file_stays(shell: str, site: Site) -> None:
    site.release(conf__a="one")
    site.deliver(shell)
    site.release(conf__a="x" * 100_000)
    said = site.deliver(shell, "ulimit -f 16; trap '' XFSZ", fails=True)
    assert "disk is full" in said
    assert site.texts() == {"conf/a": "one"}
    site.deliver(shell)
    assert site.texts() == {"conf/a": "x" * 100_000}


@shell
def test_a_release_from_before_there_were_such_files(shell: str, site: Site) -> None:
    site.here.mkdir()
    site.deliver(shell)
    assert site.texts() == {}
