"""Resolves image references to digests."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bundler.api.images import ImageSource, ResolvedImage
from bundler.build.lock import Lock, Pin
from bundler.build.platforms import check_platform, read_config
from bundler.errors import BundleError, FetchError, ImageNotFoundError, combine
from bundler.image.oci import Manifest
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler.language import tr
from bundler.store.blobs import Store

log = logging.getLogger(__name__)

CONCURRENCY = 8
"""Number of references resolved at once: each takes one or two round trips and almost no processor time."""


@dataclass(frozen=True)
class Resolver:
    """Where and how references are resolved.

    Attributes:
        sources: sources in the order in which they are tried.
        platform: target platform of the bundle.
        lock: pins to use.
        locked: refuse references that the lock does not pin.
        offline: use only images in the store.
        of_service: whether the services ask for `platform`, which is then not the bundle's.
        keep: keep the configs of images in the store.
    """

    sources: Sequence[ImageSource]
    platform: Platform
    lock: Lock
    store: Store
    locked: bool = False
    offline: bool = False
    of_service: bool = False
    keep: bool = True


def resolve(references: Iterable[Reference], resolver: Resolver) -> tuple[ResolvedImage, ...]:
    """Pin every distinct reference; sorted by reference.

    Raises:
        BundleError: as `resolve_each`.
    """
    (found,) = resolve_each([(references, resolver)])
    return found


def resolve_each(
    requests: Sequence[tuple[Iterable[Reference], Resolver]],
) -> list[tuple[ResolvedImage, ...]]:
    """Pin the distinct references of each request; each sorted by reference.

    Requests are served one after the other: what one has learnt about a server or a tag holds for the next.

    Raises:
        BundleError: an image cannot be found, does not match the lock, or is for another platform; the
            message names all such images of all requests.
    """
    found: list[tuple[ResolvedImage, ...]] = []
    failed: dict[tuple[str, Platform], BundleError] = {}
    with ThreadPoolExecutor(CONCURRENCY, "resolve") as pool:
        for references, resolver in requests:
            wanted = sorted(set(references), key=str)
            futures = [pool.submit(_resolve_one, reference, resolver) for reference in wanted]
            images = []
            for reference, future in zip(wanted, futures, strict=True):
                try:
                    images.append(future.result())
                except BundleError as error:
                    failed[str(reference), resolver.platform] = error
            found.append(tuple(images))
    if failed:
        count = len({name for name, _ in failed})
        what = tr.plural("{number} image cannot be resolved", "{number} images cannot be resolved", count)
        raise combine(list(failed.values()), what)
    return found


def _resolve_one(reference: Reference, resolver: Resolver) -> ResolvedImage:
    found = _find(reference, resolver)
    if found.manifest is not None:  # otherwise, the source has compared the platform
        source = next((each for each in resolver.sources if each.name == found.source), None)
        config = read_config(found, found.manifest, source, resolver.store, keep=resolver.keep)
        check_platform(config, reference.familiar, resolver.platform, of_service=resolver.of_service)
    return dataclasses.replace(found, platform=resolver.platform if resolver.of_service else None)


def _find(reference: Reference, resolver: Resolver) -> ResolvedImage:
    pin = resolver.lock.find(reference, resolver.platform)
    if pin is None and resolver.locked:
        raise BundleError(
            tr(
                "not in the lock {lock_path} for {platform}",
                lock_path=resolver.lock.path,
                platform=resolver.platform,
            ),
            about=reference.familiar,
            hint=tr("run `bundle lock` with the same profile and platform, and commit the result"),
        )
    cached = _from_store(reference, pin, resolver)
    if cached:
        return cached
    if resolver.offline:
        raise ImageNotFoundError(
            tr("not in the cache {root}", root=resolver.store.root),
            about=reference.familiar,
            hint=tr("build once without --offline to fill the cache"),
        )
    asked = reference
    if pin and pin.kind == "manifest":
        asked = dataclasses.replace(reference, digest=pin.digest)
    found = _ask(asked, resolver, first=pin.source if pin else "")
    if pin and found.digest != pin.digest:
        raise FetchError(
            tr(
                "{familiar}: the lock pins {digest}, but {source} has {found_digest}",
                familiar=reference.familiar,
                digest=pin.digest,
                source=found.source,
                found_digest=found.digest,
            ),
            hint=tr("if the change is intended, run `bundle lock` again"),
        )
    return dataclasses.replace(found, reference=reference)


def _from_store(reference: Reference, pin: Pin | None, resolver: Resolver) -> ResolvedImage | None:
    """Return the image recorded in the store, if its name cannot have changed its meaning since."""
    source, digest = _recall(reference, pin, resolver)
    if digest is None or not resolver.store.path(digest).exists():
        return None
    manifest = Manifest.parse(resolver.store.read(digest), str(reference))
    if any(not resolver.store.has(blob) for blob in manifest.blobs):
        named = [s for s in resolver.sources if s.name == source]
        if resolver.offline or not named or (pin and pin.kind == "image-id"):
            return None
    size = sum(blob.size for blob in manifest.blobs)
    pinned = pin.digest if pin else digest
    return ResolvedImage(reference, source, pinned, manifest, size)


def _recall(reference: Reference, pin: Pin | None, resolver: Resolver) -> tuple[str, str | None]:
    """Return the recorded source and manifest digest of the image; the digest is None if not recorded."""
    store = resolver.store
    if pin:
        known = pin.digest if pin.kind == "manifest" else store.recall(f"{pin.digest} {resolver.platform}")
        return pin.source, known
    if resolver.offline or not reference.floating:
        for source in resolver.sources:
            digest = store.recall(memory_key(reference, resolver.platform, source.name))
            if digest:
                return source.name, digest
    return "", None


def _ask(reference: Reference, resolver: Resolver, *, first: str) -> ResolvedImage:
    """Try the sources in order, beginning with the one that the pin names."""
    misses: list[ImageNotFoundError] = []
    sources = sorted(resolver.sources, key=lambda source: source.name != first)
    for source in sources:
        try:
            found = source.resolve(reference, resolver.platform)
        except ImageNotFoundError as error:
            log.info("%s: %s", source.name, error)
            misses.append(error)
        else:
            return found
    if len(misses) == 1:
        raise misses[0]
    pairs = list(zip(sources, misses, strict=True))
    reasons = "; ".join(f"{source.name}: {miss.cause}" for source, miss in pairs)
    hints = "; ".join(f"{source.name}: {miss.hint}" for source, miss in pairs if miss.hint)
    raise ImageNotFoundError(
        tr("no source has it ({reasons})", reasons=reasons), about=reference.familiar, hint=hints or None
    )


def memory_key(reference: Reference, platform: Platform, source: str) -> str:
    """Return the store's key for a resolved reference. Includes the source, which the bundle records."""
    return f"{reference} {platform} {source}"
