"""The platforms of images: operating system, architecture and variant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from bundler.errors import BundleError, did_you_mean
from bundler.language import tr

_ARCHITECTURES: Final = (
    "amd64", "arm64", "arm", "386", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le",
    "riscv64", "s390x", "wasm",
)  # fmt: skip
"""What `go tool dist list` of Go 1.26 prints; the image specification has Go's names."""


@dataclass(frozen=True, order=True)
class Platform:
    """An OCI platform, in Go's names: `linux/amd64`, `linux/arm64/v8`."""

    os: str
    architecture: str
    variant: str | None = None

    _ALIASES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64"}  # noqa: RUF012 constant
    _DEFAULT_LEVELS = {"amd64": 1, "arm64": 8, "arm": 7}  # noqa: RUF012 constant

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `os/arch[/variant]`.

        Raises:
            BundleError: the text has another form.
        """
        parts = text.lower().split("/")
        if len(parts) not in (2, 3) or not all(re.fullmatch(r"[a-z0-9_.-]+", p) for p in parts):
            raise BundleError(
                tr("platform {text!r} is not os/architecture[/variant]", text=text),
                hint=tr("for example linux/amd64 or linux/arm64"),
            )
        arch = cls._ALIASES.get(parts[1], parts[1])
        if arch not in _ARCHITECTURES:
            raise BundleError(
                tr("platform {text!r}: there is no architecture {arch!r}", text=text, arch=arch),
                hint=did_you_mean(arch, _ARCHITECTURES, tr("there are")),
            )
        return cls(parts[0], arch, parts[2] if len(parts) == 3 else None)  # noqa: PLR2004 os/arch/variant

    @property
    def level(self) -> int | None:
        """Return the variant's number (7 for `v7`), or the default if there is no variant; else None."""
        if self.variant is None:
            return self._DEFAULT_LEVELS.get(self.architecture)
        return int(self.variant[1:]) if re.fullmatch(r"v[0-9]{1,2}", self.variant) else None

    def accepts(self, other: Platform) -> bool:
        """Whether an image for `other` runs on this platform.

        As in engines, a processor also runs images for a lower variant of its architecture.
        """
        if (self.os, self.architecture) != (other.os, other.architecture):
            return False
        if self.level is None or other.level is None:
            return self.variant == other.variant
        return other.level <= self.level

    def completed(self, default: Platform) -> Platform:
        """Return this platform, with missing parts taken from `default`."""
        variant = self.variant if self.architecture else default.variant
        return Platform(self.os or default.os, self.architecture or default.architecture, variant)

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))
