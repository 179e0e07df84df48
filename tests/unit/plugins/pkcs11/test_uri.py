"""URIs of keys on tokens (RFC 7512)."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.errors import UsageError
from bundler_pkcs11.uri import KeyUri


def test_a_uri_is_read_with_its_escapes() -> None:
    uri = KeyUri.parse("pkcs11:token=My%20Bank;object=bundle;id=%01%ff?pin-source=file:/run/pin")
    assert uri.text("token") == "My Bank"
    assert uri.text("serial") is None
    assert uri.path["id"] == b"\x01\xff"
    assert uri.pin_file == Path("/run/pin")
    assert KeyUri.parse("pkcs11:").pin_file is None


@pytest.mark.parametrize("slashes", ["/", "//", "///"])
def test_a_file_of_the_pin_has_an_absolute_path(slashes: str) -> None:
    assert KeyUri.parse(f"pkcs11:?pin-source=file:{slashes}run/pin").pin_file == Path("/run/pin")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bundle.key", "not a PKCS#11 URI"),
        ("http:token=a", "not a PKCS#11 URI"),
        ("pkcs11:token=a b", "not a PKCS#11 URI"),
        ("pkcs11:token", "'token' in a PKCS#11 URI is unknown or duplicated"),
        ("pkcs11:colour=red", "'colour' in a PKCS#11 URI is unknown or duplicated"),
        ("pkcs11:token=a;token=b", "'token' in a PKCS#11 URI is unknown or duplicated"),
        ("pkcs11:token=100%", "token in a PKCS#11 URI is not percent-encoded"),
        ("pkcs11:token=a?pin-value=1234", "a PIN on the command line"),
        ("pkcs11:token=a?token=b", "'token' in a PKCS#11 URI is unknown or duplicated"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        KeyUri.parse(text)


@pytest.mark.parametrize("source", ["pin", "file:pin", "|cat"])
def test_a_source_of_the_pin_that_is_not_a_path_is_refused(source: str) -> None:
    with pytest.raises(UsageError, match="pin-source is not the absolute path of a file"):
        _ = KeyUri.parse(f"pkcs11:?pin-source={source}").pin_file
