"""Streams a layer's tar from any compression, and computes its digest: image-spec, config.md, "Layer DiffID".

Layers are untrusted, so memory is bounded: they are unpacked in pieces, and the window of a zstd frame is
limited.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Self

from bundler.errors import FetchError
from bundler.io.streams import CHUNK, Readable, Rewound
from bundler.language import tr, tr_later
from bundler.layer.size import GZIP_MAGIC, ZSTD_MAGIC
from bundler.layer.tar import TarError

try:  # twice as fast as zlib, if a wheel exists: docs/dependencies.md
    from isal import isal_zlib

    _new_gunzip: Any = isal_zlib.decompressobj
    _gunzip_errors: Any = (isal_zlib.error, zlib.error, EOFError)
except ImportError:  # no wheel for this platform
    _new_gunzip = zlib.decompressobj
    _gunzip_errors = (zlib.error, EOFError)

WINDOW: Final = 1 << 23
"""Bytes of a zstd window that every layer may use: decoders should support it (RFC 8878, 3.1.1.1.2)."""
WIDE_WINDOW: Final = 1 << 27
"""Bytes of a zstd window that one layer at a time may use: the default limit of the program `zstd`."""
EMPTY: Final = "sha256:" + hashlib.sha256().hexdigest()
"""The digest of no bytes. A valid tar has at least two blocks of zeros."""
_BROKEN: Final = tr_later("the image is damaged and no engine can load it; build or pull it again")
_HEAD: Final = 18
_AHEAD: Final = 4
"""Number of chunks that a transfer may be ahead of unpacking."""

_wide = threading.Lock()


class UnpackError(ValueError):
    """A layer that no engine can unpack; the message is a reason that can follow a colon."""


def unpack_stream(compressed: Readable, *, wide: bool = True) -> Iterator[bytes]:
    """Yield the tar in `compressed`, which is gzip (also of several members), zstd or plain.

    Pieces have at most `CHUNK` bytes.

    Args:
        compressed: the layer.
        wide: whether to wait until a zstd window larger than `WINDOW` is available.

    Raises:
        UnpackError: the layer is damaged, or has data after its end.
    """
    head = b""
    while len(head) < _HEAD and (more := compressed.read(CHUNK)):
        head += more
    source = Rewound(head, compressed)
    if head.startswith(GZIP_MAGIC):
        yield from _gunzip(source)
    elif head.startswith(ZSTD_MAGIC):
        yield from _unzstd(head, source, wide=wide)
    else:
        yield from iter(lambda: source.read(CHUNK), b"")


def unpack(path: Path) -> Iterator[bytes]:
    """Yield the tar in the layer `path`.

    Raises:
        FetchError: the layer is damaged.
    """
    try:
        with path.open("rb") as file:
            yield from unpack_stream(file)
    except UnpackError as error:
        raise FetchError(
            tr("layer {path_name}: cannot be unpacked: {error}", path_name=path.name, error=error),
            hint=tr("run `bundle cache --check`; if it reports no damage, the image itself is corrupt"),
        ) from error


class HashedTar:
    """A layer's tar, hashed while it is read or skipped."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")
        self._digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int = CHUNK, /) -> bytes:
        """Return up to `size` bytes; empty at the end."""
        if not self._left and not self._next():
            return b""
        part, self._left = self._left[:size], self._left[size:]
        return bytes(part)

    def skip(self, size: int) -> None:
        """Pass over the next bytes without copying them.

        Raises:
            TarError: there are fewer.
        """
        while size > len(self._left):
            size -= len(self._left)
            if not self._next():
                raise TarError(tr("it is truncated"))
        self._left = self._left[size:]

    def end(self) -> str:
        """Pass over the rest, and return the digest of all bytes: the layer's diff ID."""
        while self._next():
            pass
        return "sha256:" + self._digest.hexdigest()

    def _next(self) -> bool:
        piece = next(self._pieces, None)
        if piece is None:
            self._left = memoryview(b"")
            return False
        self._digest.update(piece)
        self.size += len(piece)
        self._left = memoryview(piece)
        return True


Use = Callable[[HashedTar], None]
"""Looks at a layer while it is unpacked, and need not read it to the end."""


def read_diff_id(compressed: Readable, layer: str, use: Use | None = None) -> str:
    """Return the digest of the tar in a layer.

    Args:
        compressed: the layer.
        layer: its name for messages.
        use: sees the tar on the way.

    Raises:
        FetchError: the layer is damaged.
    """
    tar = HashedTar(unpack_stream(compressed))
    try:
        if use is not None:
            use(tar)
        return tar.end()
    except UnpackError as error:
        raise FetchError(
            tr("{layer} cannot be unpacked: {error}", layer=layer, error=error), hint=tr(_BROKEN)
        ) from error


