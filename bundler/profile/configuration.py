"""The keys that a user and a project can configure."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from bundler.errors import HintedValueError, ProfileError
from bundler.language import tr
from bundler.profile.base import LocalPath, ProfileModel
from bundler.profile.marked_toml import read_file
from bundler.profile.marked_yaml import Node
from bundler.profile.model import Registries
from bundler.profile.places import show_path, user_folder
from bundler.profile.validate import validate
from bundler.profile.values import PlatformName


class Configuration(ProfileModel):
    """The keys of a user's configuration. Paths are relative to the folder of the file; `~` is the home."""

    lang: Literal["en", "zh"] | None = None
    """Language of texts. See `--lang`. A project's is that of the working folder."""
    platform: PlatformName | None = None
    """Operating system and architecture, for profiles that say none. See `--platform`."""
    keys: tuple[str, ...] = ()
    """Private keys to sign with: files, or keys on tokens. See `--key` of `bundle build`."""
    trusted_keys: tuple[LocalPath, ...] = ()
    """Files with public keys that `bundle verify` and `bundle rehearse` trust, instead of ./bundle.pub.
    Not in a project."""
    cache: LocalPath | None = None
    """Folder of the blob store. See `--cache`. Not in a project."""
    min_speed: int | None = Field(default=None, ge=0)
    """Bytes per second that a server must send. See `--min-speed`."""
    registries: Registries = Registries()
    """How to reach registries; what a profile says about the same host takes precedence."""


class ProjectConfiguration(Configuration):
    """The keys of a project: those of a user, without trust and without the folder that is pruned."""

    @field_validator("trusted_keys", "cache")
    @classmethod
    def _refuse(cls, value: object) -> object:
        if value:
            raise HintedValueError(
                tr(
                    "only your own configuration can say this: a project may come from whoever made"
                    " the bundle"
                ),
                hint=tr("move it to {parent}", parent=show_path(user_folder().parent / "config.toml")),
            )
        return value


def read_configuration(
    path: Path, model: type[Configuration], table: tuple[str, ...]
) -> tuple[Configuration, Node] | None:
    """Read a file, with absolute paths and with the position of each value; None without the table.

    Raises:
        ProfileError: it is invalid; the message begins with `file:line: key:`.
    """
    whole = read_file(path, show_path(path))
    tree = whole.find(table) if whole is not None else None
    if whole is None or tree is None:
        return None
    if not isinstance(tree.value, dict):
        raise ProfileError(
            tr("{where}: {table}: must be a table", where=tree.mark.where, table=".".join(table))
        )
    values = validate(model, whole, path.absolute().parent, table)
    return _absolute(values, path.parent.resolve()), tree


def _absolute(found: Configuration, folder: Path) -> Configuration:
    def place(path: str | Path) -> Path:
        return folder / os.path.expanduser(path)  # noqa: PTH111 it never fails: `~nobody` stays as it is

    ca_file = found.registries.ca_file
    registries = found.registries.model_copy(update={"ca_file": place(ca_file) if ca_file else None})
    return found.model_copy(
        update={
            "keys": tuple(key if _is_uri(key) else str(place(key)) for key in found.keys),
            "trusted_keys": tuple(map(place, found.trusted_keys)),
            "cache": place(found.cache) if found.cache else None,
            "registries": registries,
        }
    )


def _is_uri(key: str) -> bool:
    name, colon, _ = key.partition(":")
    return bool(colon) and name.isidentifier()
