"""Attacks on an unpacked bundle with a genuine `install`: nothing is used before it is verified."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bundler.trust.signatures import sign_text
from bundler_installer.assemble import assemble_installer
from tests.support.installer import SHELLS, call, shells
from tests.support.kiosk import Host, Kiosk, build_kiosk
from tests.support.signing import Maker

ROOT_USER = os.geteuid() == 0
ROW = "\t".join([*"xy", "no", "value", *"-----"])
"""A row of variables.tsv for a variable named `x`."""


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def sign_again(host: Host) -> None:
    """Write SHA256SUMS of the current files, signed by the publisher: simulates a compromised builder."""
    folder = host.unpacked
    names = sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("SHA256SUMS")
    )
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    write_sums(host, "".join(lines).encode())


def write_sums(host: Host, sums: bytes) -> None:
    (host.unpacked / "SHA256SUMS").write_bytes(sums)
    maker = Maker(host.key.with_suffix(".key"), host.key)
    (host.unpacked / "SHA256SUMS.sig").write_bytes(sign_text(sums, [maker.key]))


def commands(host: Host) -> Sequence[Sequence[str | Path]]:
    """Return every command that reads a bundle."""
    common = ("--root", host.root, "--set", "GREETING=hello")
    return (
        ("preflight", *common),
        ("plan", *common),
        ("preflight", "--key", host.key, *common),
        ("plan", "--key", host.key, *common),
        ("verify", "--key", host.key, "--root", host.root),
        ("install", "--key", host.key, "--yes", *common),
    )


def test_a_changed_table_is_refused_before_it_is_read(host: Host) -> None:
    target = host.folder / "written-by-root"
    append(
        host.unpacked / "variables.tsv", f"../../../../../../{target}\tstring\tno\tevil" + "\t-" * 5 + "\n"
    )
    for command in commands(host):
        result = host.run(*command)
        assert result.returncode == 4, (command, result.stdout, result.stderr)
        assert "variables.tsv differs from what was signed" in result.stderr
        assert not target.exists()
        assert not host.root.exists()


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("variables.tsv", "../../evil\tstring\tno\tx\t-\t-\t-\t-\t-"),
        ("variables.tsv", "A\tstring\tno\t\x1b[2J\t-\t-\t-\t-\t-"),
        ("variables.tsv", "A\tstring\tno\tx\t-\t-\t-\t-\tunder\u202e"),
        ("variables.tsv", "A\tstring\tno\tx\t-\t-\t-\t-"),
        ("variables.tsv", "GREETING\tstring\tno\tx\t-\t-\t-\t-\t-"),
        ("templates.tsv", "config/../../x\t0644"),
        ("templates.tsv", "config/x\t4755"),
        ("templates.tsv", "config/x\t0646"),
        ("data.tsv", "/etc\t0755\t-\t-"),
        ("data.tsv", "a/..\t0755\t-\t-"),
        ("data.tsv", "a\t0755\troot\t-"),
        ("images.tsv", "-x\tsha256:a\tsha256:b\t1\t1"),
        ("images.tsv", "x\tsha256:a\tsha256:b\t1\t99999999999999999"),
        ("images.tsv", "x\tsha256:a\tsha256:$(id)\t1\t1"),
        ("services.tsv", "-rf\tx\trunning\t1"),
        ("dumps.tsv", "../x\tweb\ttrue\ttrue"),
        ("probes.tsv", "q\tweb\t8\tconfig/../../x\t-\tt\tt\tr\tr"),
        ("probes.tsv", "q\t-it\t8\t-\t-\tt\tt\tr\tr"),
        ("probes.tsv", "../q\tweb\t8\t-\t-\tt\tt\tr\tr"),
        ("probe-words.tsv", "q/../x\tsh"),
        ("checks.tsv", "x; id\tsystem\t-\t-\t-"),
    ],
)
def test_hostile_tables_of_an_unknown_maker_steer_nothing(host: Host, table: str, row: str) -> None:
    """Unknown key, or a compromised builder with a trusted one: every field is checked before any is used."""
    append(host.unpacked / table, row + "\n")
    sign_again(host)
    for command in (("preflight", "--root", host.root), ("plan", "--root", host.root)):
        result = host.run(*command)
        assert result.returncode == 4, (result.stdout, result.stderr)
        assert f"table in the bundle is damaged: {table}" in result.stderr
        assert not any(mark in result.stderr for mark in ("\x1b", "\u202e"))
    assert host.install().returncode == 4
    assert not host.root.exists()


def test_an_unknown_maker_is_warned_about(host: Host) -> None:
    for command in ("preflight", "plan"):
        result = host.run(command, "--root", host.root, "--set", "GREETING=x")
        assert "THE PUBLISHER OF THIS BUNDLE IS UNKNOWN" in result.stderr
        known = host.run(command, "--root", host.root, "--key", host.key, "--set", "GREETING=x")
        assert "UNKNOWN" not in known.stderr
        assert "Valid signature" in known.stdout
    (host.unpacked / "SHA256SUMS.sig").unlink()
    for command in ("preflight", "plan"):
        assert "NOT SIGNED" in host.run(command, "--root", host.root, "--set", "GREETING=x").stderr


def test_no_container_of_an_unknown_maker_is_started(host: Host) -> None:
    look = ("preflight", "--probe", "--root", host.root, "--set", "GREETING=x")
    unknown = host.run(*look)
    assert unknown.returncode == 4
    assert "THE PUBLISHER" not in unknown.stderr
    assert "--key" in unknown.stderr
    (host.unpacked / "SHA256SUMS.sig").unlink()
    unsigned = host.run(*look)
    assert unsigned.returncode == 4
    assert "--allow-unsigned" in unsigned.stderr
    assert not any(line.startswith(("run ", "network ")) for line in host.calls().splitlines())


def test_an_installer_that_is_not_the_signed_one(host: Host) -> None:
    append(host.unpacked / "install", "\n# changed\n")
    for command in commands(host):
        result = host.run(*command)
        assert result.returncode == 4
        assert "install differs from what was signed" in result.stderr


def hide_newline(host: Host) -> None:
    (host.unpacked / "config/compose.yaml\ninstall").write_text("unsigned")


def hide_tab(host: Host) -> None:
    (host.unpacked / "config/a\tb").write_text("unsigned")


def hide_in_folder(host: Host) -> None:
    folder = host.unpacked / "config\nconfig"
    folder.mkdir()
    (folder / "compose.yaml").write_text("unsigned")


def hide_link(host: Host) -> None:
    (host.unpacked / "config/link").symlink_to("/etc/passwd")


def hide_pipe(host: Host) -> None:
    os.mkfifo(host.unpacked / "config/pipe")


@pytest.mark.parametrize("hide", [hide_newline, hide_tab, hide_in_folder, hide_link, hide_pipe])
def test_a_file_that_was_not_signed(host: Host, hide: Callable[[Host], None]) -> None:
    hide(host)
    for command in (
        ("verify", "--key", host.key),
        ("install", "--key", host.key, "--yes", "--set", "GREETING=x"),
    ):
        result = host.run(*command, "--root", host.root)
        assert result.returncode == 4, (result.stdout, result.stderr)
        assert "link or a special file" in result.stderr


@pytest.mark.parametrize(
    "name",
    [
        "config/a\\b",
        "config/-rf",
        "-rf",
        "config/../x",
        "/etc/x",
        "config//x",
        "config/x/",
        "config/\x1bx",
        "config/\x7f",
        "config/\u202ex",
        "config/\u0085",
        "config/Compose.yaml",
        "CONFIG/x",
        "config/e\u0301",
        "config/compose.yaml",
        "config/compose.yaml/x",
    ],
)
def test_names_that_are_refused_though_they_are_signed(host: Host, name: str) -> None:
    sums = (host.unpacked / "SHA256SUMS").read_bytes()
    write_sums(host, sums + hashlib.sha256(b"").hexdigest().encode() + b"  " + name.encode() + b"\n")
    result = host.run("verify", "--key", host.key, "--root", host.root)
    assert result.returncode == 4
    assert "SHA256SUMS is damaged" in result.stderr


def test_letters_of_two_bytes_that_differ_in_case(host: Host) -> None:
    for first, second, code in (("\u00c9", "\u00e9", 4), ("\u0416", "\u0436", 4), ("\u4f60", "\u597d", 0)):
        for name in (first, second):
            (host.unpacked / "config" / name).write_text("x")
        sign_again(host)
        result = host.run("verify", "--key", host.key, "--root", host.root)
        assert result.returncode == code, (first, result.stderr)
        for name in (first, second):
            (host.unpacked / "config" / name).unlink()


def test_modes_come_from_the_signed_table(host: Host) -> None:
    """A medium without modes or a restrictive umask has no effect; the set-user-ID bit is not kept."""
    for path in host.unpacked.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    (host.unpacked / "config/compose.yaml").chmod(0o4777)
    result = host.install()
    assert result.returncode == 0, result.stdout + result.stderr
    current = host.root / "current"
    modes = {
        line.split("\t")[0]: line.split("\t")[1]
        for line in (current / "modes.tsv").read_text().splitlines()[1:]
    }
    assert modes["config/compose.yaml"] == "0644"
    templates = (current / "templates.tsv").read_text()
    for name, mode in modes.items():
        if name not in templates:
            assert stat.S_IMODE((current / name).stat().st_mode) == int(mode, 8), name
    assert stat.S_IMODE((current / "config").stat().st_mode) == 0o755
    assert not any(path.stat().st_mode & 0o7022 for path in current.rglob("*") if not path.is_symlink())


def test_folders_without_checksums_are_refused(host: Host) -> None:
    (host.unpacked / "config/extra").mkdir()
    assert host.install().returncode == 0
    assert not (host.root / "current/config/extra").exists()


SWAP = """
cat() {
    command cat "$@"
    case "$*" in
        *SHA256SUMS.sig)
            command cp "$HERE/../new-sums" "$HERE/SHA256SUMS"
            command cp "$HERE/../new-compose" "$HERE/config/compose.yaml"
            ;;
    esac
}
"""


@pytest.mark.parametrize("shell", shells())
def test_checksums_are_read_once(shell: str, kiosk: Kiosk, tmp_path: Path) -> None:
    """The owner of the unpacked folder swaps in a consistent forged set right after SHA256SUMS was read."""
    unpacked = kiosk.unpack(tmp_path)
    forged = (unpacked / "config/compose.yaml").read_bytes() + b"# forged\n"
    (tmp_path / "new-compose").write_bytes(forged)
    old = hashlib.sha256((unpacked / "config/compose.yaml").read_bytes()).hexdigest()
    sums = (unpacked / "SHA256SUMS").read_text()
    (tmp_path / "new-sums").write_text(sums.replace(old, hashlib.sha256(forged).hexdigest()))
    result = call(
        shell,
        f"{SWAP}\nHERE={unpacked} ROOT='' KEY={kiosk.key} COMMAND=verify\n"
        "open_bundle\nread_facts\nverify_bundle\n",
        tmp_path,
    )
    assert result.returncode == 4, (result.stdout, result.stderr)
    assert "config/compose.yaml differs from what was signed" in result.stderr


@pytest.mark.skipif(not ROOT_USER, reason="needs root: mounts a tmpfs")
@pytest.mark.parametrize("shell", shells())
def test_a_full_scratch_folder_is_reported_as_such(shell: str, kiosk: Kiosk, tmp_path: Path) -> None:
    unpacked = kiosk.unpack(tmp_path)
    append(unpacked / "config/compose.yaml", "# changed by somebody\n")
    full = tmp_path / "full"
    full.mkdir()
    script = 'mount -t tmpfs -o size="$1"k tmpfs "$2"; shift; export TMPDIR=$1; shift; exec "$@"'
    said = set()
    for size in (*range(4, 1600, 48), 4000):
        result = subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, "sh", str(size), full,
             *SHELLS[shell], unpacked / "install", "verify", "--key", kiosk.key, "--root", tmp_path / "root"],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert "Verified" not in result.stdout, size
        if result.returncode == 4:
            assert "config/compose.yaml differs from what was signed" in result.stderr, size
        else:
            assert result.returncode == 1, (size, result.stderr)
            assert "temporary folder" in result.stderr
        said.add(result.returncode)
    assert said == {1, 4}  # the largest has enough space to detect the change


def surround(host: Host) -> None:
    """Make the bundle's folder a link into folders that look like an installation."""
    hidden = host.unpacked.parent / ".kiosk"
    (hidden / "releases").mkdir(parents=True)
    (hidden / "state").mkdir()
    host.unpacked.rename(hidden / "releases" / host.unpacked.name)
    (hidden / "current").symlink_to(f"releases/{host.unpacked.name}")
    host.unpacked.symlink_to(f".kiosk/releases/{host.unpacked.name}")


