"""Certificates in the installer: provided and checked, or generated at the site."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from bundler_installer.assemble import catalogue
from tests.support.installer import call, shells
from tests.support.site_certificates import HOST, write_pair

ROW = "SERVER_NAME\tTLS_CERTIFICATE\tTLS_KEY\tTLS_SELF_SIGNED\ttls/tls.crt\ttls/tls.key\n"
CHOOSE = 'check_certificates; place_certificates; printf "CERTIFICATES=%s\\n" "$CERTIFICATES"'


def choose(
    folder: Path, shell: str = "dash", language: str = "en", host: str = HOST, **values: object
) -> subprocess.CompletedProcess[str]:
    """Run the part of the installer that checks and places the certificate named in the site's values."""
    (folder / "here").mkdir(exist_ok=True)
    (folder / "here/certificates.tsv").write_text("#host\n" + ROW)
    given = {"SERVER_NAME": host, "TLS_SELF_SIGNED": "false", **values}
    script = "".join(f"printf '%s' '{value}' >\"$VALUES/{name}\"\n" for name, value in given.items())
    return call(shell, script + CHOOSE, folder, language=language)


@pytest.fixture(params=shells())
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_given_certificate_is_put_in_place_for_its_owner_alone(shell: str, tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path, hosts=("other.example", HOST))
    result = choose(tmp_path, shell, TLS_CERTIFICATE=certificate, TLS_KEY=key)
    assert result.returncode == 0, result.stderr
    for source, target in ((certificate, "tls.crt"), (key, "tls.key")):
        placed = tmp_path / "root/data/tls" / target
        assert placed.read_bytes() == source.read_bytes()
        assert stat.S_IMODE(placed.stat().st_mode) == 0o600


@pytest.mark.parametrize("host", [HOST, "10.1.2.3", "fd00::7"])
def test_a_certificate_is_made_on_request(shell: str, host: str, tmp_path: Path) -> None:
    result = choose(tmp_path, shell, host=host, TLS_SELF_SIGNED="true")
    assert result.returncode == 0, result.stderr
    made = x509.load_pem_x509_certificate((tmp_path / "root/data/tls/tls.crt").read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    found = names.get_values_for_type(x509.DNSName) or names.get_values_for_type(x509.IPAddress)
    assert [str(name) for name in found] == [host]
    fingerprint = made.fingerprint(hashes.SHA256()).hex(":").upper()
    assert fingerprint in result.stdout


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"days": 1, "start": -3}, "expired"),
        ({"start": 2}, "early"),
        ({"hosts": ("other.example",)}, "host"),
        ({"hosts": ()}, "host"),
        ({"passphrase": b"secret"}, "passphrase"),
    ],
)
def test_certificates_that_browsers_refuse_are_refused(
    how: dict[str, object], message: str, language: str, tmp_path: Path
) -> None:
    certificate, key = write_pair(tmp_path, **how)  # type: ignore[arg-type]
    result = choose(tmp_path, shells()[0], language, TLS_CERTIFICATE=certificate, TLS_KEY=key)
    assert result.returncode == 2
    said = catalogue(language)[f"certificate.{message}"]
    assert said.rpartition("%s")[2] in result.stderr
    assert str(key if message == "passphrase" else certificate) in result.stderr
    assert not (tmp_path / "root/data/tls").exists()


def test_a_key_of_another_certificate_is_refused(shell: str, tmp_path: Path) -> None:
    certificate, _ = write_pair(tmp_path)
    _, other = write_pair(tmp_path, "other")
    result = choose(tmp_path, shell, TLS_CERTIFICATE=certificate, TLS_KEY=other)
    assert result.returncode == 2
    assert f"{certificate} does not match the private key {other}" in result.stderr


def test_files_that_are_not_pem_are_refused(shell: str, tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path)
    result = choose(tmp_path, shell, TLS_CERTIFICATE=key, TLS_KEY=key)
    assert "contains no certificate" in result.stderr
    result = choose(tmp_path, shell, TLS_CERTIFICATE=certificate, TLS_KEY=certificate)
    assert "contains no private key" in result.stderr


