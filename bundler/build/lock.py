"""The lock file beside the profile: pins each image reference to a digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bundler.api.images import ResolvedImage
from bundler.errors import ProfileError, UsageError
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler.io.files import write_whole
from bundler.io.json import format_json, parse_json
from bundler.language import tr

SUFFIX = ".lock.json"


class Pin(BaseModel):
    """The pin of one reference on one platform."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    source: str
    """Name of the source that resolved the reference."""
    kind: Literal["manifest", "image-id"]
    """What `digest` identifies: a manifest, or an image ID if the source is a Docker engine."""
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    """`sha256:<hex>`."""


class _LockFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    format: Literal[1] = 1
    images: dict[str, dict[str, Pin]]


@dataclass(frozen=True)
class Lock:
    """Pins by reference and platform; empty if there is no lock file."""

    path: Path
    pins: Mapping[str, Mapping[str, Pin]]

    @classmethod
    def read(cls, path: Path, *, required: bool = False) -> Lock:
        """Read a lock file; a missing file is an empty lock, unless it is required.

        Raises:
            UsageError: the file is required, but does not exist.
            ProfileError: the file is damaged.
        """
        try:
            raw = path.read_bytes()
        except FileNotFoundError as error:
            if required:
                raise UsageError(
                    tr("{path}: the lock file does not exist", path=path),
                    hint=tr("run `bundle lock` with the same profile and platforms, and commit the result"),
                ) from error
            return cls(path, {})
        try:
            return cls(path, _LockFile.model_validate(parse_json(raw)).images)
        except (ValueError, ValidationError) as error:
            raise ProfileError(
                tr("{path}: the lock file is damaged: {error}", path=path, error=error),
                hint=tr("recreate it with `bundle lock`"),
            ) from error

    def find(self, reference: Reference, platform: Platform) -> Pin | None:
        """Return the pin of `reference` for `platform`, or None."""
        return self.pins.get(str(reference), {}).get(str(platform))

    @classmethod
    def of(cls, path: Path, found: Iterable[tuple[Platform, Iterable[ResolvedImage]]]) -> Lock:
        """Return a lock that pins the images of each platform, for that platform or their own."""
        pins: dict[str, dict[str, Pin]] = {}
        for platform, images in found:
            for image in images:
                kind: Literal["manifest", "image-id"] = "manifest" if image.manifest else "image-id"
                pin = Pin(source=image.source, kind=kind, digest=image.digest)
                pins.setdefault(str(image.reference), {})[str(image.platform or platform)] = pin
        return cls(path, pins)

    def keeping(self, before: Lock) -> Lock:
        """Return this lock, with the pins that `before` has for other platforms of the same images."""
        pins = {name: {**before.pins.get(name, {}), **own} for name, own in self.pins.items()}
        return Lock(self.path, pins)

    def write(self) -> None:
        """Write the file atomically."""
        document = _LockFile(images={k: dict(v) for k, v in self.pins.items()})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, format_json(document.model_dump(mode="json")), lasting=True)
