"""Which bundles a site trusts: several keys, policies, rotated keys and revoked keys."""

from __future__ import annotations

import base64
import itertools
import subprocess
from pathlib import Path

import pytest

from bundler.trust.signatures import ORDER, decode
from bundler_installer.assemble import SOURCES, join_sources
from tests.support.installer import MAIN, SHELLS
from tests.support.kiosk import Host
from tests.support.programs import need_root, run
from tests.support.signing import Maker, sign_again

Result = subprocess.CompletedProcess[str]


@pytest.fixture
def makers(tmp_path: Path) -> dict[str, Maker]:
    return {name: Maker.make(tmp_path / "makers", name) for name in ("a", "b", "c", "evil")}


@pytest.fixture
def trusted(host: Host) -> Path:
    """Return the host's folder of trusted keys."""
    folder = host.folder / "no-keys"
    folder.mkdir()
    return folder


def verify(host: Host, *arguments: str | Path) -> Result:
    return host.run("verify", "--root", host.root, *arguments)


def check(result: Result, code: int, *texts: str) -> None:
    output = result.stdout + result.stderr
    assert result.returncode == code, output
    for text in texts:
        assert text in output


# ---------------------------------------------------------------- keys


def test_a_key_is_the_same_in_every_form(host: Host, makers: dict[str, Maker]) -> None:
    maker = makers["a"]
    sign_again(host.unpacked, maker)
    pem = maker.public.read_bytes()
    forms = {
        "windows": pem.replace(b"\n", b"\r\n"),
        "blank": b"\n# the maker's key\n" + pem + b"\n\n",
        "cut": pem.rstrip(b"\n"),
        "der": base64.b64decode(b"".join(pem.splitlines()[1:-1])),
    }
    for name, content in forms.items():
        path = host.folder / name
        path.write_bytes(content)
        check(verify(host, "--key", path), 0, maker.name)
    done = host.run(
        "install", "--root", host.root, "--yes", "--set", "GREETING=x", "--key", host.folder / "der"
    )
    check(done, 0)
    assert (host.root / "state/trusted.pub").read_bytes() == pem
    for name in forms:
        check(verify(host, "--key", host.folder / name), 0)


def test_other_kinds_of_keys_are_refused(host: Host, makers: dict[str, Maker]) -> None:
    sign_again(host.unpacked, makers["a"])
    for kind in (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], ["-algorithm", "RSA"]):
        private, public = host.folder / "other.key", host.folder / "other.pub"
        run("openssl", "genpkey", *kind, "-out", private)
        run("openssl", "pkey", "-in", private, "-pubout", "-out", public)
        check(verify(host, "--key", public), 4, "is not a public key for bundle signatures")
    check(verify(host, "--key", makers["a"].private), 4, "is not a public key")
    check(verify(host, "--key", host.folder / "none"), 2, "does not exist")


