"""The label with a digest of what a service mounts: when it changes, and when it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.support.installer import call, shells

MOUNTED = """#service\tpath\tvariable\ttext
web\tconfig/conf.d\t-\t-
web\tconfig/web.conf\t-\t-
worker\t-\tTOKEN\t-
worker\t-\t-\tsha256:00
"""
RUN = """
HERE=$ROOT/releases/1 FACTS=$HERE
label_mounts
cat "$HERE/.mounted.yaml" 2>/dev/null
"""


class Release:
    """An installed release in a folder, with two services that mount something."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.release = folder / "root/releases/1"
        self.config = self.release / "config"
        (self.config / "conf.d").mkdir(parents=True)
        (self.config / "conf.d/a.conf").write_text("a")
        (self.config / "web.conf").write_text("web")
        (self.config / "other.conf").write_text("other")
        (self.release / "mounted.tsv").write_text(MOUNTED)
        (folder / "root/state").mkdir()
        self.values = folder / "root/state/compose.env"
        self.values.write_text("TOKEN='secret'\nTOKEN_TWO='two'\n")

    def labels(self, shell: str) -> dict[str, str]:
        """Return the label of each service."""
        result = call(shell, RUN, self.folder)
        assert result.returncode == 0, result.stderr
        found = yaml.safe_load(result.stdout)
        return {name: entry["labels"]["bundle.mounted"] for name, entry in found["services"].items()}


@pytest.fixture
def release(tmp_path: Path) -> Release:
    """Return a release."""
    return Release(tmp_path)


@pytest.mark.parametrize("shell", shells())
class TestLabels:
    """In every shell."""

    def test_only_what_a_service_mounts_changes_its_label(self, shell: str, release: Release) -> None:
        first = release.labels(shell)
        assert set(first) == {"web", "worker"}
        assert all(len(digest) == 64 for digest in first.values())
        (release.config / "other.conf").write_text("another")
        release.values.write_text("TOKEN='secret'\nTOKEN_TWO='three'\n")
        assert release.labels(shell) == first
        (release.config / "conf.d/a.conf").write_text("b")
        second = release.labels(shell)
        assert (second["web"] != first["web"], second["worker"]) == (True, first["worker"])
        release.values.write_text("TOKEN='other'\nTOKEN_TWO='two'\n")
        third = release.labels(shell)
        assert (third["web"], third["worker"] != first["worker"]) == (second["web"], True)

    @pytest.mark.parametrize("change", ["add", "remove", "mode", "link"])
    def test_each_change_of_a_file_is_seen(self, change: str, shell: str, release: Release) -> None:
        first = release.labels(shell)
        file = release.config / "conf.d/a.conf"
        if change == "add":
            (release.config / "conf.d/b c.conf").write_text("b")
        elif change == "remove":
            file.unlink()
        elif change == "mode":
            file.chmod(0o755)
        else:
            (release.config / "conf.d/z").symlink_to("missing")
        assert release.labels(shell)["web"] != first["web"]

    def test_a_mounted_file_that_is_missing_does_not_stop_the_start(
        self, shell: str, release: Release
    ) -> None:
        (release.config / "web.conf").unlink()
        assert set(release.labels(shell)) == {"web", "worker"}

    def test_a_short_secret_cannot_be_guessed(self, shell: str, release: Release) -> None:
        first = release.labels(shell)
        key = release.folder / "root/state/mount-key"
        assert key.stat().st_mode & 0o077 == 0
        key.unlink()
        assert release.labels(shell)["worker"] != first["worker"]

    @pytest.mark.parametrize("table", [None, "#service\tpath\tvariable\ttext\n"])
    def test_without_mounted_files_there_is_no_label(
        self, table: str | None, shell: str, release: Release
    ) -> None:
        (release.release / ".mounted.yaml").write_text("services: {gone: {}}\n")
        if table is None:
            (release.release / "mounted.tsv").unlink()
        else:
            (release.release / "mounted.tsv").write_text(table)
        assert call(shell, RUN, release.folder).stdout == ""
        assert not (release.release / ".mounted.yaml").exists()

    def test_compose_gets_the_labels_of_an_installed_release_only(self, shell: str, release: Release) -> None:
        assert release.labels(shell)
        (release.folder / "medium").mkdir()
        (release.folder / "medium/.mounted.yaml").write_text("services: {}\n")
        script = f"""
COMPOSE=plugin PROJECT=p
docker() {{ printf '%s\\n' "$@" | grep -c mounted.yaml; }}
clean_environment() {{ "$@"; }}
for HERE in "$ROOT/releases/1" '{release.folder}/medium'; do compose ps; done
"""
        assert call(shell, script, release.folder).stdout.split() == ["1", "0"]


@pytest.mark.parametrize("shell", shells())
def test_releases_that_containers_have_mounted(shell: str, tmp_path: Path) -> None:
    script = """
inspect_containers() { printf '%s\\n' "$ROOT/releases/1.0-a/config/x" "" /var/lib/x "$ROOT/data/releases/no" \
    "$ROOT/releases/1.0-a/config" "$ROOT/releases/2.0-b"; }
list_mounted
"""
    assert call(shell, script, tmp_path).stdout.split() == ["1.0-a", "2.0-b"]
