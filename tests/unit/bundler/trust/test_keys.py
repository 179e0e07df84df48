"""Keys and statements of signers in the builder. tests/integration/test_trust.py covers the installer."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.errors import UsageError, VerificationError
from bundler.trust.keys import PublicKey, read_keys
from bundler.trust.signatures import ORDER, decode, encode, normalise, read_lines
from bundler.trust.statements import judge_statements, read_statement
from tests.support.signing import SIGNER, Maker

numbers = st.integers(1, ORDER - 1) | st.sampled_from([1, 127, 128, 255, 256, ORDER // 2, ORDER // 2 + 1])


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker.make(tmp_path, "maker")


def test_a_key_is_the_same_in_every_form(maker: Maker) -> None:
    pem = maker.public.read_bytes()
    der = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    for form in (
        pem.replace(b"\n", b"\r\n"),
        b"\n# mine\n" + pem + b"\n",
        b"\xef\xbb\xbf" + pem,
        pem.rstrip(b"\n"),
        der,
    ):
        assert PublicKey.read(form) == PublicKey(der)
    assert PublicKey(der).pem == pem


def test_the_fingerprint_is_what_openssl_and_sha256sum_say(maker: Maker) -> None:
    line = f"openssl pkey -pubin -in {maker.public} -outform DER | sha256sum"
    said = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout
    assert said.split()[0] == maker.name


def test_compressed_points_are_refused_with_a_hint(maker: Maker, tmp_path: Path) -> None:
    other, back = tmp_path / "compressed", tmp_path / "back"
    convert = ("openssl", "ec", "-pubin", "-in")
    subprocess.run(
        [*convert, maker.public, "-conv_form", "compressed", "-out", other], check=True, capture_output=True
    )
    with pytest.raises(UsageError, match="P-256") as found:
        read_keys(other.read_bytes())
    assert "-conv_form uncompressed" in str(found.value.hint)
    subprocess.run(
        [*convert, other, "-conv_form", "uncompressed", "-out", back], check=True, capture_output=True
    )
    assert PublicKey.read(back.read_bytes()).fingerprint == maker.name


def test_a_point_off_the_curve_is_refused(maker: Maker) -> None:
    der = bytearray(PublicKey.read(maker.public.read_bytes()).der)
    der[-1] ^= 1
    with pytest.raises(UsageError, match="not on the curve"):
        PublicKey.read(bytes(der))


@given(numbers, numbers)
def test_a_signature_has_one_encoding(r: int, s: int) -> None:
    value = encode(r, s)
    assert decode(value) == (r, min(s, ORDER - s))
    assert normalise(value) == value


@given(numbers, numbers, st.integers(0, 71), st.integers(1, 255))
def test_a_changed_encoding_is_another_signature_or_none(r: int, s: int, at: int, flip: int) -> None:
    value = bytearray(encode(r, s))
    value[at % len(value)] ^= flip
    try:
        other = decode(bytes(value))
    except VerificationError:
        return
    assert other != decode(encode(r, s))


@given(st.binary(max_size=80))
def test_any_bytes_decode_or_are_refused(value: bytes) -> None:
    try:
        r, s = decode(value)
    except VerificationError:
        return
    assert encode(r, s) == value


def test_the_encoding_matches_that_of_cryptography(maker: Maker) -> None:
    for number in range(30):
        payload = str(number).encode()
        SIGNER.verify(payload, normalise(maker.key.sign(payload)), maker.public.read_bytes())


@pytest.mark.parametrize("text", [b"", b"\n", b"AAAA", b"AAAA\n\n", b"AAA=\n", b"A A A\n", b"*\n"])
def test_signatures_of_another_form(text: bytes) -> None:
    with pytest.raises(VerificationError):
        read_lines(text, "SHA256SUMS.sig")


# ---------------------------------------------------------------- statements


@pytest.fixture
def makers(tmp_path: Path) -> list[Maker]:
    return [Maker.make(tmp_path, name) for name in "abcd"]


def load(*paths: Path) -> list[str]:
    """Return the fingerprints of the keys that these statements revoke."""
    known = judge_statements([read_statement(path.read_bytes(), path.name, SIGNER) for path in paths])
    return sorted(known.revoked)


def test_only_entitled_keys_may_revoke(makers: list[Maker], tmp_path: Path) -> None:
    a, b, c, d = makers
    said = tmp_path / "said"
    chain = [a.names_successor(b, said), b.names_successor(c, said)]
    assert load(a.revokes(a, said)) == [a.name]
    assert load(*chain, c.revokes(a, said)) == [a.name]
    assert load(c.revokes(a, said)) == []
    assert load(*chain, a.revokes(c, said)) == []
    assert load(*chain, d.revokes(a, said)) == []
    both = load(*chain, c.revokes(a, said), c.revokes(c, said))
    assert both == sorted([a.name, c.name]), "what is revoked stays so when its revoker is revoked"
    fork = a.names_successor(d, said)
    assert load(*chain, fork, c.revokes(a, said)) == [a.name], "a thief's rotation does not keep it from that"


def test_a_chain_ends_at_a_revoked_key_a_fork_or_a_loop(makers: list[Maker], tmp_path: Path) -> None:
    a, b, c, d = makers
    said = tmp_path / "said"

    def chain(*paths: Path) -> list[str]:
        found = [read_statement(path.read_bytes(), path.name, SIGNER) for path in paths]
        return judge_statements(found).chain(a.name)

    ab, bc = a.names_successor(b, said), b.names_successor(c, said)
    assert chain(ab, bc) == [a.name, b.name, c.name]
    assert chain(ab, bc, b.revokes(b, said)) == [a.name]
    assert chain(ab, bc, a.revokes(a, said)) == []
    assert chain(ab, bc, b.names_successor(d, said)) == [a.name, b.name]
    assert chain(ab, bc, c.names_successor(a, said)) == [a.name, b.name, c.name]


def test_every_changed_byte_of_a_statement_is_refused(makers: list[Maker], tmp_path: Path) -> None:
    a, b, *_ = makers
    for path in (a.names_successor(b, tmp_path / "said"), a.revokes(a, tmp_path / "said")):
        content = path.read_bytes()
        for at in range(len(content)):
            changed = bytearray(content)
            changed[at] ^= 1
            with pytest.raises(VerificationError):
                read_statement(bytes(changed), path.name, SIGNER)
        for other in (content + b"\n", content[:-1], b"", content * 9):
            with pytest.raises(VerificationError):
                read_statement(other, path.name, SIGNER)


def test_a_file_of_one_key_holds_one_key(maker: Maker, tmp_path: Path) -> None:
    pem = maker.public.read_bytes()
    with pytest.raises(UsageError, match="2 public keys where one is expected"):
        PublicKey.read(pem + Maker.make(tmp_path, "other").public.read_bytes())
    with pytest.raises(UsageError, match="this is a private key, not a public key: keep it secret"):
        PublicKey.read(maker.private.read_bytes())
    with pytest.raises(UsageError, match="is not PEM"):
        PublicKey.read(b"ssh-ed25519 AAAA")
    with pytest.raises(UsageError, match="its content is not base64"):
        PublicKey.read(pem.replace(b"M", b"*", 1))
