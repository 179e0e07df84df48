"""Blobs that are fetched straight into the bundle: written once and not kept in the store."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Self

from bundler.errors import FetchError
from bundler.image.oci import Descriptor
from bundler.io.files import read_at
from bundler.io.streams import Stream
from bundler.io.workers import Crew
from bundler.language import tr
from bundler.layer.size import HEAD, TAIL, told_size
from bundler.layer.unpacking import Inspection, check_diff_id, read_diff_id
from bundler.store.receiver import Receiver, naming


@dataclass(frozen=True)
class Incoming:
    """A layer that is still to be fetched.

    Attributes:
        blob: expected digest and size.
        label: name of the layer in progress output.
        open_at: opens the blob at an offset.
        unpacked: bytes of the layer's tar, determined from its media type and last bytes.
        diff_id: expected digest of the layer's tar, from the image's config.
    """

    blob: Descriptor
    label: str
    open_at: Callable[[int], Stream]
    unpacked: int
    diff_id: str

    @property
    def file(self) -> None:
        """See `bundler.bundle.content.Content`."""
        return

    @property
    def incoming(self) -> Self:
        """Return this object."""
        return self

    def chunks(self) -> Iterator[bytes]:
        """Refuse to read: nothing has been fetched yet.

        Raises:
            TypeError: always; `Placing.chunks` returns the bytes as they arrive.
        """
        raise TypeError(f"{self.label}: {self.blob.digest} has not arrived yet")


class Placing:
    """Fetches blobs into a file, several at once. `chunks` may be called from one thread only."""

    def __init__(self, file: int, crew: Crew, advance: Callable[[str, int], None]) -> None:
        """Prepare without fetching anything.

        Args:
            file: descriptor, open for reading and writing.
            crew: threads that do the work.
            advance: called with a label and a number of bytes whenever bytes arrive; from any thread.
        """
        self._file = file
        self._crew = crew
        self._advance = advance
        self._here: dict[str, int] = {}
        self._changed = threading.Condition()

    def begin(self, source: Incoming, at: int) -> None:
        """Schedule `source` to be fetched to the offset `at` of the file."""
        self._here[source.blob.digest] = 0
        self._crew.submit(partial(self._bring, source, at), self._wake)

    def chunks(self, source: Incoming, at: int) -> Iterator[bytes]:
        """Yield the bytes of `source`, read back as they arrive, usually from the page cache.

        Raises:
            FetchError: this or another blob is unavailable or invalid.
        """
        done = 0
        while done < source.blob.size:
            here = self._wait(source.blob.digest, done)
            for chunk in read_at(self._file, at + done, here - done):
                done += len(chunk)
                yield chunk

    def _wait(self, digest: str, done: int) -> int:
        with self._changed:
            self._changed.wait_for(lambda: self._here[digest] > done or self._crew.failed)
            here = self._here[digest]
        if self._crew.failed:
            self._crew.wait()
        return here

    def _bring(self, source: Incoming, at: int) -> None:
        with Inspection() as inspection:
            self._receive(source, at, inspection)
            found = inspection.end()
        self._compare(source, at)
        layer = tr("{label}: layer {digest}", label=source.label, digest=source.blob.digest)
        if found is None:  # not determined while fetching, or an error to report
            found = read_diff_id(_Stretch(self._file, at, source.blob.size), layer)
        check_diff_id(found, source.diff_id, layer)

    def _receive(self, source: Incoming, at: int, inspection: Inspection) -> None:
        receiver = Receiver(source.blob.digest, source.blob.size, inspection.feed)

        def advance(size: int) -> None:
            self._crew.check()
            self._here[source.blob.digest] = receiver.have
            self._wake()
            self._advance(source.label, size)

        with naming(source.label):
            receiver.receive(source.open_at, self._file, advance, place=at)

    def _compare(self, source: Incoming, at: int) -> None:
        """Check the layer's unpacked size, which was written to the bundle before the layer arrived."""
        size = source.blob.size
        head, tail = os.pread(self._file, HEAD, at), os.pread(self._file, TAIL, at + size - TAIL)
        if told_size(head, tail, size) != source.unpacked:
            raise FetchError(
                tr(
                    "{label}: the layer does not match its media type {media_type}",
                    label=source.label,
                    media_type=source.blob.media_type,
                ),
                hint=tr("build without --write-once, which checks layers before anything is written"),
            )

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


class _Stretch:
    """Part of a file, read as a stream."""

    def __init__(self, file: int, place: int, size: int) -> None:
        self._chunks = read_at(file, place, size)

    def read(self, _size: int, /) -> bytes:
        """Return the next bytes; empty at the end."""
        return next(self._chunks, b"")