def check_diff_id(found: str, expected: str, layer: str) -> None:
    """Compare the digest of a layer's tar with the one in its image's config.

    Raises:
        FetchError: they differ, or the tar is empty. Engines refuse to load such an image.
    """
    if found == EMPTY:
        raise FetchError(
            tr("{layer} is empty: not even an end-of-archive marker", layer=layer), hint=tr(_BROKEN)
        )
    if found != expected:
        raise FetchError(
            tr(
                "{layer} unpacks to {found}, but the image's config says {expected}",
                layer=layer,
                found=found,
                expected=expected,
            ),
            hint=tr(_BROKEN),
        )


class Inspection:
    """Unpacks a layer during its transfer, in a separate thread, so that it need not be read again.

    with Inspection() as inspection:
        ...  # inspection.feed(chunk), for each
        diff_id = inspection.end()
    """

    def __init__(self, use: Use | None = None) -> None:
        """Prepare without starting a thread; `use` sees the tar there, on the way."""
        self._use = use
        self._chunks: queue.Queue[bytes] = queue.Queue(_AHEAD)
        self._thread: threading.Thread | None = None
        self._found: str | None = None
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._join()

    def feed(self, chunk: bytes) -> None:
        """Pass on the next bytes; blocks while unpacking is slower than the transfer."""
        if chunk:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="unpack", daemon=True)
                self._thread.start()
            self._chunks.put(chunk)

    def end(self) -> str | None:
        """Wait for the rest and return the layer's diff ID; None if there was no data or unpacking failed.

        What went wrong in `use` for another reason is raised here.
        """
        self._join()
        if self._failure is not None:
            raise self._failure
        return self._found

    def read(self, _size: int, /) -> bytes:
        """Return the next chunk that was fed, to the thread; empty at the end."""
        return self._chunks.get()

    def _join(self) -> None:
        if self._thread is not None:
            self._chunks.put(b"")
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        ended = _Watched(self)
        try:
            tar = HashedTar(unpack_stream(ended, wide=False))
            if self._use is not None:
                self._use(tar)
            self._found = tar.end()
        except UnpackError:
            pass  # unpacked again from the file, which reports the reason
        except BaseException as error:  # noqa: BLE001 raised by `end`, in the thread that waits
            self._failure = error
        finally:
            while ended.read(CHUNK):  # drain the queue, so that `feed` does not block for ever
                pass


class _Watched:
    """A stream that may be read after its end."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._ended = False

    def read(self, size: int, /) -> bytes:
        """Return the next bytes; empty at the end and after it."""
        chunk = b"" if self._ended else self._stream.read(size)
        self._ended = not chunk
        return chunk


def _gunzip(compressed: Readable) -> Iterator[bytes]:
    member = _new_gunzip(wbits=31)
    try:
        while chunk := compressed.read(CHUNK):
            rest = chunk
            while True:
                if member.eof:
                    if not rest:
                        break
                    if not rest.startswith(GZIP_MAGIC[: len(rest)]):
                        raise UnpackError(tr("it has data after its end"))
                    member = _new_gunzip(wbits=31)  # RFC 1952, 2.2: a file consists of a series of members
                tar = member.decompress(rest, CHUNK)
                if tar:
                    yield tar
                rest = member.unused_data if member.eof else member.unconsumed_tail
                if not rest and len(tar) < CHUNK:
                    break
    except _gunzip_errors as error:
        raise UnpackError(tr("its gzip data is damaged: {error}", error=error)) from error
    if not member.eof:
        raise UnpackError(tr("it is truncated"))


def _unzstd(head: bytes, compressed: Readable, *, wide: bool) -> Iterator[bytes]:
    import zstandard  # noqa: PLC0415 12 MB of code, loaded only for such layers

    try:
        window = zstandard.get_frame_parameters(head).window_size
        if window > WIDE_WINDOW:
            raise UnpackError(
                tr(
                    "it needs a zstd window of {window} MiB; the limit is {wide_window} MiB",
                    window=window >> 20,
                    wide_window=WIDE_WINDOW >> 20,
                )
            )
        if window > WINDOW and not wide:
            raise UnpackError(tr("its zstd window is wide"))
        if window > WINDOW:
            with _wide:
                yield from _read_frames(compressed, WIDE_WINDOW)
        else:
            yield from _read_frames(compressed, WINDOW)
    except zstandard.ZstdError as error:
        raise UnpackError(str(error)) from error


def _read_frames(compressed: Readable, window: int) -> Iterator[bytes]:
    import zstandard  # noqa: PLC0415 likewise

    reader = zstandard.ZstdDecompressor(max_window_size=window)
    source: Any = compressed
    with reader.stream_reader(source, read_across_frames=True, closefd=False) as stream:
        yield from iter(lambda: stream.read(CHUNK), b"")