def encode(*numbers: int, length: int | None = None) -> bytes:
    body = b"".join(
        bytes((2, len(text))) + text
        for text in (number.to_bytes(number.bit_length() // 8 + 1, "big") for number in numbers)
    )
    return bytes((0x30, len(body) if length is None else length)) + body


def test_a_signature_has_one_form(host: Host, makers: dict[str, Maker]) -> None:
    """The other s, other encodings of the same numbers, and trailing bytes are refused."""
    sign_again(host.unpacked, makers["a"])
    path = host.unpacked / "SHA256SUMS.sig"
    good = base64.b64decode(path.read_bytes())
    r, s = decode(good)
    high = encode(r, ORDER - s)
    key, signature = makers["a"].public, host.folder / "high"
    signature.write_bytes(high)
    run("openssl", "dgst", "-sha256", "-verify", key, "-signature", signature, host.unpacked / "SHA256SUMS")
    long_form = bytes((0x30, 0x81, len(good) - 2)) + good[2:]
    padded = encode(r, s)[:2] + b"\x02\x22\x00\x00" + r.to_bytes(32, "big") + encode(s)[2:]
    wrong = {
        "high s": high,
        "long length": long_form,
        "padded": bytes((0x30, len(padded) - 2)) + padded[2:],
        "trailing byte": good + b"\0",
        "trailing integer": encode(r, s, 1),
        "no signature": b"",
        "zero": encode(0, 0),
    }
    check(verify(host, "--key", key), 0)
    for name, value in wrong.items():
        path.write_bytes(base64.b64encode(value) + b"\n")
        result = verify(host, "--key", key)
        assert (name, result.returncode) == (name, 4), result.stdout + result.stderr
    text = base64.b64encode(good)
    for name, content in {
        "no line break": text,
        "two lines": text + b"\n\n",
        "twice": (text + b"\n") * 2,
    }.items():
        path.write_bytes(content)
        assert (name, verify(host, "--key", key).returncode) == (name, 4)


# ---------------------------------------------------------------- several keys


def test_several_signatures(host: Host, makers: dict[str, Maker]) -> None:
    a, b, c = makers["a"], makers["b"], makers["c"]
    sign_again(host.unpacked, a, b)
    for maker in (a, b):
        check(verify(host, "--key", maker.public), 0, maker.name)
    check(verify(host, "--key", c.public), 4, "is not signed with the key")
    both = ("--key", a.public, "--key", b.public)
    check(verify(host, *both, "--require", "2"), 0, a.name, b.name)
    check(verify(host, "--key", a.public, "--key", c.public), 0)
    check(verify(host, "--key", a.public, "--key", c.public, "--require", "2"), 4, "requires 2 of 2 keys")
    twice = verify(host, "--key", a.public, "--key", a.public, "--require", "2")
    check(twice, 2, "only 1 different key was given")
    check(verify(host, *both, "--require", "0"), 2)
    sign_again(host.unpacked, a, a)
    check(verify(host, *both, "--require", "2"), 4, "is signed by 1 of them")
    sign_again(host.unpacked, a, b)
    (host.unpacked / "SHA256SUMS.pub").write_bytes(b.public.read_bytes() + a.public.read_bytes())
    check(verify(host, *both), 4, "SHA256SUMS.pub in the bundle is not the key")
    (host.unpacked / "SHA256SUMS.pub").write_bytes(a.public.read_bytes())
    check(verify(host, *both), 4, "SHA256SUMS.pub")
    (host.unpacked / "SHA256SUMS.pub").unlink()
    check(verify(host, *both), 4, "SHA256SUMS.pub is missing")


def test_a_wrong_signature_beside_a_right_one(host: Host, makers: dict[str, Maker]) -> None:
    sign_again(host.unpacked, makers["a"], makers["b"])
    lines = (host.unpacked / "SHA256SUMS.sig").read_bytes().splitlines(keepends=True)
    (host.unpacked / "SHA256SUMS.sig").write_bytes(lines[0] + lines[0])
    check(verify(host, "--key", makers["a"].public), 4)


def test_all_pinned_keys_must_sign(host: Host, makers: dict[str, Maker]) -> None:
    a, b, c = makers["a"], makers["b"], makers["c"]
    sign_again(host.unpacked, a, b, c)
    common = ("--root", host.root, "--yes", "--set", "GREETING=x")
    check(host.run("install", *common, "--key", a.public, "--key", b.public, "--require", "2"), 0)
    assert (host.root / "state/trusted.pub").read_bytes() == a.public.read_bytes() + b.public.read_bytes()
    check(verify(host), 0, a.name, b.name)
    sign_again(host.unpacked, b, a)
    check(verify(host), 0)
    sign_again(host.unpacked, a, c)
    check(verify(host), 4, "requires 2 of 2 keys", "is signed by 1 of them")
    check(verify(host, "--key", a.public), 4, "differs from the key of earlier releases")


def test_a_policy(host: Host, makers: dict[str, Maker], trusted: Path) -> None:
    for name in ("a", "b", "c"):
        (trusted / f"{name}.pub").write_bytes(makers[name].public.read_bytes())
    policy = trusted / "policy"
    policy.write_text("# two of us\n\nrequire 2 of a b c\n")
    sign_again(host.unpacked, makers["a"])
    check(verify(host), 4, "requires 2 of 3 keys", "is signed by 1 of them")
    check(verify(host, "--key", makers["a"].public), 4, "requires 2 of 3 keys")
    for pair in (("a", "b"), ("c", "a"), ("evil", "b", "c")):
        sign_again(host.unpacked, *(makers[name] for name in pair))
        check(verify(host), 0)
    common = ("--root", host.root, "--yes", "--set", "GREETING=x")
    check(host.run("install", *common), 0)
    sign_again(host.unpacked, makers["a"], makers["b"])
    check(verify(host), 0)
    check(verify(host, "--require", "1"), 2, "--require needs --key")
    policy.write_text("require 1 of a\nrequire 1 of b c")
    check(verify(host), 0)
    sign_again(host.unpacked, makers["b"], makers["c"])
    check(verify(host), 4, "requires 1 of 1 keys")
    check(verify(host, "--key", makers["b"].public, "--accept", "signing-key"), 4)


BROKEN = {
    "empty": "",
    "no words": "two of us\n",
    "more than there are": "require 3 of a b\n",
    "zero": "require 0 of a b\n",
    "no names": "require 1 of\n",
    "no such key": "require 1 of nobody\n",
    "a name twice": "require 2 of a a\n",
    "a key under two names": "require 2 of a same\n",
    "a path": "require 1 of ../no-keys/a\n",
    "a good line and another": "require 1 of a\nor 1 of evil\n",
    "a comment behind": "require 1 of a # really\n",
    "other ends of lines": "require 1 of a\r\n",
}


def test_with_a_broken_policy_no_one_is_trusted(host: Host, makers: dict[str, Maker], trusted: Path) -> None:
    for name in ("a", "b"):
        (trusted / f"{name}.pub").write_bytes(makers[name].public.read_bytes())
    (trusted / "same.pub").write_bytes(makers["a"].public.read_bytes().replace(b"\n", b"\r\n"))
    sign_again(host.unpacked, makers["a"], makers["b"])
    policy = trusted / "policy"
    for name, text in BROKEN.items():
        policy.write_text(text)
        result = verify(host, "--key", makers["a"].public)
        assert (name, result.returncode) == (name, 4), result.stdout + result.stderr
        assert "policy" in result.stderr, name
    policy.unlink()
    policy.symlink_to("nowhere")
    check(verify(host), 4, "policy")
    policy.unlink()
    policy.mkdir()
    check(verify(host), 4, "policy")


# ---------------------------------------------------------------- rotation


def test_a_site_follows_a_rotation(host: Host, makers: dict[str, Maker]) -> None:
    a, b, c = makers["a"], makers["b"], makers["c"]
    sign_again(host.unpacked, a)
    common = ("--root", host.root, "--yes", "--set", "GREETING=x")
    check(host.run("install", *common, "--key", a.public), 0)
    sign_again(host.unpacked, c)
    check(verify(host), 4, "is not signed with the key")
    first, second = a.names_successor(b, host.folder / "said"), b.names_successor(c, host.folder / "said")
    check(verify(host, "--rotation", first), 4)
    check(verify(host, "--rotation", first, "--rotation", second), 0, f"{a.name} was replaced by its owner")
    check(verify(host, "--key", c.public), 4, "differs from the key of earlier releases")
    check(verify(host, "--key", c.public, "--rotation", first, "--rotation", second), 0)
    assert (host.root / "state/trusted.pub").read_bytes() == a.public.read_bytes()
    done = host.run("install", *common, "--rotation", first, "--rotation", second)
    check(done, 0, f"{a.name} was replaced by its owner with the key {c.name}")
    assert (host.root / "state/trusted.pub").read_bytes() == c.public.read_bytes()
    check(verify(host), 0, c.name)
    sign_again(host.unpacked, a)
    check(verify(host), 4, "is not signed with the key")


def test_rotations_in_the_bundle_and_in_trusted_keys(
    host: Host, makers: dict[str, Maker], trusted: Path
) -> None:
    a, b = makers["a"], makers["b"]
    (trusted / "maker.pub").write_bytes(a.public.read_bytes())
    sign_again(host.unpacked, b)
    check(verify(host), 4)
    rotation = a.names_successor(b, trusted)
    check(verify(host), 0, "was replaced by its owner")
    rotation.unlink()
    digest = subprocess.run(
        ["sha256sum", a.names_successor(b, host.unpacked / "keys").relative_to(host.unpacked)],
        cwd=host.unpacked, capture_output=True, text=True, check=True,
    )  # fmt: skip
    sums = host.unpacked / "SHA256SUMS"
    sums.write_text(
        "".join(sorted([*sums.read_text().splitlines(keepends=True), digest.stdout], key=lambda x: x[66:]))
    )
    sign_again(host.unpacked, b)
    check(verify(host), 0, "was replaced by its owner")
    policy = trusted / "policy"
    policy.write_text("require 1 of maker\n")
    check(verify(host), 0, "was replaced by its owner")


def test_two_keys_cannot_follow_one(host: Host, makers: dict[str, Maker]) -> None:
    a, b, evil = makers["a"], makers["b"], makers["evil"]
    sign_again(host.unpacked, evil)
    said = [a.names_successor(evil, host.folder / "said"), a.names_successor(b, host.folder / "said")]
    options = [word for path in said for word in ("--rotation", path)]
    check(verify(host, "--key", a.public, *options[:2]), 0)
    check(verify(host, "--key", a.public, *options), 4, "name different successors")


def test_one_key_stands_for_one(host: Host, makers: dict[str, Maker]) -> None:
    """Two keys that were replaced by the same key count as one signature."""
    a, b, c = makers["a"], makers["b"], makers["c"]
    sign_again(host.unpacked, c)
    said = [a.names_successor(c, host.folder / "said"), b.names_successor(c, host.folder / "said")]
    options = [word for path in said for word in ("--rotation", path)]
    keys = ("--key", a.public, "--key", b.public)
    check(verify(host, *keys, *options), 0)
    check(verify(host, *keys, *options, "--require", "2"), 4, "is signed by 1 of them")


def test_loops_and_long_chains_end(host: Host, makers: dict[str, Maker]) -> None:
    a, b, c = makers["a"], makers["b"], makers["c"]
    said = host.folder / "said"
    options: list[str | Path] = []
    for old, new in ((a, b), (b, a)):
        options += ["--rotation", old.names_successor(new, said)]
    sign_again(host.unpacked, c)
    check(verify(host, "--key", a.public, *options), 4)
    chain = [Maker.make(host.folder / "chain", str(number)) for number in range(17)]
    options = []
    for old, new in itertools.pairwise(chain):
        options += ["--rotation", old.names_successor(new, said)]
    sign_again(host.unpacked, chain[15])
    check(verify(host, "--key", chain[0].public, *options), 0)
    sign_again(host.unpacked, chain[16])
    check(verify(host, "--key", chain[0].public, *options), 4)


def test_a_forged_statement_is_refused(host: Host, makers: dict[str, Maker]) -> None:
    a, evil = makers["a"], makers["evil"]
    sign_again(host.unpacked, evil)
    path = evil.names_successor(a, host.folder / "said")
    good = a.names_successor(evil, host.folder / "said").read_bytes()
    evils = path.read_bytes().splitlines(keepends=True)[-1]
    forgeries = {
        "by another key": good.replace(good.splitlines(keepends=True)[-1], evils),
        "another day": good.replace(b"date 20", b"date 19"),
        "a line more": good + b"\n",
        "other ends of lines": good.replace(b"\n", b"\r\n"),
        "cut": good[:-1],
        "of another format": good.replace(b"bundle-rotation 1", b"bundle-rotation 2"),
        "other fingerprint": good.replace(a.name.encode(), evil.name.encode(), 1),
        "long": good + b"x" * 5000,
        "empty": b"",
    }
    check(verify(host, "--key", a.public, "--rotation", host.folder / "none"), 2, "does not exist")
    for name, content in forgeries.items():
        path.write_bytes(content)
        result = verify(host, "--key", a.public, "--rotation", path)
        assert (name, result.returncode) == (name, 4), result.stdout + result.stderr
        assert "is not a rotation or revocation" in result.stderr, name


def test_a_statement_is_checked_with_openssl_alone(host: Host, makers: dict[str, Maker]) -> None:
    """Runs the command documented in docs/reference/bundle-format.md."""
    path = makers["a"].names_successor(makers["b"], host.folder)
    line = (
        f"sed -n 's/^signature //p' {path} | base64 -d >signature && sed '/^signature /d' {path} |"
        f" openssl dgst -sha256 -verify {makers['a'].public} -signature signature"
    )
    assert run("sh", "-c", f"cd {host.folder} && {line}") == "Verified OK\n"


# ---------------------------------------------------------------- revocation


def test_a_revoked_key_is_refused(host: Host, makers: dict[str, Maker], trusted: Path) -> None:
    a, b = makers["a"], makers["b"]
    sign_again(host.unpacked, a)
    revocation = a.revokes(a, host.folder / "said")
    text = f"The key {a.name} is revoked"
    check(verify(host, "--key", a.public), 0)
    check(verify(host, "--key", a.public, "--rotation", revocation), 4, text)
    (trusted / revocation.name).write_bytes(revocation.read_bytes())
    check(verify(host, "--key", a.public, "--accept", "signing-key"), 4, text)
    sign_again(host.unpacked, b)
    rotation = a.names_successor(b, host.folder / "said")
    check(verify(host, "--key", a.public, "--rotation", rotation), 4, text)
    check(verify(host, "--key", b.public), 0)
    (trusted / revocation.name).write_bytes(revocation.read_bytes()[:-9])
    check(verify(host, "--key", b.public), 4, "is not a rotation or revocation")


def test_only_entitled_keys_may_revoke(host: Host, makers: dict[str, Maker], trusted: Path) -> None:
    a, b, evil = makers["a"], makers["b"], makers["evil"]
    sign_again(host.unpacked, a)
    a.names_successor(b, trusted)
    key = ("--key", a.public)
    check(verify(host, *key), 0)
    unjust = evil.revokes(a, trusted)
    check(verify(host, *key), 0)
    unjust.unlink()
    sign_again(host.unpacked, b)
    a.revokes(b, trusted)
    check(verify(host, "--key", b.public), 0)
    sign_again(host.unpacked, a)
    b.revokes(a, trusted)
    check(verify(host, *key), 4, f"The key {a.name} is revoked")


def test_the_command_trust(host: Host, makers: dict[str, Maker]) -> None:
    a, b, evil = makers["a"], makers["b"], makers["evil"]
    said = host.folder / "said"
    rotation, revocation = a.names_successor(b, said), b.revokes(a, said)
    check(host.run("trust", "--root", host.root), 0, "No key is trusted yet")
    check(host.run("trust", rotation, "--root", host.root), 1, "Nothing is installed")
    sign_again(host.unpacked, a)
    check(host.run("install", "--root", host.root, "--yes", "--set", "GREETING=x", "--key", a.public), 0)
    control = Host(host.shell, host.folder, host.root / "current", a.public)
    check(control.run("trust"), 0, f"pinned: {a.name}")
    check(control.run("trust", evil.names_successor(b, said)), 4, "does not trust")
    check(control.run("trust", evil.revokes(a, said)), 4, "cannot revoke")
    check(control.run("trust", revocation), 4, "cannot revoke")
    check(control.run("trust", host.folder / "none"), 2, "does not exist")
    assert not (host.root / "state/trust").exists()
    check(control.run("trust", rotation), 0, f"{a.name} is replaced by the key {b.name}")
    check(control.run("trust", revocation), 0, f"revokes the key {a.name}")
    check(
        control.run("trust"),
        0,
        f"pinned: {a.name}",
        f"{a.name} is replaced by {b.name}",
        f"revoked: {a.name}",
    )
    check(verify(host), 4, f"The key {a.name} is revoked")
    check(host.run("install", "--root", host.root, "--yes"), 4, f"The key {a.name} is revoked")
    sign_again(host.unpacked, b)
    check(host.run("trust", "--root", host.root), 0, f"revoked: {a.name}")
    check(verify(host), 4, f"The key {a.name} is revoked")
    check(verify(host, "--key", b.public, "--accept", "signing-key"), 0)


# ---------------------------------------------------------------- failing closed


def test_a_full_scratch_folder_is_reported(host: Host, makers: dict[str, Maker]) -> None:
    """Tries every size too small for the signature check, page by page."""
    need_root()
    a, b = makers["a"], makers["b"]
    sign_again(host.unpacked, a, b)
    rotation = a.names_successor(b, host.folder)
    scratch, program = host.folder / "tiny", host.folder / "program"
    scratch.mkdir()
    program.write_text(f"""{join_sources(SOURCES).decode().removesuffix(MAIN)}
LANGUAGE=en
choose_colours
set_defaults
COMMAND=verify LC_ALL=C SCRATCH={scratch} HERE={host.unpacked} FACTS={host.unpacked}
ROOT={host.root} TRUSTED_KEYS={host.folder}/none
KEY={a.public} ROTATIONS={rotation}
verify_signature
[ -s "$SIGNED_BY" ] || exit 9
exit 0
""")
    codes = []
    for pages in range(1, 60):
        mount = f'mount -t tmpfs -o size={4 * pages}k tmpfs {scratch} && exec "$@"'
        result = subprocess.run(
            ["unshare", "--mount", "sh", "-c", mount, "-", *SHELLS[host.shell], str(program)],
            env=host.variables(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        codes.append(result.returncode)
        assert result.returncode in {0, 1}, (pages, result.stdout + result.stderr)
        assert (result.returncode == 1) == ("is full or not writable" in result.stderr), (
            pages,
            result.stderr,
        )
        if codes[-3:] == [0, 0, 0]:
            break
    assert codes[0] == 1
    assert codes[-3:] == [0, 0, 0]
    assert sorted(codes, reverse=True) == codes, "what fits in little fits in more"


TOOLS = ("openssl", "awk", "od", "cmp", "tr", "sed", "head", "wc", "cut", "grep")


def test_with_a_failing_tool_no_one_is_trusted(host: Host, makers: dict[str, Maker]) -> None:
    """Includes tools that do nothing and report success. Programs built into busybox cannot be replaced."""
    sign_again(host.unpacked, makers["evil"])
    for tool in TOOLS if host.shell != "busybox" else ("openssl",):
        fake = host.folder / "bin" / tool
        for code in (0, 1):
            fake.write_text(f"#!/bin/sh\nexit {code}\n")
            fake.chmod(0o755)
            result = verify(host, "--key", makers["a"].public)
            assert result.returncode in {1, 4}, (tool, code, result.stdout + result.stderr)
            assert "Verified" not in result.stdout
        fake.unlink()
