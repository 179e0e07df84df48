"""Receipts: what a site verified, accepted and runs, signed by the site: docs/reference/receipt.md.

A receipt is an envelope of DSSE 1.0 (https://github.com/secure-systems-lab/dsse) with one signature: Ed25519
(RFC 8032), or ECDSA on P-256 with SHA-256 where the site's OpenSSL is older than 3.0. The payload is parsed
only after its signature proved valid. It contains the site's public key, so that a changed receipt is found
without that key; who made it is known only by comparing the key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Annotated, Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bundler.errors import UsageError, VerificationError
from bundler.io.json import parse_json
from bundler.language import tr, tr_later

PAYLOAD_TYPE = "application/vnd.airbundle.receipt+json"
LIMIT = 4_000_000
"""Largest receipt in bytes; one of ten services has about 6,000."""
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ImageDigest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
SiteKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey
_KEY_HINT = tr_later("use the site's receipts/site.pub")
_HINT = tr_later("ask the site to send the file again, unchanged, from <root>/receipts/")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class Application(_Part):
    """The application of the release that runs."""

    name: str
    """Name of the application."""
    title: str
    """Name for people."""
    version: str
    """Its version."""
    profile: str
    """Profile that the bundle was built from."""


class Attestation(_Part):
    """A file below attestations/ of the bundle."""

    path: str
    """Path in the bundle."""
    sha256: Digest
    """SHA-256 of the file, in hex."""


class Verified(_Part):
    """What was verified before the change."""

    in_this_run: bool
    """Whether the bundle was verified by this run. Otherwise its release was installed by an earlier one."""
    bundle: Digest
    """SHA-256 of the bundle's SHA256SUMS, which lists every file of it."""
    files: int
    """Number of files that it lists."""
    keys: tuple[Digest, ...]
    """Fingerprints of the publisher's keys that signed and that the site trusts; none if it is unsigned."""
    attestations: tuple[Attestation, ...]
    """SBOM, provenance and others, with their digests."""


class Check(_Part):
    """A check of the preflight that was not passed."""

    id: str
    """Id of the check."""
    measured: str | None
    """What the server has, in the language of the operator."""
    needed: str | None
    """What is required or recommended."""


class Accepted(_Part):
    """What the operator accepted."""

    options: tuple[str, ...]
    """Options such as --yes, --allow-unsigned and --accept ID. Values of variables are not among them."""
    checks: tuple[Check, ...]
    """Failed checks that --accept let pass."""


class Service(_Part):
    """A service of the release."""

    service: str
    """Its name in the Compose document."""
    image: str
    """Reference of its image."""
    manifest: ImageDigest | None
    """Digest of the image's manifest."""
    config: ImageDigest | None
    """Digest of the image's config."""
    states: str | None
    """State of each of its containers, in the engine's words, separated by commas."""


class Running(_Part):
    """What runs at the end of the change."""

    engine: str
    """Version of the engine."""
    compose: str
    """Version of Compose."""
    services: tuple[Service, ...]
    """Services of the release."""


class Receipt(_Part):
    """The payload of a receipt."""

    format: Literal[1]
    """Version of this format."""
    kind: Literal["install", "upgrade", "restore", "rollback", "forward", "adopt"]
    """What was done; forward: the return to the newer release after a rollback."""
    finished: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
    """When, in UTC, by the server's clock."""
    host: str
    """Name of the server."""
    root: str
    """Folder of the installation."""
    application: Application
    """The application."""
    release: str
    """Id of the release that runs."""
    previous: str | None
    """Id of the release that ran before; null if there was none, or if it is the same."""
    backup: str | None
    """Name of the backup whose data were restored."""
    verified: Verified
    """What was verified."""
    accepted: Accepted
    """What was accepted."""
    warnings: tuple[Check, ...]
    """Checks that warned."""
    runs: Running
    """What runs."""
    site_key: str
    """The site's public key: SubjectPublicKeyInfo in DER, as base64."""


class _Signature(_Part):
    keyid: Digest
    sig: str


class _Envelope(_Part):
    payload_type: Literal["application/vnd.airbundle.receipt+json"] = Field(alias="payloadType")
    payload: str
    signatures: Annotated[tuple[_Signature, ...], Field(min_length=1, max_length=1)]


class _Keyed(BaseModel):
    """The one field of a payload that is read before its signature is checked."""

    site_key: str


@dataclass(frozen=True)
class Checked:
    """A receipt whose signature is valid.

    Attributes:
        receipt: its content.
        fingerprint: SHA-256 (hex) of the DER of the site's key.
    """

    receipt: Receipt
    fingerprint: str


