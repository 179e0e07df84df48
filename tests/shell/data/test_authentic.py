"""A backup's origin is verified before anything in it is used; a check whose tools fail is a failure."""

from __future__ import annotations

import hashlib
import hmac
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.support.backups import NAMED, SITE_KEY, make_backup, seal
from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())
OTHER_KEY = "f" * 64
PASSPHRASE = "some long pass phrase"
ROUNDS = 200000
SALT = "0011223344556677"


def forge_data(backup: Path) -> None:
    (backup / "data.tar").write_bytes(b"evil")
    code = (backup / "SHA256SUMS.hmac").read_bytes()
    seal(backup, "")
    (backup / "SHA256SUMS.hmac").write_bytes(code)


def forge_volume(backup: Path) -> None:
    (backup / "volumes.tsv").write_text("#file\tname\tkey\nvolumes/1.tar\tother_app_db\t-\n")
    (backup / "volumes").mkdir()
    (backup / "volumes/1.tar").write_bytes(b"")
    seal(backup, OTHER_KEY)


def change_code(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def forge(backup: Path) -> None:
        code = backup / "SHA256SUMS.hmac"
        code.write_bytes(change(code.read_bytes()))

    return forge


FORGERIES: dict[str, Callable[[Path], None]] = {
    "other data, the list made anew": forge_data,
    "another volume, by another key": forge_volume,
    "by another key": lambda backup: seal(backup, OTHER_KEY),
    "no code": lambda backup: seal(backup, ""),
    "an empty code": change_code(lambda _: b""),
    "half a code": change_code(lambda code: code[:32]),
    "a code and more": change_code(lambda code: code + b"\n"),
    "a code with NUL": change_code(lambda code: code[:64] + b"\0\n"),
    "a code in capitals": change_code(bytes.upper),
}


@shell
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_backup_is_refused(shell: str, tmp_path: Path, forgery: str) -> None:
    backup = make_backup(tmp_path)
    FORGERIES[forgery](backup)
    done = call(shell, NAMED + f"verify_backup {backup}; echo code $?", tmp_path)
    assert done.stdout == "code 4\n", done.stderr
    assert SITE_KEY not in done.stderr


@shell
@pytest.mark.parametrize("line", ["encrypted=maybe", "release=../../x", "created=\x1b[2J"])
def test_facts_of_another_form_are_refused_even_where_any_backup_is_accepted(
    shell: str, tmp_path: Path, line: str
) -> None:
    key, _, value = line.partition("=")
    backup = make_backup(tmp_path, **{key: value})
    seal(backup, "")
    script = NAMED + f"ACCEPTED=' unauthenticated-backup '; verify_backup {backup}; echo code $?"
    done = call(shell, script, tmp_path)
    assert done.stdout == "code 4\n", done.stderr
    assert "\x1b" not in done.stderr


@shell
def test_an_older_backup_is_accepted_by_name_with_a_loud_warning(shell: str, tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    seal(backup, "")
    refused = call(shell, NAMED + f"verify_backup {backup}", tmp_path)
    assert refused.returncode == 4
    assert "--accept unauthenticated-backup" in refused.stderr
    script = NAMED + f"ACCEPTED=' unauthenticated-backup '; verify_backup {backup}; verify_backup {backup}"
    done = call(shell, script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("WARNING") == 1
    chinese = call(shell, script, tmp_path, language="zh")
    assert "未经认证" in chinese.stderr


@shell
def test_accepting_unauthenticated_ones_does_not_accept_a_wrong_code(shell: str, tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    forge_data(backup)
    script = NAMED + f"ACCEPTED=' unauthenticated-backup '; verify_backup {backup}; echo code $?"
    assert call(shell, script, tmp_path).stdout == "code 4\n"


@shell
def test_without_the_key_nothing_is_taken(shell: str, tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    (tmp_path / "root/secrets.env").unlink()
    done = call(shell, NAMED + f"verify_backup {backup}; echo code $?", tmp_path)
    assert done.stdout == "code 4\n"
    assert "--backup-key" in done.stderr


@shell
@pytest.mark.parametrize(
    "text",
    [
        SITE_KEY,
        SITE_KEY.upper() + "\r\n",
        f"TOKEN=x\nBUNDLE_BACKUP_KEY={SITE_KEY}\n",
        f"BUNDLE_BACKUP_KEY={SITE_KEY}\r\n",
    ],
    ids=["hex", "capitals", "secrets.env", "one line"],
)
def test_the_key_of_another_machine_is_given_in_a_file(shell: str, tmp_path: Path, text: str) -> None:
    backup = make_backup(tmp_path)
    (tmp_path / "root/secrets.env").write_text(f"BUNDLE_BACKUP_KEY={OTHER_KEY}\n")
    (tmp_path / "key").write_bytes(text.encode())
    script = NAMED + f"COMMAND=restore BACKUP_KEY_FILE={tmp_path}/key; verify_backup {backup}; echo code $?"
    done = call(shell, script, tmp_path)
    assert done.stdout == "code 0\n", done.stderr


@shell
@pytest.mark.parametrize(
    "text", [None, "", "0123", SITE_KEY + "0", "BUNDLE_BACKUP_KEY=0123\n" + SITE_KEY, "g" * 64]
)
def test_a_file_without_a_key_is_wrong_usage(shell: str, tmp_path: Path, text: str | None) -> None:
    backup = make_backup(tmp_path)
    if text is not None:
        (tmp_path / "key").write_text(text)
    script = NAMED + f"COMMAND=restore BACKUP_KEY_FILE={tmp_path}/key; verify_backup {backup}; echo code $?"
    done = call(shell, script, tmp_path)
    assert done.stdout == "code 2\n"
    assert f"{tmp_path}/key" in done.stderr


def make_encrypted(folder: Path) -> Path:
    """Create a backup whose list is authenticated by the passphrase; its files are not encrypted."""
    backup = make_backup(folder, encrypted="yes", rounds=str(ROUNDS), salt=SALT)
    material = hashlib.pbkdf2_hmac("sha256", PASSPHRASE.encode(), bytes.fromhex(SALT), ROUNDS, 48)
    cipher = Cipher(algorithms.AES(material[:32]), modes.CTR(material[32:])).encryptor()
    code = hmac.new(cipher.update(bytes(32)), (backup / "SHA256SUMS").read_bytes(), "sha256")
    (backup / "SHA256SUMS.hmac").write_text(code.hexdigest() + "\n")
    (folder / "passphrase").write_text(PASSPHRASE + "\n")
    return backup


@shell
@pytest.mark.parametrize(
    ("before", "code", "words"),
    [
        ("", 0, ""),
        ("PASSPHRASE='not the right one'", 4, "Wrong passphrase"),
        ("dd() { return 1; }", 1, ""),
        ("od() { :; }", 1, "cannot be computed"),
        ('openssl() { [ "$1" != enc ]; }', 1, ""),
        ("rm -f $ROOT/backups/*/*.hmac", 4, "damaged"),
    ],
)
def test_the_passphrase_authenticates_an_encrypted_one(
    shell: str, tmp_path: Path, before: str, code: int, words: str
) -> None:
    backup = make_encrypted(tmp_path)
    script = NAMED + f"PASSPHRASE_FILE={tmp_path}/passphrase\n{before}\nverify_backup {backup}; echo code $?"
    done = call(shell, script, tmp_path)
    assert done.stdout == f"code {code}\n", done.stderr
    assert words in done.stderr


TOOLS = ("awk", "cat", "cut", "dd", "find", "od", "openssl", "sort", "tr", "wc", "cmp", "hash_files")
FAILURES = {"fails": "return 1", "missing": "return 127", "silent": ":"}


@shell
@pytest.mark.parametrize(
    ("tool", "how"),
    [
        (tool, how) for tool in TOOLS for how in FAILURES if (tool, how) != ("cmp", "silent")
    ],  # its silence means equal
)
def test_a_failing_tool_is_an_error(shell: str, tmp_path: Path, tool: str, how: str) -> None:
    """When a tool reports its failure, the backup is not reported as damaged."""
    fail = f"{tool}() {{ {FAILURES[how]}; }}\n"
    backup = make_backup(tmp_path)
    if tool == "od":
        done = call(shell, NAMED + f"rm $ROOT/secrets.env\n{fail}keep_site_key; echo made", tmp_path)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        return
    done = call(shell, NAMED + f"{fail}verify_backup {backup} && echo good", tmp_path)
    assert "good" not in done.stdout
    assert done.returncode in {1, 4}
    if how == "missing" and tool != "cmp":
        assert done.returncode == 1
        assert "damaged" not in done.stderr


@shell
def test_a_full_scratch_folder_is_reported_as_such(shell: str, tmp_path: Path) -> None:
    """With growing limits on file size, a check either has all of its lists or ends with 1."""
    backup = make_backup(tmp_path)
    for number in range(60):
        (backup / f"dumps/{number}").write_text(f"{number}")
    seal(backup)
    codes = []
    for blocks in range(14):
        script = NAMED + f"trap '' 25; ulimit -f {blocks}; verify_backup {backup}"
        done = call(shell, script, tmp_path)
        codes.append(done.returncode)
        if done.returncode:
            assert "temporary folder" in done.stderr, (blocks, done.stderr)
    failed = codes.count(1)
    assert codes == [1] * failed + [0] * (14 - failed)
    assert failed >= 5


@shell
def test_what_was_exchanged_after_the_check_is_noticed(shell: str, tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    older = tmp_path / "older"
    shutil.copytree(backup, older)
    (older / "backup.env").write_text((older / "backup.env").read_text().replace("2026-01-01", "2020-01-01"))
    (older / "data.tar").write_bytes(b"older data" * 40)
    seal(older)
    script = NAMED + (
        f"verify_backup {backup} || exit 9\nopen_backup {backup}\npour data.tar cat; echo whole $?\n"
        f"rm -r {backup}; mv {older} {backup}\n"
        "pour data.tar cat; echo exchanged $?; cat $SCRATCH/pour-errors; echo; source_fact created\n"
        f"verify_backup {backup}; echo again $?"
    )
    done = call(shell, script, tmp_path)
    lines = done.stdout.splitlines()
    assert lines[:2] == ["whole 0", "exchanged 1"], done.stderr
    assert "was changed after it was checked" in lines[2]
    assert lines[3:] == ["2026-01-01T02:03:04Z", "again 4"]


@shell
@pytest.mark.parametrize("reader", ["head -c 3", "true", "cat"])
def test_a_stream_is_hashed_whole_even_if_its_reader_stops_early(
    shell: str, tmp_path: Path, reader: str
) -> None:
    backup = make_backup(tmp_path)
    (backup / "data.tar").write_bytes(b"0123456789" * 100000)
    seal(backup)
    script = (
        NAMED + f"verify_backup {backup} || exit 9\nopen_backup {backup}\npour data.tar {reader}; echo $?"
    )
    done = call(shell, script, tmp_path)
    assert done.stdout == "0\n", done.stderr
    done = call(shell, script.replace(reader, "false"), tmp_path)
    assert done.stdout == "1\n"


@shell
def test_a_site_that_encrypts_refuses_a_plain_one(shell: str, tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    script = NAMED + f": >$ROOT/state/encrypts; SOURCE={backup}; read_once $SOURCE; refuse_plain; echo taken"
    refused = call(shell, script, tmp_path)
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "--accept plain-backup" in refused.stderr
    done = call(shell, "ACCEPTED=' plain-backup '\n" + script, tmp_path)
    assert done.stdout == "taken\n"


@shell
def test_the_site_key_is_made_once_and_kept(shell: str, tmp_path: Path) -> None:
    secrets = tmp_path / "root/secrets.env"
    secrets.parent.mkdir()
    secrets.write_text("TOKEN=old")
    secrets.chmod(0o600)
    tables = tmp_path / "here"
    tables.mkdir()
    (tables / "variables.tsv").write_text("#name\tkind\nTOKEN\tsecret\n")
    make = NAMED + "keep_site_key; keep_site_key; printf '%s' new >$VALUES/TOKEN; write_variables\n"
    done = call(shell, make, tmp_path)
    assert done.returncode == 0, done.stderr
    token, line = secrets.read_text().splitlines()
    assert token == "TOKEN=new"
    name, _, key = line.partition("=")
    assert name == "BUNDLE_BACKUP_KEY"
    assert len(bytes.fromhex(key)) == 32
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert call(shell, make, tmp_path).returncode == 0
    assert secrets.read_text() == f"TOKEN=new\n{line}\n"
    assert key not in (tmp_path / "root/state/compose.env").read_text()
    assert key not in done.stdout + done.stderr


@shell
def test_a_damaged_site_key_is_not_replaced(shell: str, tmp_path: Path) -> None:
    secrets = tmp_path / "root/secrets.env"
    secrets.parent.mkdir()
    secrets.write_text("BUNDLE_BACKUP_KEY=0123\n")
    done = call(shell, NAMED + "keep_site_key; echo made", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert secrets.read_text() == "BUNDLE_BACKUP_KEY=0123\n"


@shell
def test_a_full_disk_leaves_the_secrets_as_they_are(shell: str, tmp_path: Path) -> None:
    secrets = tmp_path / "root/secrets.env"
    secrets.parent.mkdir()
    secrets.write_text("TOKEN=" + "x" * 5000 + "\n")
    done = call(shell, NAMED + "trap '' 25; ulimit -f 2; keep_site_key; echo made", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert secrets.read_text() == "TOKEN=" + "x" * 5000 + "\n"


@shell
def test_the_key_is_in_no_argument_no_environment_and_no_report(shell: str, tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    seen, programs = tmp_path / "seen", tmp_path / "bin"
    programs.mkdir()
    for name in ("openssl", "awk", "sed", "od", "dd", "tr", "cut", "cmp", "cat", "tee", "grep", "sort"):
        spy = programs / name
        spy.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$@" >>{seen}; env >>{seen}\nexec {shutil.which(name)} "$@"\n'
        )
        spy.chmod(0o755)
    script = NAMED + (
        f"PATH={programs}:$PATH; export PATH; LOG=$ROOT/log/run\nverify_backup {backup} || exit 9\n"
        "write_log checked; redact <$ROOT/secrets.env; cat $ROOT/log/run"
    )
    done = call(shell, script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert seen.stat().st_size
    assert SITE_KEY not in seen.read_text() + done.stdout + done.stderr
    assert "BUNDLE_BACKUP_KEY=******" in done.stdout


@shell
def test_answers_of_a_backup_are_data_and_the_key_stays_the_sites_own(shell: str, tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    (backup / "site.env").write_text("GREETING=hello\n../../evil=1\n")
    (backup / "secrets.env").write_text(f"TOKEN=restored\nBUNDLE_BACKUP_KEY={OTHER_KEY}\n")
    seal(backup)
    script = (
        NAMED + f"verify_backup {backup} || exit 9\nopen_backup {backup}\ntake_restored; cat $RESTORED/*.env"
    )
    done = call(shell, script, tmp_path)
    assert done.stdout == f"TOKEN=restored\nBUNDLE_BACKUP_KEY={SITE_KEY}\nGREETING=hello\n", done.stderr
