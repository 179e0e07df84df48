"""Resolve references to digests: which source is queried, what a lock pins, how failures are reported."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bundler.api.images import BlobSink, BlobStream, ResolvedImage
from bundler.build.lock import Lock, Pin
from bundler.build.resolve import Resolver, resolve
from bundler.errors import BundleError, FetchError, ImageNotFoundError
from bundler.image.digest import digest_of
from bundler.image.oci import Descriptor, Manifest
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler.store.blobs import Store

AMD64 = Platform.parse("linux/amd64")
APP, DB = Reference.parse("app:1"), Reference.parse("db:1")


class Source:
    """A source with these images, each under its own digest, that counts its queries."""

    def __init__(self, name: str, *references: Reference, error: Exception | None = None) -> None:
        self.name = name
        self.asked: list[Reference] = []
        self._references = references
        self._error = error

    def digest(self, reference: Reference) -> str:
        return digest_of(f"{self.name} {reference.familiar}".encode())

    def resolve(self, reference: Reference, platform: Platform) -> ResolvedImage:
        self.asked.append(reference)
        if self._error:
            raise self._error
        plain = dataclasses.replace(reference, digest=None)
        if plain not in self._references:
            raise ImageNotFoundError(f"{plain.familiar}: not in {self.name}", hint=f"push it to {self.name}")
        return ResolvedImage(reference, self.name, self.digest(plain), None, 1)

    def open_blob(self, image: ResolvedImage, descriptor: Descriptor, offset: int = 0) -> BlobStream:
        raise NotImplementedError

    def export(self, image: ResolvedImage, sink: BlobSink) -> Manifest:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def resolver(folder: Path, *sources: Source, pins: dict[str, Pin] | None = None, **more: bool) -> Resolver:
    lock = Lock(folder / "bundle.lock", {str(name): {str(AMD64): pin} for name, pin in (pins or {}).items()})
    return Resolver(sources, AMD64, lock, Store(folder / "cache"), **more)


def test_each_reference_is_asked_for_once_and_the_first_source_that_has_it_wins(tmp_path: Path) -> None:
    first, second = Source("first", APP), Source("second", APP, DB)
    found = resolve([DB, APP, DB], resolver(tmp_path, first, second))
    assert [(image.reference, image.source) for image in found] == [(APP, "first"), (DB, "second")]
    assert sorted(map(str, first.asked)) == sorted(map(str, (APP, DB)))
    assert second.asked == [DB]


def test_the_source_of_a_pin_is_asked_first(tmp_path: Path) -> None:
    first, second = Source("first", APP), Source("second", APP)
    pin = Pin(source="second", kind="image-id", digest=second.digest(APP))
    (found,) = resolve([APP], resolver(tmp_path, first, second, pins={str(APP): pin}))
    assert (found.source, first.asked) == ("second", [])


def test_an_image_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    pin = Pin(source="first", kind="manifest", digest=digest_of(b"another"))
    source = Source("first", APP)
    with pytest.raises(FetchError, match=f"app:1: the lock pins {pin.digest}, but first has"):
        resolve([APP], resolver(tmp_path, source, pins={str(APP): pin}))
    assert source.asked[0].digest == pin.digest


def test_what_a_lock_or_the_cache_must_have_is_not_asked_for(tmp_path: Path) -> None:
    source = Source("first", APP)
    with pytest.raises(BundleError, match=r"app:1: not in the lock .*bundle\.lock for linux/amd64"):
        resolve([APP], resolver(tmp_path, source, locked=True))
    with pytest.raises(ImageNotFoundError, match=r"app:1: not in the cache .*cache"):
        resolve([APP], resolver(tmp_path, source, offline=True))
    assert source.asked == []


def test_one_source_gives_its_own_reason(tmp_path: Path) -> None:
    with pytest.raises(ImageNotFoundError, match=r"^app:1: not in only$") as error:
        resolve([APP], resolver(tmp_path, Source("only")))
    assert error.value.hint == "push it to only"


def test_several_sources_give_all_reasons(tmp_path: Path) -> None:
    with pytest.raises(ImageNotFoundError) as error:
        resolve([APP], resolver(tmp_path, Source("a"), Source("b")))
    assert str(error.value) == "app:1: no source has it (a: app:1: not in a; b: app:1: not in b)"


def test_all_images_that_cannot_be_resolved_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"2 images cannot be resolved:\n  app:1.*\n  db:1") as error:
        resolve([APP, DB], resolver(tmp_path, Source("only")))
    assert error.value.hint == "push it to only"


def test_a_mistake_of_a_source_is_not_taken_for_a_missing_image(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        resolve([APP, DB], resolver(tmp_path, Source("broken", error=ZeroDivisionError())))
