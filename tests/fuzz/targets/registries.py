"""Registry responses while an image is fetched: index, manifest, config, layer, and the HTTP around them."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from bundler.api.images import SourceOptions
from bundler.image.oci import ImageConfig
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler.net.retry import RetryPolicy
from bundler.net.tls import Certificates
from bundler_registry.credentials import Login
from bundler_registry.source import RegistrySource
from examples.demo.sample_registry import make_image
from tests.fuzz.mutations import Random, damage, damage_json, dump_json

CUT = b"\n####\n"
"""Separates the responses, which are sent in this order, one per request."""
IMAGE = make_image({"etc/name": b"web"})
CERTIFICATES = Certificates(None)
"""Read only once, because it takes longer than everything else."""
MOST = 8 << 20
"""Largest blob that is read, in bytes."""


class _NoLogins:
    def find(self, host: str) -> Login | None:
        return None


def _descriptor(kind: str, raw: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": "sha256:" + hashlib.sha256(raw).hexdigest(), "size": len(raw)}


HEADS = (
    b"\r\n",
    b"-1",
    b"9" * 30,
    b"401",
    b"307",
    b"206",
    b"429",
    b"\0",
    b"\xff",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Location: http://127.0.0.1:1/\r\n",
    b"Location: file:///etc/passwd\r\n",
    b"Location: //[\r\n",
    b"Retry-After: -5\r\n",
    b'WWW-Authenticate: Bearer realm="http://127.0.0.1:1/\xff",service="\r\n',
    b"WWW-Authenticate: Basic\r\n",
    b"Content-Range: bytes 5-1/0\r\n",
    b"X: " + b"y" * 70000 + b"\r\n",
)
"""Inserted into response headers."""


def make(random: Random) -> bytes:
    """Return an image with one part damaged; digests are corrected, so that later checks are reached."""
    wrong = random.choice(("config", "manifest", "index", "head", "layer"))

    def document(name: str, value: Any) -> bytes:  # noqa: ANN401 JSON
        return dump_json(random, damage_json(random, value)) if name == wrong else json.dumps(value).encode()

    first = IMAGE.layers[0]
    layer = IMAGE.blobs[first]
    raw = next(blob for digest, blob in IMAGE.blobs.items() if digest != first)
    assert isinstance(layer, bytes)
    assert isinstance(raw, bytes)
    config = document("config", json.loads(raw))
    kind = "application/vnd.oci.image.{}+json"
    manifest = document(
        "manifest",
        {
            "schemaVersion": 2,
            "mediaType": kind.format("manifest.v1"),
            "config": _descriptor(kind.format("config.v1"), config),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer)],
            "annotations": {"a": "b"},
        },
    )
    chosen = {
        **_descriptor(kind.format("manifest.v1"), manifest),
        "platform": {"os": "linux", "architecture": "amd64"},
    }
    index = document(
        "index", {"schemaVersion": 2, "mediaType": kind.format("index.v1"), "manifests": [chosen]}
    )
    bodies = [
        (kind.format("index.v1"), index),
        (kind.format("manifest.v1"), manifest),
        ("application/octet-stream", config),
        ("application/octet-stream", damage(random, layer) if wrong == "layer" else layer),
    ]
    answers = [_head(media_type, body) for media_type, body in bodies]
    if wrong == "head":
        at = random.randrange(len(answers))
        answers[at] = damage(random, answers[at], HEADS)
    whole = [answer + body for answer, (_, body) in zip(answers, bodies, strict=True)]
    return CUT.join(whole[random.choice((0, 0, 0, 1)) :])


def _head(media_type: str, body: bytes) -> bytes:
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n"
        f"Docker-Content-Digest: sha256:{hashlib.sha256(body).hexdigest()}\r\nConnection: close\r\n\r\n"
    ).encode()


def _serve(listener: socket.socket, answers: list[bytes]) -> None:
    """Answer each request with the next response until the listener is closed; TLS is not supported."""
    left = iter(answers)
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.settimeout(5)
                asked = connection.recv(65536)
                if asked.startswith(b"\x16"):  # TLS handshake: RFC 8446, section 5.1
                    continue
                while b"\r\n\r\n" not in asked and (part := connection.recv(65536)):
                    asked += part
                connection.sendall(next(left, b""))


def check(data: bytes, folder: Path) -> bool:
    """Resolve an image, then read its config and its blobs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=_serve, args=(listener, data.split(CUT)))
        serving.start()
        try:
            _fetch(f"127.0.0.1:{listener.getsockname()[1]}")
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # interrupts accept()
            serving.join()
    return True


def _fetch(host: str) -> None:
    source = RegistrySource(
        SourceOptions(),
        logins=_NoLogins(),
        policy=RetryPolicy(attempts=2, connect_attempts=1),
        pause=lambda _: None,
        read_timeout=2,
        environment={},
        certificates=CERTIFICATES,
    )
    with closing(source):
        image = source.resolve(Reference.parse(f"{host}/web:1"), Platform.parse("linux/amd64"))
        manifest = image.manifest
        assert manifest is not None
        for blob in (manifest.config, *manifest.layers):
            if blob.size > MOST:
                continue
            with closing(source.open_blob(image, blob)) as stream:
                raw = stream.read(blob.size)
            if blob == manifest.config:
                ImageConfig.parse(raw, "web:1")
