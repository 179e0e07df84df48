"""Settings of plugins: which are carried, and whose signatures the site requires."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import model_validator

from bundler.errors import HintedValueError
from bundler.language import tr
from bundler.profile.base import LocalPath, ProfileModel
from bundler.profile.values import Sha256, Url

SUFFIX = ".difypkg"
_IDENTIFIER = re.compile(r"(?P<author>[\w-]+)/(?P<name>[\w-]+):(?P<version>[0-9][\w.+-]*)", re.ASCII)


class Plugin(ProfileModel):
    """A Dify plugin package. Exactly one of `path`, `url` and `marketplace` must be set."""

    path: LocalPath | None = None
    """Local file."""
    url: Url | None = None
    """Address to download it from; requires `sha256`."""
    marketplace: str | None = None
    """Identifier in Dify's marketplace, `author/name:version`; requires `sha256` and internet access."""
    sha256: Sha256 | None = None
    """SHA-256 digest of the original package. Any other file is refused."""
    mode: Literal["repackage", "carry"] = "repackage"
    """`repackage` adds all required wheels to it and removes its lock file, which invalidates its signature;
    `carry` leaves it unchanged, and puts the wheels into a folder that the plugin daemon reads."""

    @property
    def address(self) -> str | None:
        """Address to download it from; None for a local file."""
        found = _IDENTIFIER.fullmatch(self.marketplace or "")
        if found is None:
            return self.url
        # Dify's marketplace, download endpoint (junjiem/dify-plugin-repackaging).
        return (
            f"https://marketplace.dify.ai/api/v1/plugins/{found['author']}/{found['name']}"
            f"/{found['version']}/download"
        )

    @property
    def target(self) -> str:
        """File name in the bundle."""
        found = _IDENTIFIER.fullmatch(self.marketplace or "")
        if found is not None:
            stem = f"{found['author']}-{found['name']}_{found['version']}"
        else:
            name = self.path.name if self.path else (self.url or "").partition("?")[0].rpartition("/")[2]
            stem = re.sub(r"[^\w.@+-]", "_", name.removesuffix(SUFFIX))
        return stem + ("-offline" if self.mode == "repackage" else "") + SUFFIX

    @model_validator(mode="after")
    def _check_origin(self) -> Self:
        given = [name for name in ("path", "url", "marketplace") if getattr(self, name) is not None]
        if len(given) != 1:
            raise HintedValueError(
                tr("{names}: exactly one of them must be set", names=", ".join(given))
                if given
                else tr("exactly one of `path`, `url` and `marketplace` must be set"),
                hint=tr("set one of `path`, `url`, `marketplace`"),
            )
        if self.marketplace is not None and _IDENTIFIER.fullmatch(self.marketplace) is None:
            raise HintedValueError(
                tr("{marketplace!r} is not author/name:version", marketplace=self.marketplace),
                hint=tr("as the marketplace shows it, for example langgenius/openai_api_compatible:0.0.20"),
                at=("marketplace",),
            )
        if self.path is None and self.sha256 is None:
            raise HintedValueError(
                tr("is missing: downloads must have a checksum"), hint=tr("add `sha256:`"), at=("sha256",)
            )
        return self


class PluginSignatures(ProfileModel):
    """Plugins that the site can install. The site cannot relax this policy."""

    policy: Literal["verified", "own-keys", "unverified"] = "verified"
    """`verified`: only packages that Dify signed. `own-keys`: also those signed with a key of `public_keys`.
    `unverified`: any package, which is required for repackaged ones."""
    public_keys: tuple[LocalPath, ...] = ()
    """PEM files of the public keys that the site trusts in addition to Dify's."""

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        if (self.policy == "own-keys") != bool(self.public_keys):
            raise HintedValueError(
                tr("is missing")
                if self.policy == "own-keys"
                else tr("{policy!r} uses no keys", policy=self.policy),
                hint=tr("`policy: own-keys` and `public_keys` must be set together"),
                at=("public_keys",),
            )
        return self
