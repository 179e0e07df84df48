"""Signs with keys on a token: smart cards and hardware security modules with a PKCS#11 module.

The token signs a SHA-256 digest with CKM_ECDSA, which every token with elliptic curves supports (PKCS #11
v2.40, Mechanisms, 2.3.6) and which returns r and s concatenated. `pkcs11` is imported where a key is opened,
because signing with key files requires neither the library nor a token.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bundler.api.signing import Secret
from bundler.errors import BundleError, UsageError, VerificationError
from bundler.language import tr
from bundler.trust.keys import PublicKey
from bundler.trust.signatures import encode
from bundler_pkcs11.uri import KeyUri

if TYPE_CHECKING:
    from pkcs11 import Session, Token

MODULE = "BUNDLE_PKCS11_MODULE"
_P256 = bytes.fromhex("06082a8648ce3d030107")
"""Object identifier of the curve P-256, in the DER encoding of EC_PARAMS."""
_POINT = 65
"""Size of an uncompressed point, in bytes."""
_HALF = 32


class TokenSigner:
    """The signer `pkcs11`."""

    name = "pkcs11"

    def generate(self, passphrase: bytes | None) -> tuple[bytes, bytes]:  # noqa: ARG002 the contract's
        """See `bundler.api.signing.Signer.generate`."""
        raise UsageError(
            tr("keys on a token must be generated with the token's own program"),
            hint=tr(
                "for example `pkcs11-tool --keypairgen --key-type EC:prime256v1`; `bundle keygen"
                " --to pkcs11:...` then writes its bundle.pub"
            ),
        )

    def open(self, reference: str, secret: Secret) -> TokenKey:
        """See `bundler.api.signing.Signer.open`: the reference is a PKCS#11 URI."""
        uri = KeyUri.parse(reference)
        pin_file = uri.pin_file
        with _telling(reference):
            token = _find_token(uri)
            pin = _pin(pin_file, token, secret)
            session = token.open(user_pin=pin)
            try:
                return TokenKey(session, uri)
            except BaseException:
                session.close()
                raise

    def verify(self, payload: bytes, signature: bytes, public_key: bytes) -> None:
        """See `bundler.api.signing.Signer.verify`. Verifying with the public key requires no token."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 40 ms
        from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 likewise
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 likewise

        key = serialization.load_der_public_key(PublicKey.read(public_key).der)
        assert isinstance(key, ec.EllipticCurvePublicKey)  # noqa: S101 PublicKey.read accepts no other
        try:
            key.verify(signature, payload, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as error:
            raise VerificationError(tr("the text is not signed with this key")) from error


class TokenKey:
    """A private key on a token, with a session that is logged in to use it."""

    def __init__(self, session: Session, uri: KeyUri) -> None:
        from pkcs11 import Attribute, ObjectClass  # noqa: PLC0415 an optional dependency

        wanted: dict[Any, Any] = {}
        if "object" in uri.path:
            wanted[Attribute.LABEL] = uri.text("object")
        if "id" in uri.path:
            wanted[Attribute.ID] = uri.path["id"]
        found = list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, **wanted}))
        if len(found) != 1:
            raise UsageError(
                tr("{count} private keys on the token match", count=len(found)),
                hint=tr("select one with object=LABEL or id=%01"),
            )
        self._closed = False
        self._session = session
        self._private: Any = found[0]  # its class is composed at run time
        identity = {Attribute.ID: self._private[Attribute.ID]}
        public = list(session.get_objects({Attribute.CLASS: ObjectClass.PUBLIC_KEY, **identity}))
        holder = public[0] if public else self._private
        self._public = _read_point(holder[Attribute.EC_PARAMS], holder[Attribute.EC_POINT])

    @property
    def public_key(self) -> bytes:
        """See `bundler.api.signing.PrivateKey.public_key`."""
        return self._public.pem

    def sign(self, payload: bytes) -> bytes:
        """See `bundler.api.signing.PrivateKey.sign`."""
        from pkcs11 import Mechanism  # noqa: PLC0415 likewise

        with _telling(tr("the token")):
            value: bytes = self._private.sign(hashlib.sha256(payload).digest(), mechanism=Mechanism.ECDSA)
        if len(value) != 2 * _HALF:
            raise BundleError(
                tr("the token returned a signature of {count} bytes instead of 64", count=len(value))
            )
        return encode(int.from_bytes(value[:_HALF], "big"), int.from_bytes(value[_HALF:], "big"))

    def close(self) -> None:
        """See `bundler.api.signing.PrivateKey.close`."""
        if not self._closed:
            self._closed = True
            self._session.close()


def _read_point(parameters: bytes, point: bytes) -> PublicKey:
    if parameters != _P256:
        raise UsageError(
            tr("the token's key is not an ECDSA key on the curve P-256"),
            hint=tr("generate one with `pkcs11-tool --keypairgen --key-type EC:prime256v1`"),
        )
    raw = point[2:] if len(point) == _POINT + 2 and point[:2] == bytes((4, _POINT)) else point
    return PublicKey.of_point(raw)


def _find_token(uri: KeyUri) -> Token:
    try:
        import pkcs11  # noqa: PLC0415 likewise
    except ImportError as error:
        raise UsageError(
            tr("keys on a token require the library python-pkcs11"),
            hint=tr("pip install 'bundler-airgap[pkcs11]'"),
        ) from error
    module = uri.query.get("module-path") or os.environ.get(MODULE)
    if not module:
        raise UsageError(
            tr("no PKCS#11 module is set"),
            hint=tr(
                "set {module}, or add ?module-path=/PATH/libNAME.so to the URI, quoted for the shell",
                module=MODULE,
            ),
        )
    if not Path(module).is_file():
        raise UsageError(tr("the PKCS#11 module {module} does not exist", module=module))
    attributes = ("token", "manufacturer", "model", "serial")
    wanted = {str(name): uri.text(name) for name in attributes if name in uri.path}
    there = pkcs11.lib(module).get_tokens(token_flags=pkcs11.TokenFlag.TOKEN_INITIALIZED)
    found = [token for token in there if _is_meant(token, wanted)]
    if len(found) != 1:
        raise UsageError(
            tr("{count} tokens match", count=len(found)),
            hint=tr("select one with token=LABEL; `pkcs11-tool -L` lists them"),
        )
    return found[0]


def _is_meant(token: Token, wanted: dict[str, str | None]) -> bool:
    has = {
        "token": token.label,
        "manufacturer": token.manufacturer_id,
        "model": token.model,
        "serial": token.serial.decode("ascii", "replace"),
    }
    return all(has[name].rstrip(" \0") == value for name, value in wanted.items())


def _pin(file: Path | None, token: Token, secret: Secret) -> str:
    pin = (
        file.read_bytes().rstrip(b"\r\n")
        if file
        else secret(tr("PIN of the token {label}", label=token.label))
    )
    if not pin:
        raise UsageError(
            tr("the token {label} needs a PIN and none was given", label=token.label),
            hint=tr(
                "use --passphrase-file FILE, set BUNDLE_KEY_PASSPHRASE, use pin-source=file:/PATH,"
                " or a terminal"
            ),
        )
    return pin.decode()


@contextmanager
def _telling(what: str) -> Iterator[None]:
    """Convert errors of the PKCS#11 module into errors that are shown without a traceback."""
    try:
        yield
    except BundleError:
        raise
    except RuntimeError as error:  # the base of pkcs11's errors, which may not be installed
        reason = type(error).__name__
        hint = tr("wrong PIN; most tokens lock after three attempts") if reason.startswith("Pin") else None
        raise BundleError(
            tr("{what}: the token refused: {reason} {error}", what=what, reason=reason, error=error).rstrip(),
            hint=hint,
        ) from error
