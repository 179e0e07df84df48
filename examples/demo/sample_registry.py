r"""A small registry in this process: the pull half of the OCI Distribution specification.

For the demo and the tests. It serves images from memory or from files on a loopback port:

    with SampleRegistry() as registry:
        registry.add_image("hello", "1.0", make_image({"etc/release": b"hello\n"}))
        ...  # docker pull, skopeo, bundle: registry.host is "127.0.0.1:<port>"
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import socket
import ssl
import sys
import tarfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE: Final = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE: Final = "application/vnd.oci.image.layer.v1.tar+gzip"

_ROUTE = re.compile(r"/v2/(?P<name>[a-z0-9._/-]+)/(?P<kind>manifests|blobs|tags)/(?P<reference>[\w.:+-]+)")
_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
_EXECUTABLE = (b"\x7fELF", b"#!")


def digest_of(data: bytes) -> str:
    """Return the digest of `data`, `sha256:<hex>`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def encode(document: object) -> bytes:
    """Return `document` as reproducible JSON without spaces."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


# ---------------------------------------------------------------- images


@dataclass(frozen=True)
class Document:
    """A manifest or an index."""

    media_type: str
    raw: bytes

    @property
    def digest(self) -> str:
        """Digest of the bytes."""
        return digest_of(self.raw)

    @property
    def descriptor(self) -> dict[str, Any]:
        """Descriptor of the document, as in an index."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.raw)}


@dataclass(frozen=True)
class Image:
    """An image for one platform, with its blobs by digest."""

    manifest: Document
    blobs: Mapping[str, bytes | Path]
    platform: str

    @property
    def layers(self) -> list[str]:
        """Digests of the layers, from the base up."""
        return [layer["digest"] for layer in json.loads(self.manifest.raw)["layers"]]


def make_layer(files: Mapping[str, bytes]) -> tuple[bytes, str]:
    """Return a reproducible gzip layer of `files` (content by path), and its diff ID."""
    buffer = io.BytesIO()
    folders = {str(parent) for path in files for parent in Path(path).parents} - {"."}
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted({*folders, *files}):
            member = tarfile.TarInfo(path)
            if path in folders:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(member)
                continue
            content = files[path]
            member.size = len(content)
            member.mode = 0o755 if content.startswith(_EXECUTABLE) else 0o644
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0), digest_of(buffer.getvalue())


def make_image(
    files: Mapping[str, bytes] | Sequence[Mapping[str, bytes]],
    config: Mapping[str, Any] | None = None,
    platform: str = "linux/amd64",
) -> Image:
    """Create an image with one or several layers.

    Args:
        files: content by path, one mapping for each layer. Programs (ELF, `#!`) become executable.
        config: `config` in the image's config: Cmd, Env, ...
        platform: os/architecture[/variant].
    """
    layers = [make_layer(layer) for layer in ([files] if isinstance(files, Mapping) else files)]
    document = {
        **_platform(platform),
        "config": dict(config or {}),
        "created": "2024-01-01T00:00:00Z",
        "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers]},
    }
    return pack_image(encode(document), [layer for layer, _ in layers], platform)


def pack_image(config: bytes, layers: Sequence[bytes | Path], platform: str = "linux/amd64") -> Image:
    """Create an image from an existing config and existing layers, as bytes or files."""
    blobs: dict[str, bytes | Path] = {digest_of(config): config}
    descriptors = []
    for layer in layers:
        digest, size = _measure(layer)
        blobs[digest] = layer
        descriptors.append({"mediaType": LAYER_TYPE, "digest": digest, "size": size})
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": CONFIG_TYPE, "digest": digest_of(config), "size": len(config)},
        "layers": descriptors,
    }
    return Image(Document(MANIFEST_TYPE, encode(manifest)), blobs, platform)


def make_attestation(image: Image) -> Image:
    """Create the attestation that BuildKit puts beside an image in an index: provenance, which cannot run."""
    statement = encode({"_type": "https://in-toto.io/Statement/v0.1", "subject": []})
    config = encode(
        {"architecture": "unknown", "os": "unknown", "rootfs": {"type": "layers", "diff_ids": []}}
    )
    made = pack_image(config, [], "unknown/unknown")
    document = json.loads(made.manifest.raw)
    layer = {
        "mediaType": "application/vnd.in-toto+json",
        "digest": digest_of(statement),
        "size": len(statement),
        "annotations": {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"},
    }
    document["layers"] = [layer]
    blobs = {**made.blobs, digest_of(statement): statement}
    return Image(Document(MANIFEST_TYPE, encode(document)), blobs, image.manifest.digest)


def _platform(text: str) -> dict[str, str]:
    parts = dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))
    if len(parts) < 2:  # noqa: PLR2004 os and architecture
        raise ValueError(f"not a platform: {text!r}")
    return parts