def test_half_a_pair_and_files_that_are_not_there_are_refused(shell: str, tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path)
    assert "TLS_KEY is not" in choose(tmp_path, shell, TLS_CERTIFICATE=certificate).stderr
    assert "TLS_CERTIFICATE is not" in choose(tmp_path, shell, TLS_KEY=key).stderr
    gone = choose(tmp_path, shell, TLS_CERTIFICATE="/nowhere/x.crt", TLS_KEY=key)
    assert gone.returncode == 2
    assert "/nowhere/x.crt does not exist" in gone.stderr
    none = choose(tmp_path, shell)
    assert none.returncode == 2
    assert "TLS_SELF_SIGNED=true" in none.stderr


def test_an_expiring_or_incomplete_certificate_is_warned_about(shell: str, tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path, days=10, issuer="Bank CA")
    result = choose(tmp_path, shell, TLS_CERTIFICATE=certificate, TLS_KEY=key)
    assert result.returncode == 0
    assert "Renew it in time" in result.stderr
    assert "intermediate certificates" in result.stderr


def test_a_second_run_keeps_the_certificate(shell: str, tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path)
    first = choose(tmp_path, shell, TLS_CERTIFICATE=certificate, TLS_KEY=key)
    (tmp_path / "root/site.env").write_text(f"TLS_CERTIFICATE={certificate}\nTLS_KEY={key}\n")
    kept = (tmp_path / "root/data/tls/tls.crt").read_bytes()
    certificate.unlink()
    key.unlink()
    again = choose(tmp_path, shell, TLS_CERTIFICATE=certificate, TLS_KEY=key)
    assert again.returncode == 0, again.stderr
    assert again.stdout == first.stdout
    assert (tmp_path / "root/data/tls/tls.crt").read_bytes() == kept
    moved = choose(tmp_path, shell, TLS_CERTIFICATE="/nowhere/new.crt", TLS_KEY=key)
    assert moved.returncode == 2


def test_a_new_certificate_replaces_the_old_one(shell: str, tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path)
    first = choose(tmp_path, shell, TLS_CERTIFICATE=certificate, TLS_KEY=key)
    certificate, key = write_pair(tmp_path)
    second = choose(tmp_path, shell, TLS_CERTIFICATE=certificate, TLS_KEY=key)
    assert second.returncode == 0, second.stderr
    # Services refer to it, so Compose recreates them.
    assert first.stdout.splitlines()[-1] != second.stdout.splitlines()[-1]
    assert (tmp_path / "root/data/tls/tls.crt").read_bytes() == certificate.read_bytes()


def test_a_self_signed_one_stays_while_it_serves(shell: str, tmp_path: Path) -> None:
    choose(tmp_path, shell, TLS_SELF_SIGNED="true")
    first = (tmp_path / "root/data/tls/tls.crt").read_bytes()
    choose(tmp_path, shell, TLS_SELF_SIGNED="true")
    assert (tmp_path / "root/data/tls/tls.crt").read_bytes() == first
    choose(tmp_path, shell, host="new.bank.example", TLS_SELF_SIGNED="true")
    assert (tmp_path / "root/data/tls/tls.crt").read_bytes() != first


def test_an_expiring_installed_certificate_is_warned_about(shell: str, tmp_path: Path) -> None:
    for days, warned in ((10, True), (100, False)):
        certificate, key = write_pair(tmp_path, days=days)
        choose(tmp_path, shell, TLS_CERTIFICATE=certificate, TLS_KEY=key)
        found = call(shell, ': >"$SCRATCH/inspection"; inspect_certificates; print_records', tmp_path)
        assert found.stdout.startswith("! certificate tls/tls.crt: " if warned else "✓ certificate"), found


def test_an_application_without_certificates_has_none(shell: str, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here/certificates.tsv").write_text("#host\n")
    result = call(shell, CHOOSE, tmp_path)
    assert (result.returncode, result.stdout) == (0, "CERTIFICATES=-\n")
