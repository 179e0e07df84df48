"""Run `bundle verify` and `inspect` on modified bundles and on files that are not bundles."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bundler.bundle.checksums import PUBLIC_KEY, SIGNATURE, SUMS
from bundler.bundle.tar import ArchiveReader, Entry, Member
from bundler.errors import UsageError, VerificationError
from bundler.trust.verify import LIMITS, inspect, verify
from tests.support.tiny import (
    CREATED,
    FORMAT,
    MANIFEST,
    PUBLIC,
    SIGNER,
    TOP,
    TRUST,
    signed,
    tiny_members,
    write_bundle,
)

MEMORY = 150_000_000


def check(path: Path, *, allow_unsigned: bool = False) -> None:
    verify(path, SIGNER, TRUST, allow_unsigned=allow_unsigned, advance=lambda _: None, form=FORMAT)


def refuse(path: Path, match: str, **options: bool) -> None:
    with pytest.raises(VerificationError, match=match) as caught:
        check(path, **options)
    assert caught.value.exit_code == 4


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "a.tar", signed(tiny_members()))


def test_a_bundle_verifies(bundle: Path) -> None:
    check(bundle)
    assert inspect(bundle, FORMAT).manifest == MANIFEST


# ---------------------------------------------------------------- only one form is accepted


def test_members_in_another_order_are_refused(tmp_path: Path) -> None:
    members = signed(tiny_members())
    members[-1], members[-2] = members[-2], members[-1]
    refuse(write_bundle(tmp_path / "a.tar", members), "out of order in the archive")


def test_another_time_in_the_headers_is_refused(tmp_path: Path) -> None:
    path = write_bundle(tmp_path / "a.tar", signed(tiny_members()), created=CREATED + 1)
    refuse(path, "a different folder or time")


def test_another_top_folder_is_refused(tmp_path: Path) -> None:
    path = write_bundle(tmp_path / "a.tar", signed(tiny_members()), top="other-1.0-demo-linux-amd64")
    refuse(path, "a different folder or time")


@pytest.mark.parametrize("left_out", [PUBLIC_KEY, SIGNATURE])
def test_a_signature_without_its_key_is_refused(tmp_path: Path, left_out: str) -> None:
    members = [member for member in signed(tiny_members()) if member.path != left_out]
    path = write_bundle(tmp_path / "a.tar", members)
    with pytest.raises(VerificationError):
        check(path)
    refuse(path, "one exists without the other|is missing", allow_unsigned=True)


def test_a_folder_that_bundles_do_not_have_is_refused(tmp_path: Path) -> None:
    members = [*signed(tiny_members()), Member.of("zz/a", b"")]
    refuse(write_bundle(tmp_path / "a.tar", members), "not a folder of a bundle")


def test_checksums_that_list_nothing_are_refused(tmp_path: Path) -> None:
    members = [member for member in signed(tiny_members(), key=None) if member.path != SUMS]
    members.insert(1, Member.of(SUMS, b""))
    refuse(write_bundle(tmp_path / "a.tar", members), "not listed", allow_unsigned=True)


@pytest.mark.parametrize(
    ("sums", "match"),
    [
        (b"%s  b\n%s  a\n", "not sorted"),
        (b"%s  a\n%s  a\n", "two files have this path"),
        (b"%s  a\n%s  SHA256SUMS\n", "not a checksum line"),
        (b"%s *a\n%s  b\n", "not a checksum line"),
        (b"%s  a\n%s  b", "incomplete"),
    ],
)
def test_checksums_in_another_form_are_refused(tmp_path: Path, sums: bytes, match: str) -> None:
    digest = b"0" * 64
    members = [
        Member.of("install", b"", 0o755),
        Member.of(SUMS, sums % (digest, digest)),
        Member.of("bundle.json", MANIFEST.to_bytes()),
    ]
    refuse(write_bundle(tmp_path / "a.tar", members), match, allow_unsigned=True)


def test_digests_are_lower_case_hex(tmp_path: Path) -> None:
    for digest in (b"A" * 64, b"g" * 64, "\u0661".encode() * 32):
        members = [
            Member.of("install", b"", 0o755),
            Member.of(SUMS, digest + b"  a\n"),
            Member.of("bundle.json", MANIFEST.to_bytes()),
        ]
        refuse(write_bundle(tmp_path / "a.tar", members), "not a checksum line", allow_unsigned=True)


# ---------------------------------------------------------------- headers


def forge(path: Path, member: str, change: Callable[[bytearray], None]) -> None:
    """Change the header of a member and correct its checksum, as an attacker would."""
    with tarfile.open(path) as tar:
        at = tar.getmember(f"{TOP}/{member}").offset
    raw = bytearray(path.read_bytes())
    block = bytearray(raw[at : at + 512])
    change(block)
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % sum(block)
    raw[at : at + 512] = block
    path.write_bytes(raw)


def field(start: int, value: bytes) -> Callable[[bytearray], None]:
    def change(block: bytearray) -> None:
        block[start : start + len(value)] = value

    return change


HEADERS = {
    "size -1": field(124, b"\xff" * 12),
    "size -2, base 256": field(124, b"\xff" * 11 + b"\xfe"),
    "size 2^87": field(124, b"\x80" + b"\xff" * 11),
    "size 8 GiB - 1": field(124, b"77777777777\0"),
    "size 2^62 in base 256": field(124, b"\x80\0\0\0\x40" + bytes(7)),
    "size as small base 256": field(124, b"\x80" + bytes(10) + b"\x05"),
    "size of blanks": field(124, b" " * 12),
    "size of letters": field(124, b"abcdefghijk\0"),
    "time -1": field(136, b"\xff" * 12),
    "time 2^87": field(136, b"\x80" + b"\xff" * 11),
    "mode -1": field(100, b"\xff" * 8),
    "mode setuid": field(100, b"0004755\0"),
    "uid -1": field(108, b"\xff" * 8),
    "name empty": field(0, bytes(100)),
    "name not UTF-8": field(40, b"\xff\xfe"),
    "type long name": field(156, b"L"),
    "type long link": field(156, b"K"),
    "type pax": field(156, b"x"),
    "type pax global": field(156, b"g"),
    "type sparse": field(156, b"S"),
    "type directory": field(156, b"5"),
    "type old regular": field(156, b"\0"),
    "type contiguous": field(156, b"7"),
    "link name": field(157, b"/etc/passwd"),
    "magic": field(257, b"ustar\0" + b"00"),
    "device": field(329, b"0000001\0"),
    "prefix": field(345, b"/etc"),
    "beyond the prefix": field(500, b"x"),
}


@pytest.mark.parametrize("member", ["install", SUMS, "bundle.json", "config/compose.yaml"])
@pytest.mark.parametrize("change", HEADERS.values(), ids=HEADERS)
def test_a_header_that_was_changed_is_refused(
    bundle: Path, member: str, change: Callable[[bytearray], None]
) -> None:
    forge(bundle, member, change)
    refuse(bundle, ".")
    if member != "config/compose.yaml":  # whose header `inspect` does not read
        with pytest.raises(VerificationError):
            inspect(bundle, FORMAT)


@pytest.mark.parametrize(
    "raw", [b"", b"x", b"\0" * 100, b"\0" * 1024, b"\0" * 10240, b"\0" * 20480, b"x" * 9999]
)
def test_a_file_that_is_not_a_bundle_is_reported_as_such(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(raw)
    refuse(path, ".")
    with pytest.raises(VerificationError):
        inspect(path, FORMAT)


# ---------------------------------------------------------------- memory


def sparse(path: Path, name: str, size: int) -> Path:
    """Write a tar with a sparse member of `size` zero bytes, which takes no disk space."""
    whole = write_bundle(path, signed(tiny_members()))
    info = tarfile.TarInfo(f"{TOP}/{name}")
    info.mode, info.mtime, info.size = 0o755 if name == "install" else 0o644, CREATED, size
    with tarfile.open(whole) as tar:
        at = tar.getmember(info.name).offset
    with path.open("r+b") as file:
        file.seek(at)
        file.truncate()
        file.write(info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict"))
        file.truncate(file.tell() + size + 20480)
    return path


def run(*arguments: str | Path) -> tuple[subprocess.CompletedProcess[str], int]:
    """Run `bundle` in a separate process; return the result and its peak memory in bytes."""
    code = (
        "import sys; from bundler.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "finally:\n"
        " peak = open('/proc/self/status').read().partition('VmHWM:')[2].split()[0]\n"
        " print('peak', peak, file=sys.stderr)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30)),
    )
    return result, int(result.stderr.rpartition("peak")[2]) * 1024


@pytest.mark.parametrize("name", ["install", *FORMAT.modes, *LIMITS])
@pytest.mark.parametrize("command", ["verify", "inspect"])
def test_a_head_of_gigabytes_is_refused_before_it_is_read(tmp_path: Path, name: str, command: str) -> None:
    path = sparse(tmp_path / "a.tar", name, 4 << 30)
    passes = name == "modes.tsv" and command == "inspect"  # `inspect` does not read that far
    (tmp_path / "bundle.pub").write_bytes(PUBLIC)
    key = ("--key", tmp_path / "bundle.pub") if command == "verify" else ()
    result, peak = run(command, path, *key)
    assert result.returncode == (0 if passes else 4), result.stderr
    assert "Traceback" not in result.stderr
    assert peak < MEMORY


def test_heads_at_their_limits_stay_within_the_memory(tmp_path: Path) -> None:
    """Checksums and a manifest of the maximum size, with the content that takes the most memory."""
    members = tiny_members()
    lines = "".join(f"{'0' * 64}  {number:06x}\n" for number in range(LIMITS[SUMS] // 73))
    containers = b'{"x":[' + b"{}," * 90_000
    manifest = containers + b'"' + b"x" * (LIMITS["bundle.json"] - len(containers) - 4) + b'"]}'
    members = [members[0], Member.of(SUMS, lines.encode()), Member.of("bundle.json", manifest)]
    path = write_bundle(tmp_path / "a.tar", members)
    for command in (("verify", path, "--allow-unsigned"), ("inspect", path)):
        result, peak = run(*command)
        assert result.returncode == 4, result.stderr
        assert "Traceback" not in result.stderr
        assert peak < MEMORY


# ---------------------------------------------------------------- bundle.json


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        b"\xff\xfe{\0}\0",
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"[" * 200_000 + b"]" * 200_000,
        b'{"format": NaN}',
        b'{"format": 1' + b"0" * 5000 + b"}",
        b'{"format": 1e999}',
        MANIFEST.to_bytes().replace(b'"title": "Tiny"', b'"title": "\\ud800"'),
        MANIFEST.to_bytes().replace(b"1700000000", b"1" + b"0" * 30),
        MANIFEST.to_bytes().replace(b"1700000000", b"-1"),
        MANIFEST.to_bytes().replace(b'"packed_bytes": 0', b'"packed_bytes": -1'),
        MANIFEST.to_bytes().replace(b'"window": null', b'"window": 1000000000000'),
    ],
)
def test_an_invalid_manifest_is_refused(raw: bytes) -> None:
    with pytest.raises(VerificationError) as caught:
        FORMAT.read_manifest(raw)
    assert len(caught.value.message) < 500
    assert caught.value.message.isprintable()


def test_a_manifest_with_a_key_that_would_steer_a_terminal(tmp_path: Path) -> None:
    raw = MANIFEST.to_bytes().replace(b'"title"', b'"\\u001b[2J": 1, "title"')
    with pytest.raises(VerificationError) as caught:
        FORMAT.read_manifest(raw)
    assert caught.value.message.isprintable()


# ---------------------------------------------------------------- modes


def with_modes(*rows: str, mode: int = 0o644) -> list[Member]:
    """Return a bundle with a table of modes, whose Compose file has `mode` in the archive."""
    members = [member for member in tiny_members() if member.path not in {"config/compose.yaml", "modes.tsv"}]
    table = "#path\tmode\n" + "".join(f"{row}\n" for row in rows)
    compose = Member.of("config/compose.yaml", b"services: {}\n", mode)
    return signed([*members, compose, Member.of("modes.tsv", table.encode())])


@pytest.mark.parametrize("mode", [0o644, 0o755, 0o600, 0o400, 0o750])
def test_modes_must_match_the_table(tmp_path: Path, mode: int) -> None:
    row = f"config/compose.yaml\t{mode:04o}"
    check(write_bundle(tmp_path / "a.tar", with_modes(row, mode=mode)))
    other = 0o640 if mode == 0o600 else 0o600
    refuse(write_bundle(tmp_path / "a.tar", with_modes(row, mode=other)), "has mode")


@pytest.mark.parametrize(
    "rows",
    [
        [],
        ["config/compose.yaml\t0644", "config/compose.yaml\t0755"],
        ["config/compose.yaml\t0644", "config/other\t0644"],
        ["config/compose.yaml\t-644"],
        ["config/compose.yaml"],
        ["config/compose.yaml\t0644\tx"],
    ],
)
def test_a_table_of_modes_in_another_form_is_refused(tmp_path: Path, rows: list[str]) -> None:
    refuse(write_bundle(tmp_path / "a.tar", with_modes(*rows)), "does not list")


@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o1644, 0o666, 0o646, 0o664, 0o777])
def test_modes_that_no_site_should_have_are_refused(tmp_path: Path, mode: int) -> None:
    row = f"config/compose.yaml\t{mode:04o}"
    refuse(
        write_bundle(tmp_path / "a.tar", with_modes(row, mode=mode)),
        "does not have this format's canonical form",
    )


def test_without_a_table_only_the_modes_of_older_builders_pass(tmp_path: Path) -> None:
    members = [member for member in tiny_members() if member.path not in {"config/compose.yaml", "modes.tsv"}]
    for mode in (0o644, 0o755):
        compose = Member.of("config/compose.yaml", b"", mode)
        check(write_bundle(tmp_path / "a.tar", signed([*members, compose])))
    compose = Member.of("config/compose.yaml", b"", 0o600)
    refuse(write_bundle(tmp_path / "a.tar", signed([*members, compose])), "has mode")


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.tar")
    for path in (tmp_path / "a.tar", tmp_path):
        with pytest.raises(UsageError, match="not a regular file"):
            inspect(path, FORMAT)
        with pytest.raises(UsageError, match="not a regular file"):
            verify(path, SIGNER, TRUST, allow_unsigned=False, advance=lambda _: None, form=FORMAT)


def keep(path: Path, wanted: dict[str, int]) -> dict[str, bytes]:
    found = verify(
        path, SIGNER, TRUST, allow_unsigned=False, advance=lambda _: None, form=FORMAT, keep=wanted
    )
    return dict(found.kept)


def test_small_files_that_are_asked_for_are_returned(tmp_path: Path) -> None:
    """Those that the bundle lacks, and those over their limit, are left out."""
    path = write_bundle(tmp_path / "t.tar", signed(tiny_members()))
    document = b"services: {web: {image: 'web:1'}}\n"
    wanted = {"config/compose.yaml": len(document), "images/index.json": 2, "files/none": 100}
    assert keep(path, wanted) == {"config/compose.yaml": document}


def test_files_that_are_asked_for_are_compared_as_they_were_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file may change between two reads: what is returned is what was compared."""
    path = write_bundle(tmp_path / "t.tar", signed(tiny_members()))
    read, document = ArchiveReader.__iter__, b"services: {}\n"

    def replaced(self: ArchiveReader) -> Iterator[tuple[Entry, Iterator[bytes]]]:
        for entry, body in read(self):
            yield entry, iter([document]) if entry.path == "config/compose.yaml" else body

    monkeypatch.setattr(ArchiveReader, "__iter__", replaced)
    with pytest.raises(VerificationError, match=r"config/compose\.yaml: changed"):
        keep(path, {"config/compose.yaml": 100})
