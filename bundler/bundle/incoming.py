"""Blobs that are fetched straight into their places in the bundle: written once, not kept in the store."""

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
from bundler.layer.size import HEAD, TAIL, told_size
from bundler.layer.unpacking import Inspection, check_diff_id, read_diff_id
from bundler.store.receiver import Receiver, naming


@dataclass(frozen=True)
class Incoming:
    """A layer that is still to be fetched.

    Attributes:
        blob: digest and size that the bytes must have.
        label: for the one who waits.
        open_at: opens the blob's bytes from an offset on.
        unpacked: bytes of the layer's tar, as its media type and its last bytes have it.
        diff_id: what the image's config says that its tar's digest is.
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
        """This."""
        return self

    def chunks(self) -> Iterator[bytes]:
        """Nothing can be read yet.

        Raises:
            TypeError: always; `Placing.chunks` has the bytes as they come.
        """
        raise TypeError(f"{self.label}: {self.blob.digest} has not arrived yet")


class Placing:
    """Brings blobs into their places in a file while others are waited for. `chunks` is for one thread."""

    def __init__(self, file: int, crew: Crew, advance: Callable[[str, int], None]) -> None:
        """Nothing comes yet.

        Args:
            file: descriptor, open for reading and writing.
            crew: does the work, as long as its block lasts.
            advance: told of every stretch that came, by label; from any thread.
        """
        self._file = file
        self._crew = crew
        self._advance = advance
        self._here: dict[str, int] = {}
        self._changed = threading.Condition()

    def begin(self, source: Incoming, at: int) -> None:
        """Have `source` brought to the offset `at` of the file, soon."""
        self._here[source.blob.digest] = 0
        self._crew.submit(partial(self._bring, source, at), self._wake)

    def chunks(self, source: Incoming, at: int) -> Iterator[bytes]:
        """The bytes of `source`, read back as soon as they are there: from memory, if nothing is slow.

        Raises:
            FetchError: a blob cannot be had or is wrong, this one or another.
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
        layer = f"{source.label}: layer {source.blob.digest}"
        if found is None:  # it cannot be told in passing, or there is a reason to tell
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
        """What the bundle says of the layer was written before it came: it must be true."""
        size = source.blob.size
        head, tail = os.pread(self._file, HEAD, at), os.pread(self._file, TAIL, at + size - TAIL)
        if told_size(head, tail, size) != source.unpacked:
            raise FetchError(
                f"{source.label}: the layer does not match its media type {source.blob.media_type}",
                hint="build without --write-once, which checks layers before anything is written",
            )

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


class _Stretch:
    """A stretch of a file, read as a stream."""

    def __init__(self, file: int, place: int, size: int) -> None:
        self._chunks = read_at(file, place, size)

    def read(self, _size: int, /) -> bytes:
        """The next bytes; empty at the end."""
        return next(self._chunks, b"")
