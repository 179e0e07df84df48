"""The content-addressed store of blobs, shared by all builds of a user. The only writer of blobs.

    <root>/blobs/sha256/<hex>      whole blobs, digest checked, read-only
    <root>/partial/<hex>           blobs on their way, locked by the build that fetches them
    <root>/refs/<sha256 of name>   what a name meant when it was last seen: a manifest, an archive
    <root>/caches/<name>/          what an application made: cache.py
    <root>/lock                    held shared by builds, exclusively by pruning

A blob appears under its name by a rename after its digest was checked, so a kill at any moment leaves
a store in which every name is true; what a killed build had fetched is resumed by the next.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bundler.errors import BundleError, FetchError
from bundler.image.digest import check_digest, digest_of
from bundler.image.oci import Descriptor
from bundler.io.files import scratch_file, write_whole
from bundler.io.streams import CHUNK, Readable, Stream
from bundler.store.cache import Cache, CacheEntry
from bundler.store.receiver import ChangedError, Receiver, WrongBytesError

CHANGES = 3
"""How often a file may change on its server while it is fetched."""


@dataclass(frozen=True)
class StoredBlob:
    """A blob in the store: digest, bytes, and when it was last used (seconds since 1970)."""

    digest: str
    size: int
    used: float


@dataclass(frozen=True)
class Pruned:
    """What pruning removed: blobs, and entries by the name of their cache."""

    blobs: list[StoredBlob]
    made: dict[str, list[CacheEntry]]


def default_root() -> Path:
    """`$BUNDLE_CACHE`, else `$XDG_CACHE_HOME/bundle`, else `~/.cache/bundle`."""
    explicit = os.environ.get("BUNDLE_CACHE")
    if explicit:
        return Path(explicit)
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "bundle"


class Store:
    """Blobs by digest. Safe to use from threads and from several processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._blobs = root / "blobs" / "sha256"
        self._partial = root / "partial"
        self._refs = root / "refs"
        self._caches = root / "caches"
        self._checked: set[str] = set()

    # ------------------------------------------------------------ reading

    def path(self, digest: str) -> Path:
        """The path of the blob, whether it exists or not."""
        return self._blobs / check_digest(digest)[7:]

    def has(self, blob: Descriptor) -> bool:
        """Whether the blob is here with the size that its descriptor says."""
        try:
            return self.path(blob.digest).stat().st_size == blob.size
        except FileNotFoundError:
            return False

    def checked(self, digest: str) -> bool:
        """Whether this process has hashed the stored blob."""
        return digest in self._checked

    def read(self, digest: str) -> bytes:
        """A small blob, its digest checked again.

        Raises:
            FetchError: it is not here, or the disk returned other bytes.
        """
        try:
            data = self.path(digest).read_bytes()
        except FileNotFoundError as error:
            raise FetchError(f"blob {digest} is not in the cache {self.root}") from error
        if digest_of(data) != digest:
            self.path(digest).unlink(missing_ok=True)
            raise FetchError(
                f"the cached blob {digest} was damaged and has been removed",
                hint="build again to fetch it again",
            )
        return data

    def entries(self) -> Iterator[StoredBlob]:
        """All whole blobs."""
        if self._blobs.is_dir():
            for entry in os.scandir(self._blobs):
                stat = entry.stat()
                used = max(stat.st_atime, stat.st_mtime)
                yield StoredBlob("sha256:" + entry.name, stat.st_size, used)

    # ------------------------------------------------------------ writing

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep pruning away while a build runs."""
        with self._lock(fcntl.LOCK_SH):
            yield

    def put(self, data: bytes) -> str:
        """Store small bytes; returns their digest."""
        digest = digest_of(data)
        target = self.path(digest)
        if not target.exists():
            self._partial.mkdir(parents=True, exist_ok=True)
            with scratch_file(self._partial) as file:
                file.write(data)
            self._adopt(Path(file.name), target)
        self._checked.add(digest)
        return digest

    def fetch(
        self,
        blob: Descriptor,
        open_at: Callable[[int], Stream],
        advance: Callable[[int], None],
        tap: Callable[[bytes], None] | None = None,
    ) -> Path:
        """Fetch a blob, resuming what an earlier run left, and check it.

        Args:
            blob: digest and size that the bytes must have.
            open_at: opens the blob's bytes from an offset on.
            advance: told of every stretch of bytes that is here, resumed ones too.
            tap: given every byte in order, resumed ones too; none where the blob is here already.

        Raises:
            FetchError: the bytes are too few, too many, or others. Nothing bad is kept.
        """
        target = self.path(blob.digest)
        if self.has(blob):
            advance(blob.size)
            return target
        with self._claim(blob.hex) as (descriptor, partial):
            if self.has(blob):  # another build fetched it while this one waited
                partial.unlink(missing_ok=True)
                advance(blob.size)
                return target
            receiver = self._resume(descriptor, Receiver(blob.digest, blob.size, tap), advance)
            try:
                receiver.receive(open_at, descriptor, advance)
            except WrongBytesError:
                partial.unlink(missing_ok=True)
                raise
            self._adopt(partial, target)
        self._checked.add(blob.digest)
        return target

    def fetch_file(self, digest: str, open_at: Callable[[int], Stream]) -> Path:
        """Fetch a file of unknown size, resuming what an earlier run left, and check its digest.

        Args:
            digest: that the bytes must have.
            open_at: opens the file's bytes from an offset on.

        Raises:
            WrongBytesError: the bytes are others. Nothing bad is kept.
            FetchError: the bytes cannot be had; what has come is kept.
        """
        target = self.path(digest)
        with self._claim(target.name) as (descriptor, partial):
            if target.exists():  # another build fetched it while this one waited
                partial.unlink(missing_ok=True)
                return target
            receiver = self._resume(descriptor, Receiver(digest, None), lambda _: None)
            for attempt in range(CHANGES + 1):
                begun = receiver.have > 0
                try:
                    receiver.receive(open_at, descriptor, lambda _: None)
                    break
                except ChangedError:
                    if attempt == CHANGES:
                        raise
                except WrongBytesError:
                    if attempt or not begun:  # else an earlier run may have begun another file
                        partial.unlink(missing_ok=True)
                        raise
                os.ftruncate(descriptor, 0)
                receiver = Receiver(digest, None)
            self._adopt(partial, target)
        self._checked.add(digest)
        return target

    def ingest(self, stream: Readable) -> tuple[str, int]:
        """Store bytes whose digest is not known before; returns digest and size."""
        self._partial.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        with scratch_file(self._partial) as file:
            while chunk := stream.read(CHUNK):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        name = "sha256:" + digest.hexdigest()
        self._adopt(Path(file.name), self.path(name))
        self._checked.add(name)
        return name, size

    def cache(self, name: str) -> Cache:
        """The cache of that name: what one application makes and keeps between builds.

        Raises:
            ValueError: the name is not one.
        """
        return Cache(self._caches, name, self.in_use)

    def caches(self) -> list[Cache]:
        """All existing caches."""
        return [self.cache(path.name) for path in sorted(self._caches.glob("*/"))]

    def prune(self, *, keep_seconds: float = 0) -> Pruned:
        """Remove blobs and entries of caches that were not used for `keep_seconds`.

        Raises:
            BundleError: a build is running.
        """
        removed = []
        with self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB):
            limit = time.time() - keep_seconds
            for blob in list(self.entries()):
                if blob.used <= limit:
                    self.path(blob.digest).unlink(missing_ok=True)
                    removed.append(blob)
            made = {cache.name: cache.prune(limit) for cache in self.caches()}
            if not keep_seconds:
                shutil.rmtree(self._partial, ignore_errors=True)
                shutil.rmtree(self._refs, ignore_errors=True)
        return Pruned(removed, made)

    def check(self) -> list[StoredBlob]:
        """Hash every blob again and remove the damaged ones; returns those.

        Raises:
            BundleError: a build is running.
        """
        damaged = []
        with self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB):
            for blob in list(self.entries()):
                with self.path(blob.digest).open("rb") as file:
                    found = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
                if found != blob.digest:
                    self.path(blob.digest).unlink()
                    damaged.append(blob)
        return damaged

    # ------------------------------------------------------------ references

    def remember(self, name: str, digest: str) -> None:
        """Note what `name` means: a reference and a platform, a manifest; an archive's key, its digest."""
        target = self._refs / digest_of(name.encode())[7:]
        text = json.dumps({"name": name, "digest": digest, "sum": _sum(name, digest)})
        if target.exists() and target.read_text() == text:
            return
        self._refs.mkdir(parents=True, exist_ok=True)
        write_whole(target, text.encode(), 0o600)

    def remember_diff_id(self, blob: str, diff_id: str) -> None:
        """Note what the layer `blob` unpacks to; both digests were checked."""
        self.remember(f"diff-id {blob}", diff_id)

    def recall_diff_id(self, blob: str) -> str | None:
        """What `remember_diff_id` noted, or None."""
        return self.recall(f"diff-id {blob}")

    def recall(self, name: str) -> str | None:
        """The digest that `remember` noted last, or None."""
        try:
            noted = json.loads((self._refs / digest_of(name.encode())[7:]).read_text())
            digest = check_digest(noted["digest"])
            return digest if noted["sum"] == _sum(name, digest) else None
        except (FileNotFoundError, ValueError, TypeError, KeyError, FetchError):
            return None  # not noted, or damaged, which is the same

    # ------------------------------------------------------------ inside

    @contextmanager
    def _lock(self, kind: int) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("a") as file:
            try:
                fcntl.flock(file, kind)
            except BlockingIOError as error:
                raise BundleError(
                    f"the cache {self.root} is in use by a build", hint="wait until it ends"
                ) from error
            yield

    @contextmanager
    def _claim(self, name: str) -> Iterator[tuple[int, Path]]:
        """Open and lock `partial/<name>`, waiting for another build that has it."""
        self._partial.mkdir(parents=True, exist_ok=True)
        self._blobs.mkdir(parents=True, exist_ok=True)
        partial = self._partial / name
        while True:
            descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # the file may have been renamed away while this process waited for the lock
                try:
                    same = os.fstat(descriptor).st_ino == partial.stat().st_ino
                except FileNotFoundError:
                    same = False
                if same or self._blobs.joinpath(name).exists():
                    yield descriptor, partial
                    return
            finally:
                os.close(descriptor)

    @staticmethod
    def _resume(descriptor: int, receiver: Receiver, advance: Callable[[int], None]) -> Receiver:
        while chunk := os.read(descriptor, CHUNK):
            receiver.note(chunk)
        if receiver.size is not None and receiver.have > receiver.size:
            os.ftruncate(descriptor, 0)
            raise FetchError(f"an unfinished {receiver.digest} was too long; it was discarded")
        if receiver.have:
            advance(receiver.have)
        return receiver

    def _adopt(self, temporary: Path, target: Path) -> None:
        temporary.chmod(0o444)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(target)


def _sum(name: str, digest: str) -> str:
    """What shows that the disk has changed a note."""
    return digest_of(f"{name} {digest}".encode())
