"""Configuration of a user and of a project: what holds for many profiles on one machine.

The user's file is `~/.config/bundle/config.toml`; a project has the table `[tool.bundle]` of its
pyproject.toml. Both have the keys of `Configuration`, which is imported only if there is a file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bundler.errors import UsageError
from bundler.language import tr
from bundler.profile.configuration_paths import VARIABLE
from bundler.profile.places import project_file, user_file

if TYPE_CHECKING:
    from bundler.profile.configuration import Configuration
    from bundler.profile.marked_yaml import Node

TABLE: Final = ("tool", "bundle")


@dataclass(frozen=True)
class Layer:
    """One file.

    Attributes:
        path: the file.
        values: what it says; paths are absolute.
    """

    path: Path
    values: Configuration
    _tree: Node

    def origin(self, *keys: str | int) -> str | None:
        """Return where it sets this key, `config.toml:7`; None if it does not."""
        node = self._tree.find(keys)
        return node.mark.where if node is not None else None


@dataclass(frozen=True)
class Config:
    """All files that hold.

    Attributes:
        layers: those that exist; the first takes precedence.
        looked: files that were looked for, in the same order.
    """

    layers: tuple[Layer, ...]
    looked: tuple[Path, ...]


def load_config(profile: Path | None = None) -> Config:
    """Read the configuration for a profile, or for a command without one.

    Raises:
        ProfileError: a file is invalid; the message begins with `file:line: key:`.
        UsageError: the file that $BUNDLE_CONFIG names does not exist.
    """
    project, user = project_file(profile), user_file()
    if os.environ.get(VARIABLE) and user is not None and not user.exists():
        raise UsageError(tr("${variable}: {user} does not exist", variable=VARIABLE, user=user))
    looked = (project,) if user is None else (project, user)
    if not (_mentions_us(project) or (user is not None and user.exists())):
        return Config((), looked)
    from bundler.profile.configuration import (  # noqa: PLC0415 pydantic: only where there is a file
        Configuration,
        ProjectConfiguration,
        read_configuration,
    )

    layers = []
    for path in looked:
        model, table = (ProjectConfiguration, TABLE) if path is project else (Configuration, ())
        found = read_configuration(path, model, table)
        if found is not None:
            layers.append(Layer(path, *found))
    return Config(tuple(layers), looked)


def _mentions_us(project: Path) -> bool:
    """Whether a pyproject.toml may have our table; most have not, and cost no start-up time."""
    try:
        return TABLE[-1].encode() in project.read_bytes()
    except FileNotFoundError:
        return False
    except OSError:
        return True  # whoever reads it says what is wrong


def set_keys(config: Config, *keys: str) -> Iterator[tuple[Layer, str]]:
    """Yield the layers that set a key, and where, in order of precedence."""
    for layer in config.layers:
        origin = layer.origin(*keys)
        if origin is not None:
            yield layer, origin
