"""The image source `archive`: docker-archives, OCI image layouts and OCI archives on disk.

An OCI layout (a folder, or an uncompressed tar of one) is read in place: image-spec, image-layout.md.
Anything else is treated as a docker-archive and read once as a stream.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bundler.api.images import BlobSink, BlobStream, ResolvedImage, SourceOptions
from bundler.errors import BundleError, FetchError, ImageNotFoundError
from bundler.image.digest import check_digest, digest_of
from bundler.image.oci import INDEX_TYPES, Descriptor, ImageConfig, Index, Manifest
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler.language import tr
from bundler.layer.tar import TarError, TarStream
from bundler.layer.unpacking import UnpackError
from bundler_docker.importing import ArchivedImage, choose_by_config, import_archive, is_name, parse_manifest
from bundler_docker.saved import JSON_BEGINS, SMALL, SmallFiles, clean_name, open_archive, read_head

REF_NAME: Final = "org.opencontainers.image.ref.name"
IMAGE_NAME: Final = "io.containerd.image.name"


@dataclass(frozen=True)
class _Spot:
    """Location of the bytes of one file: a separate file, or a range inside a tar."""

    path: Path
    start: int
    size: int

    def read(self) -> bytes:
        """Return the whole content; only for manifests and configs."""
        if self.size > SMALL:
            raise FetchError(
                tr("{path}: a manifest or config of {size} bytes", path=self.path, size=self.size)
            )
        with self.path.open("rb") as file:
            file.seek(self.start)
            return file.read(self.size)


class _SpotStream(io.RawIOBase):
    """The bytes of a spot, starting at an offset."""

    def __init__(self, spot: _Spot, offset: int) -> None:
        self._file = spot.path.open("rb")
        self._file.seek(spot.start + offset)
        self._left = spot.size - offset

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes."""
        want = self._left if size < 0 else min(size, self._left)
        data = self._file.read(want)
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


class _Layout:
    """An open OCI image layout."""

    def __init__(self, path: Path, spots: dict[str, _Spot]) -> None:
        self.path = path
        self._spots = spots

    def find(self, reference: Reference, platform: Platform, others: list[str]) -> Manifest | None:
        """Return the manifest of the image for the platform, or None.

        Args:
            reference: name of the image.
            platform: the wanted platform.
            others: receives a text for each image of that name that is for another platform.
        """
        top = Index.parse(self._spots["index.json"].read(), f"{self.path}: index.json")
        for entry in top.entries:
            names = {entry.annotations.get(key) for key in (REF_NAME, IMAGE_NAME)} - {None}
            if not any(is_name(str(name), reference.tagged) for name in names):
                continue
            where = f"{self.path}: {reference.familiar}"
            raw = self.blob(entry.descriptor.digest).read()
            if entry.descriptor.media_type in INDEX_TYPES:
                chosen = Index.parse(_checked(raw, entry.descriptor.digest, where), where).select(
                    platform, where
                )
                raw = _checked(self.blob(chosen.digest).read(), chosen.digest, where)
            else:
                _checked(raw, entry.descriptor.digest, where)
                if entry.platform is not None and not platform.accepts(entry.platform):
                    others.append(tr("{path} has it for {platform}", path=self.path, platform=entry.platform))
                    continue
            return Manifest.parse(raw, where)
        return None

    def blob(self, digest: str) -> _Spot:
        """Return the location of a blob.

        Raises:
            FetchError: the layout does not contain the blob.
        """
        spot = self._spots.get("blobs/sha256/" + check_digest(digest)[7:])
        if spot is None:
            raise FetchError(tr("{path}: blob {digest} is missing", path=self.path, digest=digest))
        return spot


