"""Bundles signed by a key on a SoftHSM token, through its PKCS#11 module."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bundler.errors import BundleError, UsageError
from bundler.trust.keys import PublicKey
from bundler.trust.signatures import decode, normalise
from bundler_pkcs11.signer import MODULE, TokenSigner
from bundler_pkcs11.uri import KeyUri
from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import Builder
from tests.support.programs import need_program, run

LIBRARY = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "6512-hold"
SIGNER = TokenSigner()


@dataclass(frozen=True)
class SoftToken:
    """Token in a folder, with the keys `bundle` (P-256) and `other` (P-384)."""

    folder: Path

    @property
    def configuration(self) -> Path:
        return self.folder / "softhsm2.conf"

    def make(self) -> None:
        (self.folder / "tokens").mkdir(parents=True)
        self.configuration.write_text(f"directories.tokendir = {self.folder}/tokens\nlog.level = ERROR\n")
        environment = {**os.environ, "SOFTHSM2_CONF": str(self.configuration)}
        run(
            "softhsm2-util", "--init-token", "--free", "--label", "release desk",
            "--pin", PIN, "--so-pin", "12345678",
            env=environment,
        )  # fmt: skip
        for label, kind, identity in (("bundle", "prime256v1", "01"), ("other", "secp384r1", "02")):
            run(
                "pkcs11-tool", "--module", LIBRARY, "--login", "--pin", PIN, "--keypairgen",
                "--key-type", f"EC:{kind}", "--label", label, "--id", identity, env=environment,
            )  # fmt: skip


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftToken]:
    need_program("softhsm2-util", "softhsm2")
    need_program("pkcs11-tool", "opensc")
    found = SoftToken(tmp_path_factory.mktemp("token"))
    found.make()
    with pytest.MonkeyPatch.context() as environment:  # the module reads the variable once per process
        environment.setenv("SOFTHSM2_CONF", str(found.configuration))
        yield found


@pytest.fixture(autouse=True)
def module(token: SoftToken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODULE, str(LIBRARY))


def pin(purpose: str) -> bytes | None:
    assert purpose == "PIN of the token release desk"
    return PIN.encode()


def test_openssl_accepts_what_the_token_signs(tmp_path: Path) -> None:
    key = SIGNER.open("pkcs11:token=release%20desk;object=bundle", pin)
    try:
        public, text, signature = tmp_path / "pub", tmp_path / "text", tmp_path / "signature"
        public.write_bytes(key.public_key)
        for number in range(20):  # about half have the higher s until it is normalised to the lower one
            text.write_text(str(number))
            value = key.sign(text.read_bytes())
            decode(value)
            assert normalise(value) == value
            signature.write_bytes(value)
            verify = ("openssl", "dgst", "-sha256", "-verify", public, "-signature", signature, text)
            assert run(*verify) == "Verified OK\n"
            SIGNER.verify(text.read_bytes(), value, key.public_key)
    finally:
        key.close()


@pytest.mark.parametrize(
    ("uri", "error", "says"),
    [
        ("pkcs11:token=nobody", UsageError, "0 tokens"),
        ("pkcs11:token=release%20desk", UsageError, "2 private keys"),
        ("pkcs11:token=release%20desk;object=none", UsageError, "0 private keys"),
        ("pkcs11:token=release%20desk;id=%02", UsageError, "P-256"),
        ("pkcs11:object=bundle?module-path=/none.so", UsageError, "does not exist"),
        ("pkcs11:object=bundle?pin-value=1234", UsageError, "visible to all users"),
        ("pkcs11:object=bundle;pin-value=1234", UsageError, "visible to all users"),
        ("pkcs11:object=bundle?pin-source=|cat%20/x", UsageError, "absolute path"),
        ("pkcs11:objekt=bundle", UsageError, "unknown"),
        ("pkcs11:object=a;object=b", UsageError, "duplicated"),
        ("pkcs11:object=%zz", UsageError, "percent"),
        ("pkcs11:object=a b", UsageError, "RFC 7512"),
    ],
)
def test_a_uri_must_name_exactly_one_key(uri: str, error: type[BundleError], says: str) -> None:
    with pytest.raises(error, match=says):
        SIGNER.open(uri, lambda _: PIN.encode())


def test_a_wrong_or_missing_pin_is_refused() -> None:
    with pytest.raises(BundleError, match="PinIncorrect") as found:
        SIGNER.open("pkcs11:object=bundle", lambda _: b"wrong")
    assert "wrong PIN" in str(found.value.hint)
    with pytest.raises(UsageError, match="needs a PIN"):
        SIGNER.open("pkcs11:object=bundle", lambda _: None)


def test_a_pin_file_named_by_the_uri(tmp_path: Path) -> None:
    (tmp_path / "pin").write_text(f"{PIN}\n")
    key = SIGNER.open(f"pkcs11:id=%01?pin-source=file:{tmp_path}/pin", lambda _: None)
    assert PublicKey.read(key.public_key)
    key.close()
    key.close()


def test_uris_of_the_standard() -> None:
    """Examples from RFC 7512, section 3."""
    uri = KeyUri.parse(
        "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;"
        "model=1.0;object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial="
        "?pin-source=file:/etc/token_pin"
    )
    assert uri.text("token") == "The Software PKCS#11 Softtoken"
    assert uri.path["id"] == b"\x69\x95\x3e\x5c\xf4\xbd\xec\x91"
    assert uri.pin_file == Path("/etc/token_pin")


def test_a_token_has_no_keygen() -> None:
    with pytest.raises(UsageError, match="own program"):
        SIGNER.generate(None)


def test_a_bundle_signed_by_a_file_and_a_token(token: SoftToken, tmp_path: Path) -> None:
    builder = Builder(tmp_path, tmp_path / "cache")
    builder.check("keygen")
    (tmp_path / "compose.yaml").write_text("services: {web: {image: 'registry.example/web:1'}}\n")
    (tmp_path / "shop.yaml").write_text(
        "application: compose\nversion: '1'\nsources: [registry]\nsettings: {project: .}\n"
    )
    (tmp_path / "pin").write_text(PIN)
    uri = "pkcs11:token=release%20desk;object=bundle"
    pins = {"BUNDLE_KEY_PASSPHRASE": PIN}
    with SampleRegistry() as registry:
        registry.add_image("web", "1", make_image({"web": b"web"}))
        built = ("--profile", "./shop.yaml", "--registry-mirror", f"registry.example={registry.host}")
        builder.check("build", *built, "--key", "bundle.key", "--key", uri, environment=pins)
        first = next((tmp_path / "dist").glob("*.tar"))
        builder.check("keygen", "--to", uri, "--output", "hsm", environment=pins)
        both = ("--key", "bundle.pub", "--key", "hsm/bundle.pub", "--require", "2")
        builder.check("verify", first, *both)
        builder.check("build", *built, "--output", "later")
    later = next((tmp_path / "later").glob("*.tar"))
    assert builder.bundle("verify", later, *both).returncode == 4
    builder.check("sign", later, "--key", uri, "--passphrase-file", "pin")
    assert "signed by the keys" in builder.check("verify", later, *both)
    run("sha256sum", "-c", f"{later.name}.sha256", cwd=later.parent)
    run("tar", "-xf", later, cwd=tmp_path)
    sums = tmp_path / later.stem / "SHA256SUMS"
    lines = sums.with_suffix(".sig").read_bytes().splitlines()
    (tmp_path / "signature").write_bytes(base64.b64decode(lines[1]))
    verify = ("openssl", "dgst", "-sha256", "-verify", tmp_path / "hsm/bundle.pub")
    assert run(*verify, "-signature", tmp_path / "signature", sums) == "Verified OK\n"
