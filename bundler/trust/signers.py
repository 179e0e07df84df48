"""Determines who signed a bundle, and whether that is sufficient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bundler.api.signing import Signer
from bundler.bundle.checksums import PUBLIC_KEY, SIGNATURE, SUMS
from bundler.errors import UsageError, VerificationError
from bundler.language import tr, tr_later
from bundler.trust.keys import PublicKey, distinct, read_keys
from bundler.trust.signatures import read_lines, verify_once
from bundler.trust.statements import FOLDER, SUFFIXES, Known, judge_statements, read_statement

_COPY = tr_later("copy the file again and compare it with its .sha256")
_ASK = tr_later("do not install it; ask its publisher for the bundle and the key again")


@dataclass(frozen=True)
class Trust:
    """The trust settings of a verification.

    Attributes:
        keys: public keys from another channel than the bundle.
        require: number of these keys that must have signed.
        statements: rotations and revocations from another channel, by name.
    """

    keys: tuple[PublicKey, ...]
    require: int = 1
    statements: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        different = len(distinct(self.keys))
        if not 0 < self.require <= different:
            raise UsageError(
                tr(
                    "--require {require}: {different} different keys were given",
                    require=self.require,
                    different=different,
                ),
                hint=tr("repeat --key for each key"),
            )


def check_signatures(
    heads: Mapping[str, bytes], signer: Signer, trust: Trust | None, *, allow_unsigned: bool
) -> tuple[PublicKey, ...]:
    """Check the signatures in a bundle's head and return the keys that count.

    Args:
        heads: SHA256SUMS, its signatures and public keys, and the statements in the bundle.
        signer: checks a signature.
        trust: None accepts any publisher if `allow_unsigned` is set.
        allow_unsigned: whether a bundle without a signature is accepted.

    Raises:
        VerificationError: a signature is wrong, or too few of them are by trusted keys.
    """
    sums, text = heads.get(SUMS), heads.get(SIGNATURE)
    if sums is None:
        raise VerificationError(tr("not a bundle: it does not start with {sums}", sums=SUMS))
    if text is None:
        if allow_unsigned:
            return ()
        raise VerificationError(
            tr("the bundle is not signed"),
            hint=tr("ask its publisher for a signed bundle; --allow-unsigned only checks it for damage"),
        )
    if trust is None:
        if allow_unsigned:
            return ()
        raise UsageError(tr("there is no public key to verify the bundle with"))
    carried = carried_keys(heads)
    signers = match_signatures(sums, read_lines(text, SIGNATURE), carried, trust.keys, signer)
    given = {**trust.statements, **{name: data for name, data in heads.items() if is_statement(name)}}
    known = judge_statements([read_statement(data, name, signer) for name, data in given.items()])
    return judge_signers(signers, trust, known)


def check_detached(
    payload: bytes, text: bytes, where: str, signer: Signer, trust: Trust
) -> tuple[PublicKey, ...]:
    """Check the signatures of a file that contains no keys and return the keys that count.

    Args:
        payload: content of the file.
        text: its signatures, one per line.
        where: name of the signatures for messages.
        signer: checks a signature.
        trust: trusted keys; rotations are not followed.

    Raises:
        VerificationError: too few of the signatures are by trusted keys.
    """
    values = read_lines(text, where)
    signers = [
        key
        for key in distinct(trust.keys)
        if any(verify_once(payload, value, key, signer) for value in values)
    ]
    known = judge_statements([read_statement(data, name, signer) for name, data in trust.statements.items()])
    return judge_signers(signers, trust, known)


def is_statement(path: str) -> bool:
    """Whether a member of a bundle is a rotation or a revocation."""
    return path.startswith(f"{FOLDER}/") and path.endswith(SUFFIXES)


def carried_keys(heads: Mapping[str, bytes]) -> tuple[PublicKey, ...]:
    """Return the public keys in a bundle.

    Raises:
        VerificationError: there are none, or they are not in the format's encoding.
    """
    text = heads.get(PUBLIC_KEY)
    if text is None:
        raise VerificationError(tr("{public_key} is missing", public_key=PUBLIC_KEY), hint=tr(_COPY))
    try:
        keys = read_keys(text)
    except UsageError as error:
        raise VerificationError(f"{PUBLIC_KEY}: {error.message}", hint=tr(_COPY)) from error
    if b"".join(key.pem for key in keys) != text:  # not covered by a checksum, so only one form is accepted
        raise _not_its_key()
    return keys


def _not_its_key() -> VerificationError:
    return VerificationError(
        tr("{public_key} in the bundle is not the key that signed it", public_key=PUBLIC_KEY), hint=tr(_COPY)
    )


def match_signatures(
    payload: bytes,
    values: Sequence[bytes],
    carried: Sequence[PublicKey],
    trusted: Sequence[PublicKey],
    signer: Signer,
) -> tuple[PublicKey, ...]:
    """Return the keys that signed `payload`: each key in the bundle must match the signature on its line.

    Raises:
        VerificationError: a signature does not match its key.
    """
    if len(values) != len(carried):
        raise VerificationError(
            tr(
                "{signature} has {count} signatures, but {public_key} has {keys} keys",
                signature=SIGNATURE,
                count=len(values),
                public_key=PUBLIC_KEY,
                keys=len(carried),
            ),
            hint=tr(_COPY),
        )
    for value, key in zip(values, carried, strict=True):
        if verify_once(payload, value, key, signer):
            continue
        if any(verify_once(payload, value, other, signer) for other in trusted):
            raise _not_its_key()
        raise VerificationError(tr("the bundle is not signed with this key"), hint=tr(_ASK))
    return distinct(carried)


def judge_signers(signers: Sequence[PublicKey], trust: Trust, known: Known) -> tuple[PublicKey, ...]:
    """Return the signers that count.

    Raises:
        VerificationError: too few of them are trusted.
    """
    names = {key.fingerprint: key for key in signers}
    counted = count_signers([key.fingerprint for key in distinct(trust.keys)], list(names), known)
    if len(counted) >= trust.require:
        return tuple(names[name] for name in counted)
    for name in (*names, *(key.fingerprint for key in trust.keys)):
        if name in known.revoked:
            raise VerificationError(
                tr("the key {name} is revoked and must no longer be trusted", name=name), hint=tr(_ASK)
            )
    if trust.require == 1:
        raise VerificationError(
            tr("the bundle is not signed with this key")
            if len(trust.keys) == 1
            else tr("the bundle is not signed with any of these keys"),
            hint=tr(_ASK),
        )
    raise VerificationError(
        tr(
            "the bundle is signed with {count} of these keys; {require} are required",
            count=len(counted),
            require=trust.require,
        ),
        hint=tr(_ASK),
    )


def count_signers(anchors: Sequence[str], signers: Sequence[str], known: Known) -> list[str]:
    """Return the signers that are an anchor or follow one: each signer and each anchor counts once."""
    counted: list[str] = []
    for anchor in anchors:
        for key in known.chain(anchor):
            if key in signers and key not in counted:
                counted.append(key)
                break
    return counted
