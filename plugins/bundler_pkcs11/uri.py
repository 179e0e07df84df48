"""Parses PKCS#11 URIs: RFC 7512."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from bundler.errors import UsageError
from bundler.language import tr, tr_later

PATH = frozenset({"token", "manufacturer", "model", "serial", "object", "id", "type"})
"""Supported path attributes: section 2.3. A URI with an unknown attribute must not match any key."""
QUERY = frozenset({"pin-source", "module-path"})
_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:\[\]@!$'()*+,&/|%=;]*")
_EXAMPLE = tr_later(
    "for example 'pkcs11:token=release;object=bundle?module-path=/usr/lib/softhsm/libsofthsm2.so'"
)


@dataclass(frozen=True)
class KeyUri:
    """A parsed URI, which identifies a key and says how to access it.

    Attributes:
        path: attributes of the token and the key, percent-decoded.
        query: attributes of the module and the PIN.
    """

    path: dict[str, bytes]
    query: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> KeyUri:
        """Parse a URI.

        Raises:
            UsageError: it is not a PKCS#11 URI, or has an attribute that is not supported.
        """
        scheme, _, rest = text.partition(":")
        path, _, query = rest.partition("?")
        if scheme != "pkcs11" or not _CHARACTERS.fullmatch(path):
            raise UsageError(tr("not a PKCS#11 URI (RFC 7512)"), hint=tr(_EXAMPLE))
        return cls(
            _attributes(path, ";", PATH),
            {name: value.decode() for name, value in _attributes(query, "&", QUERY).items()},
        )

    def text(self, name: str) -> str | None:
        """Return a path attribute as text, or None if it is absent."""
        value = self.path.get(name)
        return None if value is None else value.decode()

    @property
    def pin_file(self) -> Path | None:
        """The file that `pin-source` names, or None."""
        source = self.query.get("pin-source")
        if source is None:
            return None
        path = source.removeprefix("file:")
        if not path.startswith("/"):
            raise UsageError(
                tr("pin-source is not the absolute path of a file"),
                hint=tr("for example pin-source=file:/run/pin"),
            )
        return Path("/" + path.lstrip("/"))


def _attributes(text: str, separator: str, known: frozenset[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in text.split(separator) if text else ():
        name, equals, value = part.partition("=")
        if name == "pin-value":
            raise UsageError(
                tr("pin-value: a PIN on the command line is visible to all users of this machine"),
                hint=tr("use pin-source=file:/PATH, --passphrase-file, BUNDLE_KEY_PASSPHRASE or the prompt"),
            )
        if not equals or name not in known or name in found:
            raise UsageError(
                tr("{name!r} in a PKCS#11 URI is unknown or duplicated", name=name),
                hint=tr("supported: {path}", path=", ".join(sorted(PATH | QUERY))),
            )
        if re.search(r"%(?![0-9A-Fa-f]{2})", value):
            raise UsageError(
                tr("{name} in a PKCS#11 URI is not percent-encoded", name=name), hint=tr("write % as %25")
            )
        found[name] = unquote_to_bytes(value)
    return found
