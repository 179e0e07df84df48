"""The image source `docker`: images that only the local engine has, read through the Docker SDK."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound

from bundler.api.images import BlobSink, BlobStream, ResolvedImage, SourceOptions
from bundler.errors import FetchError, ImageNotFoundError
from bundler.image.digest import check_digest
from bundler.image.oci import Descriptor, Manifest
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler.language import tr
from bundler_docker.importing import choose_by_config, import_archive

TIMEOUT = 60
"""Seconds to wait for an answer of the engine, which takes long to prepare a large `save`."""


class DockerSource:
    """Images of the engine that `DOCKER_HOST` or the current context names."""

    name = "docker"

    def __init__(self, options: SourceOptions) -> None:
        """Remember the options; connects on first use."""
        self._offline = options.offline
        self._lock = threading.Lock()
        self._client: docker.DockerClient | None = None

    def resolve(self, reference: Reference, platform: Platform) -> ResolvedImage:
        """See `bundler.api.images.ImageSource`. The digest is the image ID."""
        try:
            api = self._connect().api
            found: dict[str, Any] = api.inspect_image(reference.familiar)  # type: ignore[no-untyped-call]
        except ImageNotFound as error:
            raise ImageNotFoundError(
                tr("the Docker engine does not have it"),
                about=reference.familiar,
                hint=tr(
                    "run `docker pull {familiar}` or build it, then try again", familiar=reference.familiar
                ),
            ) from error
        except (requests.JSONDecodeError, RecursionError) as error:
            raise FetchError(
                tr(
                    "{familiar}: the Docker engine's answer is not JSON: {error}",
                    familiar=reference.familiar,
                    error=error,
                ),
                hint=tr("check DOCKER_HOST and the Docker context"),
            ) from error
        except (DockerException, requests.RequestException) as error:
            raise ImageNotFoundError(
                tr("the Docker engine does not respond: {error}", error=error),
                about=reference.familiar,
                hint=tr("start it, or remove `docker` from the profile's `sources:`"),
            ) from error
        if not isinstance(found, dict):
            raise FetchError(
                tr("{familiar}: the Docker engine's answer is not a JSON object", familiar=reference.familiar)
            )
        os, architecture, variant = (str(found.get(key) or "") for key in ("Os", "Architecture", "Variant"))
        there = Platform(os, architecture, variant or None).completed(platform)
        if not platform.accepts(there):
            raise ImageNotFoundError(
                tr(
                    "the Docker engine has it for {there}, but the bundle is for {platform}",
                    there=there,
                    platform=platform,
                ),
                about=reference.familiar,
                hint=tr(
                    "`docker pull --platform {platform} {familiar}`",
                    platform=platform,
                    familiar=reference.familiar,
                ),
            )
        digest = check_digest(found.get("Id"), tr("{familiar} (Docker engine)", familiar=reference.familiar))
        size = found.get("Size")
        return ResolvedImage(reference, self.name, digest, None, size if isinstance(size, int) else 0)

    def open_blob(
        self,
        image: ResolvedImage,
        descriptor: Descriptor,  # noqa: ARG002 the contract's signature
        offset: int = 0,  # noqa: ARG002 likewise
    ) -> BlobStream:
        """See `bundler.api.images.ImageSource`: never called, because these images are exported."""
        raise FetchError(
            tr("{familiar}: a Docker engine exports whole images only", familiar=image.reference.familiar)
        )

    def export(self, image: ResolvedImage, sink: BlobSink) -> Manifest:
        """See `bundler.api.images.ImageSource`."""
        where = tr("{familiar} (Docker engine)", familiar=image.reference.familiar)
        try:
            chunks = self._connect().api.get_image(image.digest)
            with io.BufferedReader(_Chunks(chunks), 1 << 20) as stream:
                return import_archive(stream, sink, where, choose_by_config(image.digest))
        except (APIError, DockerException, requests.RequestException) as error:
            raise FetchError(
                tr("{where}: the engine ended the export early: {error}", where=where, error=error),
                hint=tr("check the engine's log (journalctl -u docker), then build again"),
            ) from error

    def close(self) -> None:
        """See `bundler.api.images.ImageSource`."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _connect(self) -> docker.DockerClient:
        with self._lock:
            if self._client is None:
                self._client = docker.from_env(timeout=TIMEOUT)
            return self._client


class _Chunks(io.RawIOBase):
    """A file that reads the chunks of the SDK."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 any writable buffer
        while not self._rest:
            piece = next(self._chunks, None)
            if piece is None:
                return 0
            self._rest = piece
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