def check_receipt(data: bytes, site_key: bytes | None = None) -> Checked:
    """Verify a receipt.

    Args:
        data: content of the file.
        site_key: the key that must have signed it, PEM or DER; None accepts the key that it names itself.

    Raises:
        VerificationError: it is not a receipt, it was changed, or another key signed it.
        UsageError: `site_key` is not a public key of a kind that sites have.
    """
    wanted = None if site_key is None else read_site_key(site_key)
    if len(data) > LIMIT:
        raise VerificationError(
            tr("the file is too large for a receipt: more than {limit} bytes", limit=LIMIT), hint=tr(_HINT)
        )
    try:
        envelope = _Envelope.model_validate(_tuples(parse_json(data)))
        payload = _decode(envelope.payload)
        signature = _decode(envelope.signatures[0].sig)
        der = _decode(_Keyed.model_validate(parse_json(payload)).site_key)
    except ValidationError as error:
        raise VerificationError(_no_receipt(_first(error)), hint=tr(_HINT)) from error
    except ValueError as error:
        raise VerificationError(_no_receipt(str(error)), hint=tr(_HINT)) from error
    fingerprint = hashlib.sha256(der).hexdigest()
    if wanted is not None and wanted != der:
        raise VerificationError(
            tr(
                "the receipt is signed by another site: its key is {key}, the given one {given}",
                key=fingerprint,
                given=hashlib.sha256(wanted).hexdigest(),
            ),
            hint=tr("use the site.pub that this site sent when it was set up"),
        )
    if fingerprint != envelope.signatures[0].keyid or not _is_valid(der, signature, payload):
        raise VerificationError(
            tr("the receipt was changed: its signature does not match its content"), hint=tr(_HINT)
        )
    try:
        receipt = Receipt.model_validate(_tuples(parse_json(payload)))
    except ValidationError as error:
        raise VerificationError(
            tr("the receipt has a form that this version does not know: {problem}", problem=_first(error)),
            hint=tr("use a newer version of this program"),
        ) from error
    return Checked(receipt, fingerprint)


def _no_receipt(problem: str) -> str:
    return tr("the file is not a receipt: {problem}", problem=problem)


def read_site_key(data: bytes) -> bytes:
    """Return the DER of a site's public key, from PEM or DER.

    Raises:
        UsageError: it is not an Ed25519 key, nor one of ECDSA on P-256.
    """
    try:
        pem = b"-----BEGIN" in data
        key = serialization.load_pem_public_key(data) if pem else serialization.load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        message = (
            tr("the site's key cannot be read: this is a private key: keep it secret")
            if b"PRIVATE KEY-----" in data
            else tr("the site's key cannot be read: it is not a public key")
        )
        raise UsageError(message, hint=tr(_KEY_HINT)) from error
    if not _is_site_key(key):
        raise UsageError(tr("the site's key is neither Ed25519 nor ECDSA on P-256"), hint=tr(_KEY_HINT))
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def receipt_schema() -> dict[str, object]:
    """Return the JSON Schema of the payload."""
    schema = Receipt.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Receipt"
    return schema


def _is_site_key(key: object) -> bool:
    if isinstance(key, ec.EllipticCurvePublicKey):
        return isinstance(key.curve, ec.SECP256R1)
    return isinstance(key, ed25519.Ed25519PublicKey)


def _is_valid(der: bytes, signature: bytes, payload: bytes) -> bool:
    """Return whether the key signed the pre-authentication encoding of the payload: DSSE 1.0, protocol.md."""
    kind = PAYLOAD_TYPE.encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    try:
        key = serialization.load_der_public_key(der)
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, signed)
        elif isinstance(key, ec.EllipticCurvePublicKey) and _is_site_key(key):
            key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _decode(text: str) -> bytes:
    """Decode base64 in its one canonical form.

    Raises:
        ValueError: it is not.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(tr("a field is not base64")) from error
    if base64.b64encode(data).decode() != text:
        raise ValueError(tr("a field is not base64 in its canonical form"))
    return data


def _tuples(value: object) -> object:
    """Return a document with tuples in place of lists, which is what strict models take."""
    if isinstance(value, list):
        return tuple(map(_tuples, value))
    if isinstance(value, dict):
        return {key: _tuples(each) for key, each in value.items()}
    return value


def _first(error: ValidationError) -> str:
    """Return the first problem on one line."""
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, problem["loc"]))
    return re.sub(r"\s+", " ", f"{where}: {problem['msg']}" if where else problem["msg"])