class ArchiveSource:
    """Images in the files and folders that the profile lists under `archives:`."""

    name = "archive"

    def __init__(self, options: SourceOptions) -> None:
        """Remember the archives; nothing is opened yet."""
        self._archives = options.archives
        self._lock = threading.Lock()
        self._layouts: list[_Layout] | None = None
        self._saved: list[tuple[Path, list[ArchivedImage], Mapping[str, bytes]]] = []
        self._found: dict[str, tuple[_Layout | None, Path]] = {}

    def resolve(self, reference: Reference, platform: Platform) -> ResolvedImage:
        """See `bundler.api.images.ImageSource`."""
        others: list[str] = []
        for layout in self._opened():
            manifest = layout.find(reference, platform, others)
            if manifest is not None:
                digest = manifest.descriptor.digest
                self._found[digest] = layout, layout.path
                size = sum(blob.size for blob in manifest.blobs)
                return ResolvedImage(reference, self.name, digest, manifest, size)
        for path, images, small in self._saved:
            for image in images:
                if image.has(reference) and image.config in small:
                    raw = small[image.config]
                    there = ImageConfig.parse(raw, f"{path}: {reference.familiar}").platform
                    there = there.completed(platform)
                    if not platform.accepts(there):
                        others.append(tr("{path} has it for {there}", path=path, there=there))
                        continue
                    digest = digest_of(raw)
                    self._found[digest] = None, path
                    return ResolvedImage(reference, self.name, digest, None, path.stat().st_size)
        listed = ", ".join(map(str, self._archives)) or tr("the profile lists no archives under `archives:`")
        if others:
            raise ImageNotFoundError(
                tr("{others}, but the bundle is for {platform}", others=", ".join(others), platform=platform),
                about=reference.familiar,
                hint=tr("save the image for this platform, or choose another --platform"),
            )
        raise ImageNotFoundError(
            tr("not found in the archives ({listed})", listed=listed), about=reference.familiar
        )

    def open_blob(self, image: ResolvedImage, descriptor: Descriptor, offset: int = 0) -> BlobStream:
        """See `bundler.api.images.ImageSource`."""
        for layout in self._opened():
            try:
                return _SpotStream(layout.blob(descriptor.digest), offset)
            except FetchError:
                continue  # another layout may have it; otherwise the error below is raised
        raise FetchError(
            tr(
                "{familiar}: blob {digest} is not found in the archives",
                familiar=image.reference.familiar,
                digest=descriptor.digest,
            )
        )

    def export(self, image: ResolvedImage, sink: BlobSink) -> Manifest:
        """See `bundler.api.images.ImageSource`."""
        path = self._found[image.digest][1]
        with path.open("rb") as stream:
            return import_archive(stream, sink, str(path), choose_by_config(image.digest))

    def close(self) -> None:
        """See `bundler.api.images.ImageSource`: nothing stays open."""

    def _opened(self) -> list[_Layout]:
        """Return the layouts, opened on first use: a pinned image is fetched without being resolved first."""
        with self._lock:
            if self._layouts is None:
                self._layouts = self._open_all()
            return self._layouts

    def _open_all(self) -> list[_Layout]:
        layouts = []
        for path in self._archives:
            if not path.exists():
                raise BundleError(tr("archives: {path}: no such file or folder", path=path))
            spots = dict(_spots(path))
            if "index.json" in spots and "oci-layout" in spots:
                layouts.append(_Layout(path, spots))
            elif path.is_dir():
                raise BundleError(
                    tr("archives: {path}: not an OCI image layout", path=path),
                    hint=tr("it has no oci-layout file"),
                )
            else:
                self._saved.append((path, *_read_saved(path)))
        return layouts


def _spots(path: Path) -> Iterator[tuple[str, _Spot]]:
    """Yield the files of a folder or of an uncompressed tar, each with its path in it."""
    if path.is_dir():
        for found in sorted(path.rglob("*")):
            if found.is_file():
                yield found.relative_to(path).as_posix(), _Spot(found, 0, found.stat().st_size)
        return
    with path.open("rb") as file:
        archive = TarStream(file, lambda size: file.seek(size, os.SEEK_CUR))
        try:
            for member in archive:
                if member.is_file:
                    yield member.name.removeprefix("./"), _Spot(path, member.offset, member.size)
        except TarError:
            return  # a compressed docker-archive, which is read as a stream


def _read_saved(path: Path) -> tuple[list[ArchivedImage], Mapping[str, bytes]]:
    small = SmallFiles()
    try:
        with path.open("rb") as file:
            archive = open_archive(file)
            for member in archive:
                if member.is_file and member.size <= SMALL:
                    head = read_head(archive)
                    if head[:1] in JSON_BEGINS:
                        small.take(clean_name(member.name), head, archive)
    except (TarError, UnpackError, OSError) as error:
        raise BundleError(
            tr("archives: {path}: not an image archive: {error}", path=path, error=error),
            hint=tr("create it with `docker save`"),
        ) from error
    if "manifest.json" not in small:
        raise BundleError(tr("archives: {path}: neither a docker-archive nor an OCI image layout", path=path))
    return parse_manifest(small["manifest.json"], str(path)), small


def _checked(raw: bytes, digest: str, where: str) -> bytes:
    if digest_of(raw) != digest:
        raise FetchError(tr("{where}: {digest} is damaged", where=where, digest=digest))
    return raw