def _measure(blob: bytes | Path) -> tuple[str, int]:
    if isinstance(blob, bytes):
        return digest_of(blob), len(blob)
    with blob.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest(), blob.stat().st_size


# ---------------------------------------------------------------- HTTP


@dataclass(frozen=True)
class Request:
    """A received HTTP request."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Message
    body: bytes = b""


@dataclass(frozen=True)
class Part:
    """A range of a file; with `size` None, to its end."""

    path: Path
    start: int = 0
    size: int | None = None


class CutError(Exception):
    """Raised by a body to close the connection at this point."""


@dataclass(frozen=True)
class Response:
    """An HTTP response. An iterable body is sent in chunks unless the headers include Content-Length."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Part | Iterable[bytes] = b""


def refuse(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error response: distribution-spec, "Error Codes"."""
    body = encode({"errors": [{"code": code, "message": message}]})
    return Response(status, {"Content-Type": "application/json", **(headers or {})}, body)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, parts.path, query, self.headers, body)
        try:
            self._send(self.server.registry.respond(request))
            self.wfile.flush()
        except (CutError, OSError):
            self.close_connection = True

    do_HEAD = do_POST = do_GET  # noqa: N815 http.server's names

    def _send(self, response: Response) -> None:
        body, headers = response.body, dict(response.headers)
        chunked = False
        if isinstance(body, bytes):
            headers.setdefault("Content-Length", str(len(body)))
        elif isinstance(body, Part):
            size = body.path.stat().st_size - body.start if body.size is None else body.size
            headers.setdefault("Content-Length", str(size))
        elif "Content-Length" not in headers:
            chunked = True
            headers["Transfer-Encoding"] = "chunked"
        self.send_response(response.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if isinstance(body, Part):
            self.wfile.flush()
            with body.path.open("rb") as file:
                if body.size != 0:  # sendfile treats 0 as an error
                    self.connection.sendfile(file, body.start, body.size)
            return
        for piece in [body] if isinstance(body, bytes) else body:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            self.wfile.flush()
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 http.server's name
        """Print nothing: clients report what matters."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], registry: SampleRegistry, tls: ssl.SSLContext | None
    ) -> None:
        self.registry = registry
        self.tls = tls
        self.open: set[socket.socket] = set()
        self.lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 socketserver's
        try:
            # in the connection's thread, so that a slow handshake does not delay other connections
            connection = self.tls.wrap_socket(request, server_side=True) if self.tls else request
        except OSError:
            request.close()
            return
        with self.lock:
            self.open.add(connection)
        try:
            super().process_request_thread(connection, client_address)
        finally:
            with self.lock:
                self.open.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 socketserver's
        """Show errors of the registry, but not that a client has closed its connection."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def cut_all(self) -> None:
        with self.lock:
            for connection in self.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # its own thread has just closed it


class SampleRegistry:
    """A registry on a loopback port. Images may be added while it runs.

    Attributes:
        blobs: blobs by digest, for all repositories.
        documents: manifests and indexes by repository, then by tag or digest.
    """

    def __init__(
        self, *, address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        """Listen; requests are answered inside `with`.

        Args:
            address: address to listen on.
            port: port to listen on; 0 selects a free one.
            tls: the server's certificate; None for plain HTTP.
        """
        self.blobs: dict[str, bytes | Path] = {}
        self.documents: dict[str, dict[str, Document]] = {}
        self._server = _Server((address, port), self, tls)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="registry", daemon=True
        )

    @property
    def host(self) -> str:
        """Address and port, `address:port`."""
        address, port = self._server.server_address[:2]
        return f"{address!s}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.cut_all()
        self._server.server_close()

    # ------------------------------------------------------------ what it has

    def add_image(self, repository: str, tag: str | None, image: Image) -> str:
        """Add an image, and return its manifest's digest."""
        self.blobs.update(image.blobs)
        return self.add_document(repository, tag, image.manifest)

    def add_index(
        self, repository: str, tag: str | None, images: Sequence[Image], *, attestations: bool = True
    ) -> str:
        """Add an image for several platforms, and return the index's digest.

        Args:
            repository: name of the repository.
            tag: tag of the index; None for no tag.
            images: one image for each platform.
            attestations: whether the index gets an attestation for each image, as BuildKit writes them.
        """
        entries = []
        for image in images:
            self.add_image(repository, None, image)
            entries.append({**image.manifest.descriptor, "platform": _platform(image.platform)})
        for image in images if attestations else ():
            attestation = make_attestation(image)
            self.add_image(repository, None, attestation)
            annotations = {
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": image.manifest.digest,
            }
            nowhere = {"os": "unknown", "architecture": "unknown"}
            entries.append(
                {**attestation.manifest.descriptor, "platform": nowhere, "annotations": annotations}
            )
        index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}
        return self.add_document(repository, tag, Document(INDEX_TYPE, encode(index)))

    def add_document(self, repository: str, tag: str | None, document: Document) -> str:
        """Add a manifest or index unchanged, and return its digest."""
        known = self.documents.setdefault(repository, {})
        known[document.digest] = document
        if tag is not None:
            known[tag] = document
        return document.digest

    def add_layout(self, repository: str, folder: Path) -> list[str]:
        """Serve an OCI image layout from its files, and return the tags that its index names."""
        stored = folder / "blobs" / "sha256"
        for entry in os.scandir(stored):
            self.blobs["sha256:" + entry.name] = Path(entry.path)
        tags = []
        for descriptor in json.loads((folder / "index.json").read_bytes())["manifests"]:
            tag = descriptor.get("annotations", {}).get("org.opencontainers.image.ref.name")
            self._add_tree(repository, tag, descriptor, stored)
            if tag:
                tags.append(tag)
        return tags

    def _add_tree(
        self, repository: str, tag: str | None, descriptor: Mapping[str, Any], stored: Path
    ) -> None:
        raw = (stored / descriptor["digest"].removeprefix("sha256:")).read_bytes()
        self.add_document(repository, tag, Document(descriptor["mediaType"], raw))
        for child in json.loads(raw).get("manifests", ()):
            self._add_tree(repository, None, child, stored)

    # ------------------------------------------------------------ what it answers

    def respond(self, request: Request) -> Response:
        """Answer a request: distribution-spec, "Endpoints", end-1 to end-3 and end-8a."""
        if request.path in {"/v2", "/v2/"}:
            return Response(200, {"Content-Type": "application/json"}, b"{}")
        route = _ROUTE.fullmatch(request.path)
        if route is None or request.method == "POST":
            return refuse(404, "UNSUPPORTED", "this registry can only be pulled from")
        name, kind, reference = route["name"], route["kind"], route["reference"]
        if name not in self.documents:
            return refuse(404, "NAME_UNKNOWN", "repository name not known to registry")
        if kind == "tags":
            tags = sorted(tag for tag in self.documents[name] if not tag.startswith("sha256:"))
            return Response(200, {"Content-Type": "application/json"}, encode({"name": name, "tags": tags}))
        return self._manifest(name, reference) if kind == "manifests" else self._blob(request, reference)

    def _manifest(self, name: str, reference: str) -> Response:
        document = self.documents[name].get(reference)
        if document is None:
            return refuse(404, "MANIFEST_UNKNOWN", "manifest unknown")
        headers = {"Content-Type": document.media_type, "Docker-Content-Digest": document.digest}
        return Response(200, headers, document.raw)

    def _blob(self, request: Request, digest: str) -> Response:
        blob = self.blobs.get(digest)
        if blob is None:
            return refuse(404, "BLOB_UNKNOWN", "blob unknown to registry")
        total = len(blob) if isinstance(blob, bytes) else blob.stat().st_size
        headers = {
            "Content-Type": "application/octet-stream",
            "Docker-Content-Digest": digest,
            "Accept-Ranges": "bytes",
        }
        wanted = _range(request.headers.get("Range"), total)
        if wanted is None:
            return Response(200, headers, blob if isinstance(blob, bytes) else Part(blob))
        start, stop = wanted
        if start >= stop:
            return refuse(416, "SIZE_INVALID", "range not satisfiable", {"Content-Range": f"bytes */{total}"})
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{total}"
        body = blob[start:stop] if isinstance(blob, bytes) else Part(blob, start, stop - start)
        return Response(206, headers, body)


def _range(header: str | None, total: int) -> tuple[int, int] | None:
    """Return the start and the exclusive end of a `Range` (RFC 9110), in bytes; None for everything."""
    found = _RANGE.fullmatch(header or "")
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        return max(0, total - int(found[2])), total
    return int(found[1]), min(total, int(found[2]) + 1 if found[2] else total)


def in_pieces(data: bytes, size: int = 64 * 1024) -> Iterator[bytes]:
    """Yield `data` in pieces of `size` bytes."""
    for start in range(0, len(data), size):
        yield data[start : start + size]
