"""Find the signers of a bundle from its head."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.bundle.checksums import PUBLIC_KEY, SIGNATURE, SUMS
from bundler.errors import UsageError, VerificationError
from bundler.trust.keys import PublicKey
from bundler.trust.signatures import sign_text
from bundler.trust.signers import Trust, check_signatures
from tests.support.signing import SIGNER, Maker

TEXT = b"0" * 64 + b"  install\n"


@pytest.fixture
def makers(tmp_path: Path) -> list[Maker]:
    return [Maker.make(tmp_path, name) for name in ("a", "b", "c")]


def head(*makers: Maker) -> dict[str, bytes]:
    """Return the head of a bundle that these publishers signed."""
    return {
        SUMS: TEXT,
        SIGNATURE: sign_text(TEXT, [maker.key for maker in makers]),
        PUBLIC_KEY: b"".join(maker.public.read_bytes() for maker in makers),
    }


def keys(*makers: Maker) -> tuple[PublicKey, ...]:
    return tuple(PublicKey.read(maker.public.read_bytes()) for maker in makers)


def check(
    heads: dict[str, bytes], *trusted: Maker, require: int = 1, allow_unsigned: bool = False
) -> tuple[PublicKey, ...]:
    trust = Trust(keys(*trusted), require) if trusted else None
    return check_signatures(heads, SIGNER, trust, allow_unsigned=allow_unsigned)


def test_the_signers_that_count_are_returned(makers: list[Maker]) -> None:
    a, b, c = makers
    assert check(head(a), a) == keys(a)
    assert check(head(a, b), b, c) == keys(b)
    assert check(head(a, b), a, b, require=2) == keys(a, b)


def test_too_few_signers_are_refused(makers: list[Maker]) -> None:
    a, b, c = makers
    with pytest.raises(VerificationError, match="not signed with this key"):
        check(head(a), b)
    with pytest.raises(VerificationError, match="not signed with any of these keys"):
        check(head(a), b, c)
    with pytest.raises(VerificationError, match="is signed with 1 of these keys; 2 are required"):
        check(head(a), a, b, require=2)


def test_more_keys_cannot_be_required_than_are_given(makers: list[Maker]) -> None:
    a, b, _ = makers
    with pytest.raises(UsageError, match="--require 3: 2 different keys were given"):
        Trust(keys(a, b, a), 3)
    with pytest.raises(UsageError, match="--require 0"):
        Trust(keys(a), 0)


def test_an_unsigned_bundle_must_be_allowed(makers: list[Maker]) -> None:
    unsigned = {SUMS: TEXT}
    with pytest.raises(VerificationError, match="the bundle is not signed"):
        check(unsigned, makers[0])
    assert check(unsigned, allow_unsigned=True) == ()
    assert check(head(makers[0]), allow_unsigned=True) == ()
    with pytest.raises(UsageError, match="there is no public key to verify"):
        check(head(makers[0]))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({SUMS: None}, "not a bundle: it does not start with SHA256SUMS"),
        ({PUBLIC_KEY: None}, "is missing"),
        ({PUBLIC_KEY: b"no key\n"}, "the public key is not PEM"),
        ({SUMS: TEXT + b"\n"}, "the bundle is not signed with this key"),
    ],
)
def test_a_damaged_head_is_refused(
    damage: dict[str, bytes | None], message: str, makers: list[Maker]
) -> None:
    changed = {**head(makers[0]), **damage}
    with pytest.raises(VerificationError, match=message):
        check({name: data for name, data in changed.items() if data is not None}, makers[0])


def test_the_carried_keys_are_those_that_signed_in_one_form(makers: list[Maker]) -> None:
    a, b, _ = makers
    swapped = {**head(a), PUBLIC_KEY: b.public.read_bytes()}
    with pytest.raises(VerificationError, match="is not the key that signed it"):
        check(swapped, a)
    commented = {**head(a), PUBLIC_KEY: b"# ours\n" + a.public.read_bytes()}
    with pytest.raises(VerificationError, match="is not the key that signed it"):
        check(commented, a)
    fewer = {**head(a, b), PUBLIC_KEY: a.public.read_bytes()}
    with pytest.raises(VerificationError, match=r"has 2 signatures, .* has 1 keys"):
        check(fewer, a)
