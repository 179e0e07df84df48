"""Adds checksums of all members and the signatures of those checksums."""

from __future__ import annotations

from collections.abc import Sequence

from bundler.api.signing import PrivateKey
from bundler.bundle.checksums import PUBLIC_KEY, SIGNATURE, SUMS, format_sums
from bundler.bundle.tar import Member
from bundler.trust.keys import PublicKey
from bundler.trust.signatures import refuse_twice, sign_text


def sign(members: Sequence[Member], keys: Sequence[PrivateKey]) -> list[Member]:
    """Return `members` with SHA256SUMS and, for any keys, signatures and public keys in the same order."""
    refuse_twice(keys)
    sums = format_sums(members)
    signed = [*members, Member.of(SUMS, sums)]
    if keys:
        public = b"".join(PublicKey.read(key.public_key).pem for key in keys)
        signed += [Member.of(SIGNATURE, sign_text(sums, keys)), Member.of(PUBLIC_KEY, public)]
    return signed


def sign_sidecars(sidecars: Sequence[Member], keys: Sequence[PrivateKey]) -> list[Member]:
    """Return `sidecars`, each with a `.sig` if there are keys."""
    if not keys:
        return list(sidecars)
    return [
        each
        for sidecar in sidecars
        for each in (sidecar, Member.of(f"{sidecar.path}.sig", sign_text(sidecar.read(), keys)))
    ]