def test_a_bundle_does_not_become_an_installation_by_where_it_lies(host: Host) -> None:
    target = host.folder / "written-by-root"
    append(
        host.unpacked / "variables.tsv", f"../../../../../../{target}\tstring\tno\tevil" + "\t-" * 5 + "\n"
    )
    surround(host)
    for command in commands(host):
        for name in ("install", str(host.unpacked / "install")):
            result = subprocess.run(
                [*SHELLS[host.shell], name, *map(str, command)], cwd=host.unpacked, env=host.variables(),
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert result.returncode == 4, (command, result.stdout, result.stderr)
            assert "variables.tsv differs from what was signed" in result.stderr
            assert not target.exists()


def test_an_installation_is_not_mistaken_for_another_root(host: Host) -> None:
    assert host.install().returncode == 0
    program = host.root / "current/install"
    for root, code in ((host.root, 0), (host.folder / "other", 2)):
        result = subprocess.run(
            [*SHELLS[host.shell], program, "status", "--root", root], env=host.variables(),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.returncode == code, result.stdout + result.stderr


def test_relative_paths_start_from_the_current_folder(host: Host) -> None:
    (host.folder / "answers.env").write_text("GREETING=hello\n")
    key = os.path.relpath(host.key, host.unpacked)
    run = (("preflight", "--report", "../report.html"), ("install", "--answers", "../answers.env", "--yes"))
    for arguments in run:
        result = subprocess.run(
            [*SHELLS[host.shell], "install", *arguments, "--root", "../root", "--key", key],
            cwd=host.unpacked, env=host.variables(), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout + result.stderr
    assert (host.folder / "report.html").stat().st_size > 1000
    assert (host.root / "site.env").read_text().startswith("GREETING=hello")


@pytest.mark.parametrize(
    ("number", "code"), [("08", 0), ("010", 0), ("0", 0), ("9" * 20, 2), ("-1", 2), ("x", 2)]
)
def test_numbers_are_decimal(host: Host, number: str, code: int) -> None:
    result = host.install("--timeout", number, "--keep", number)
    assert result.returncode == code, result.stdout + result.stderr
    assert "arithmetic" not in result.stderr
    assert "Illegal number" not in result.stderr


@pytest.mark.parametrize("line", ["created=08", "bundle_bytes=0x10", "health_timeout=1e9", "counter=007"])
def test_numbers_of_the_bundle_are_decimal(host: Host, line: str) -> None:
    key = line.partition("=")[0]
    path = host.unpacked / "bundle.env"
    path.write_text(
        "".join(
            f"{line}\n" if old.startswith(f"{key}=") else old for old in path.read_text().splitlines(True)
        )
    )
    sign_again(host)
    result = host.run("preflight", "--root", host.root)
    assert result.returncode == 4, result.stderr
    assert "bundle.env:" in result.stderr


def test_a_file_size_limit_counts_as_a_full_disk(host: Host) -> None:
    result = subprocess.run(
        ["sh", "-c", 'ulimit -f 20; exec "$@"', "sh",
         *SHELLS[host.shell], host.unpacked / "install", "verify",
         "--key", host.key, "--root", host.root],
        env=host.variables(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 1, result.stderr
    assert "temporary folder" in result.stderr
    assert list(host.folder.glob("bundle.*")) == []


def test_the_shipped_installer_has_no_hooks_for_tests(tmp_path: Path) -> None:
    assert b"BUNDLE_PROBE_ROOT" not in assemble_installer()
    assert b"BUNDLE_TRUSTED_KEYS" not in assemble_installer()
    kiosk = build_kiosk(tmp_path)
    shutil.rmtree(tmp_path / "cache")
    assert b"BUNDLE_TRUSTED_KEYS" in (kiosk.unpack(tmp_path) / "install").read_bytes()  # test builds have it
