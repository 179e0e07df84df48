"""Parse documents of registries, token servers and archives: a value, or an error that names the document."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.errors import BundleError, FetchError
from bundler.image.oci import OCI_MANIFEST, ImageConfig, Index, Manifest
from bundler.io.json import MAX_VALUES, parse_json
from bundler.store.blobs import Store
from bundler_docker.importing import parse_manifest
from examples.demo.sample_registry import make_image, pack_image
from tests.support.faults import FaultRegistry, Tokens, body
from tests.support.pulls import Puller

DEEP = 200_000
BAD: dict[str, tuple[bytes, str]] = {
    "a list of lists": (b"[" * DEEP, "nested too deeply"),
    "objects in objects": (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "nested too deeply"),
    "closed again": (b'{"x":' + b"[" * DEEP + b"]" * DEEP + b"}", "nested too deeply"),
    "4 MiB of brackets": (b"[" * (4 << 20), "too many values"),
    "4 MiB of empty lists": (b"[" + b"[]," * 1_300_000 + b"1]", "too many values"),
    "NaN": (b'{"size": NaN}', "invalid number: NaN"),
    "Infinity": (b'{"size": -Infinity}', "invalid number: -Infinity"),
    "1e999": (b'{"expires_in": 1e999}', "too large: 1e999"),
    "an integer of 5000 digits": (b'{"size": ' + b"9" * 5000 + b"}", "digits"),
    "half a character": (b'{"mediaType": "\\ud800"}', "lone surrogate"),
    "half a character in a key": (b'{"\\udfff": 1}', "lone surrogate"),
    "UTF-16": ('{"schemaVersion": 2}'.encode("utf-16"), "not UTF-8"),
    "UTF-32": ('{"schemaVersion": 2}'.encode("utf-32-le"), "Expecting|Invalid|not UTF-8|control"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "BOM"),
    "latin 1": (b'{"a": "\xe9"}', "not UTF-8 at byte 7"),
    "a control character": (b'{"a": "\x00"}', "control character"),
    "a login page": (b"<html>", "Expecting value"),
    "nothing": (b"", "Expecting value"),
}


@pytest.mark.parametrize(("raw", "says"), BAD.values(), ids=BAD.keys())
def test_an_invalid_document_is_refused_with_a_reason(raw: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_json(raw)


@pytest.mark.parametrize(("raw", "says"), BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize(
    ("parse", "name"),
    [
        (Manifest.parse, "app:1: the manifest"),
        (Index.parse, "app:1: the index"),
        (ImageConfig.parse, "app:1: the image's config"),
        (parse_manifest, "app:1: manifest.json"),
    ],
)
def test_errors_name_the_document(
    parse: Callable[[bytes, str], object], name: str, raw: bytes, says: str
) -> None:
    with pytest.raises(FetchError, match=f"{name} is not JSON: .*({says})"):
        parse(raw, "app:1")


def test_surrogate_pairs_are_decoded() -> None:
    assert parse_json(b'"\\ud83d\\ude00 \\u4e2d"') == "\U0001f600 中"


def test_an_index_of_a_thousand_images_is_accepted() -> None:
    entry = {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "0" * 64, "size": 5, "annotations": {"a": "b"}}
    raw = json.dumps([entry] * 1000).encode()
    assert len(parse_json(raw)) == 1000
    assert sum(map(raw.count, (b",", b"[", b"{"))) < MAX_VALUES / 50


@given(st.binary() | st.recursive(st.text() | st.integers() | st.floats(), st.lists).map(
    lambda value: json.dumps(value).encode("utf-8", "surrogatepass")
))  # fmt: skip
def test_any_bytes_parse_or_raise_value_error(raw: bytes) -> None:
    try:
        found = parse_json(raw)
    except ValueError:
        return
    assert json.loads(json.dumps(found, ensure_ascii=False).encode()) == found


# ---------------------------------------------------------------- through a registry

IMAGE = make_image({"etc/release": b"hello\n"})


PUSHED = {"app:1": IMAGE}
"""The images in the registry."""


@pytest.mark.parametrize("raw", [raw for raw, _ in BAD.values()], ids=BAD.keys())
def test_an_invalid_manifest_is_refused(registry: FaultRegistry, puller: Puller, raw: bytes) -> None:
    registry.fail("1", body(raw), 100)
    with pytest.raises(BundleError, match=r"app:1: .*(the answer is not a manifest)") as caught:
        puller.pull(f"{registry.host}/app:1")
    assert len(caught.value.message) < 400
    assert list(Store(puller.folder / "cache").entries()) == []


@pytest.mark.parametrize("raw", [raw for raw, _ in BAD.values()], ids=BAD.keys())
def test_an_invalid_config_is_refused(registry: FaultRegistry, puller: Puller, raw: bytes) -> None:
    registry.add_image("bad", "1", pack_image(raw, []))
    with pytest.raises(FetchError, match=r"bad:1: the image's config is not JSON"):
        puller.pull(f"{registry.host}/bad:1")


@pytest.mark.parametrize("raw", [raw for raw, _ in BAD.values()], ids=BAD.keys())
def test_an_invalid_token_is_refused(registry: FaultRegistry, puller: Puller, raw: bytes) -> None:
    registry.tokens = Tokens()
    registry.fail("token", body(raw), 100)
    with pytest.raises(BundleError, match=r"its token server .* without a token"):
        puller.pull(f"{registry.host}/app:1")


@pytest.mark.parametrize("raw", [raw for raw, _ in BAD.values()], ids=BAD.keys())
def test_an_invalid_error_body_is_tolerated(registry: FaultRegistry, puller: Puller, raw: bytes) -> None:
    registry.fail("1", body(raw, 418), 100)
    with pytest.raises(BundleError, match=r"app:1: .*answers 418$"):
        puller.pull(f"{registry.host}/app:1")


def test_a_config_of_gigabytes_is_not_fetched(registry: FaultRegistry, puller: Puller) -> None:
    document = json.loads(IMAGE.manifest.raw)
    document["config"]["size"] = 9 << 30
    registry.fail("1", body(json.dumps(document).encode()), 100)
    with pytest.raises(BundleError, match=r"app:1: the image's config has 9663676416 bytes, more than 4 MiB"):
        puller.pull(f"{registry.host}/app:1")
    assert registry.counts() == {}
