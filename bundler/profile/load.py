"""Finds a profile and those that it extends, and loads them as one `Profile`; errors have line numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, TypeVar

from pydantic import BaseModel

from bundler.errors import PluginError, ProfileError, UsageError, did_you_mean
from bundler.language import tr
from bundler.profile.marked_yaml import KeyPath, Mark, Node, read_file
from bundler.profile.merge import merge_layers, read_override
from bundler.profile.model import Profile
from bundler.profile.places import builtin_folder, is_builtin, search_folders, show_path, user_folder
from bundler.profile.schema import profile_schema
from bundler.profile.validate import validate

__all__ = [
    "LoadedProfile",
    "ProfileSummary",
    "is_builtin",
    "list_profiles",
    "load_profile",
    "profile_schema",
    "search_folders",
]

SUFFIXES: Final = (".yaml", ".yml")
MAX_DEPTH: Final = 16
NOT_INHERITED: Final = ("name", "title", "description")
"""Keys that describe only the file that contains them."""

Origin = Literal["project", "user", "built-in"]
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class LoadedProfile:
    """A profile with inheritance and `--set` applied.

    Attributes:
        profile: the values. Relative paths start from `base`: those from files in other folders, and those
            from `--set`, which are relative to the working folder, are rewritten.
        path: the profile's file.
        base: folder of that file, absolute.
        chain: all files that it was made from, from the lowest to its own.
    """

    profile: Profile
    path: Path
    base: Path
    chain: tuple[Path, ...]
    _tree: Node = field(repr=False)

    def settings(self, model: type[M]) -> M:
        """Return the application's settings as an instance of `model`, with paths as in `profile`.

        Raises:
            ProfileError: the settings are invalid for the application.
        """
        return validate(model, self._tree, self.base, ("settings",))

    @property
    def sha256(self) -> str:
        """Return the SHA-256, in hex digits, of the values as canonical JSON."""
        document = self.profile.model_dump(mode="json")
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def origin(self, key: str | KeyPath) -> str:
        """Return where a key was set: `finance.yaml:7`, `--set version=2`, or `default`."""
        path = key.split(".") if isinstance(key, str) else key
        node = self._tree.find([int(p) if str(p).isdigit() else p for p in path])
        return node.mark.where if node is not None and node.value is not None else "default"


@dataclass(frozen=True)
class ProfileSummary:
    """A profile that can be selected by name.

    Attributes:
        name: the profile's name.
        path: the profile's file.
        description: its own description, one line.
        extends: profiles that it extends, as written.
        origin: folder that it was found in.
        problem: why its file cannot be read, or None.
    """

    name: str
    path: Path
    description: str
    extends: tuple[str, ...]
    origin: Origin
    problem: str | None = None


@dataclass(frozen=True)
class _Layer:
    """One file. `extends` contains the names and the position of each."""

    path: Path
    tree: Node
    extends: tuple[tuple[str, Mark], ...]


# ---------------------------------------------------------------- where profiles are


def list_profiles(search: Sequence[Path] | None = None) -> list[ProfileSummary]:
    """Return all profiles that can be selected by name, sorted, without those hidden by an earlier folder."""
    found: dict[str, ProfileSummary] = {}
    for folder in _distinct(search_folders() if search is None else search):
        for path in _files(folder):
            if path.stem not in found:
                found[path.stem] = _summarise(path)
    return [found[name] for name in sorted(found)]


def _summarise(path: Path) -> ProfileSummary:
    folder = path.resolve().parent
    origin: Origin = "project"
    if folder == user_folder().resolve():
        origin = "user"
    elif folder == builtin_folder().resolve():
        origin = "built-in"
    try:
        layer = _read(path)
    except ProfileError as error:
        return ProfileSummary(path.stem, path, "", (), origin, error.message)
    description = layer.tree.find(("description",))
    return ProfileSummary(
        path.stem,
        path,
        str(description.value) if description and isinstance(description.value, str) else "",
        tuple(name for name, _ in layer.extends),
        origin,
    )


def _distinct(folders: Iterable[Path]) -> list[Path]:
    return list({folder.resolve(): folder for folder in reversed(list(folders))}.values())[::-1]


def _files(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    return [path for path in entries if path.suffix in SUFFIXES and path.is_file()]


def _find(name: str, folders: Iterable[Path]) -> Path | None:
    """Return the file of the profile `name` in the first folder that has it.

    Raises:
        UsageError: one folder has it twice.
    """
    for folder in folders:
        there = [path for suffix in SUFFIXES if (path := folder / (name + suffix)).is_file()]
        if len(there) > 1:
            raise UsageError(
                tr(
                    "{there} and {name} both define profile {name2!r}",
                    there=show_path(there[0]),
                    name=there[1].name,
                    name2=name,
                ),
                hint=tr("remove or rename one of them"),
            )
        if there:
            return there[0]
    return None


def _is_path(text: str) -> bool:
    return "/" in text or text.endswith(SUFFIXES)


def _nearest(name: str, folders: Iterable[Path]) -> str:
    folders = list(folders)
    names = sorted({path.stem for folder in folders for path in _files(folder)})
    return did_you_mean(name, names, tr("there are")) or tr("no profiles in ") + ", ".join(
        map(show_path, folders)
    )


# ---------------------------------------------------------------- loading


def load_profile(
    name_or_path: str,
    *,
    overrides: Sequence[str] = (),
    search: Sequence[Path] | None = None,
    model: Callable[[str], type[BaseModel]] = lambda _: Profile,
) -> LoadedProfile:
    """Load a profile by name, or by path (with a `/`, or ending in `.yaml` or `.yml`).

    Args:
        name_or_path: value of `--profile`.
        overrides: values of `--set`, `key=value`.
        search: folders instead of `search_folders()`.
        model: name of a packer -> `Profile` with the packer's own sections.

    Raises:
        UsageError: there is no such profile or packer.
        ProfileError: the profile, or one that it extends, is invalid.
    """
    folders = _distinct(search_folders() if search is None else search)
    if _is_path(name_or_path):
        path: Path | None = Path(name_or_path)
    else:
        path = _find(name_or_path, folders)
    if path is None or not path.exists():
        what = (
            tr("file {path}", path=show_path(path))
            if path is not None
            else tr("profile named {name_or_path!r}", name_or_path=name_or_path)
        )
        raise UsageError(tr("there is no {what}", what=what), hint=_nearest(Path(name_or_path).stem, folders))
    layers: dict[Path, _Layer] = {}
    _collect(path, folders, layers, ())
    own = layers[path.resolve()]
    base = path.absolute().parent
    tree = merge_layers(
        [
            _defaults(own),
            *(_inheritable(layer) for layer in layers.values() if layer is not own),
            own.tree,
            *(read_override(text, Path.cwd()) for text in overrides),
        ]
    )
    tree = replace(tree, mark=own.tree.mark)
    profile = validate(_model(tree, model), tree, base)
    return LoadedProfile(profile, path, base, tuple(one.path for one in layers.values()), tree)


def _model(tree: Node, model: Callable[[str], type[BaseModel]]) -> type[Profile]:
    """Return the profile model of the packer that the profile names."""
    key = "packer"
    node = tree.find((key,))
    name = Profile.model_fields[key].default
    if node is not None and isinstance(node.value, str):
        name = node.value
    try:
        found = model(name)
    except UsageError as error:
        where = f"{node.mark.where}: {key}" if node is not None else key
        raise ProfileError(f"{where}: {error.message}", hint=error.hint) from error
    if not issubclass(found, Profile):
        raise PluginError(tr("the packer {name}: its model of a profile does not extend Profile", name=name))
    return found


def _collect(
    path: Path, folders: Sequence[Path], layers: dict[Path, _Layer], below: tuple[Path, ...]
) -> None:
    """Add a file and all that it extends: each file once, at its first position, parents before children."""
    if path.resolve() in layers:
        return
    layer = _read(path)
    chain = (*below, path)
    for name, mark in layer.extends:
        parent = _parent(name, mark, chain, folders)
        _collect(parent, folders, layers, chain)
    layers[path.resolve()] = layer


def _parent(name: str, mark: Mark, chain: tuple[Path, ...], folders: Sequence[Path]) -> Path:
    child = chain[-1]
    said = " -> ".join([*(show_path(path) for path in chain), name])
    if _is_path(name):
        parent: Path | None = child.parent / name
        hint = tr(
            "relative paths start from the folder of the file that contains them, {parent}",
            parent=show_path(child.parent),
        )
    else:
        # A profile that extends its own name extends the next one of that name along the search path.
        known = [folder.resolve() for folder in folders]
        here = child.resolve().parent
        start = known.index(here) + 1 if name == child.stem and here in known else 0
        parent = _find(name, folders[start:])
        hint = _nearest(name, folders[start:])
    if parent is None or not parent.exists():
        other = "other " if name == child.stem else ""
        raise ProfileError(
            tr(
                "{where}: extends: no {other}profile {name!r} ({said})",
                where=mark.where,
                other=other,
                name=name,
                said=said,
            ),
            hint=hint,
        )
    if parent.resolve() in [path.resolve() for path in chain]:
        raise ProfileError(
            tr("{where}: circular `extends` ({said})", where=mark.where, said=said),
            hint=tr("remove one of these `extends`"),
        )
    if len(chain) >= MAX_DEPTH:
        raise ProfileError(
            tr(
                "{where}: extends: more than {max_depth} levels deep ({said})",
                where=mark.where,
                max_depth=MAX_DEPTH,
                said=said,
            ),
            hint=tr("merge some of them"),
        )
    return parent


def _read(path: Path) -> _Layer:
    tree = read_file(path, show_path(path))
    values = dict(tree.value) if isinstance(tree.value, dict) else {}
    node = values.pop("extends", None)
    names = []
    if node is not None and node.value is not None:
        for item in node.value if isinstance(node.value, list) else [node]:
            if not isinstance(item.value, str) or not item.value:
                raise ProfileError(
                    tr(
                        "{where}: extends: must be the name or path of a profile, or a list of them",
                        where=item.mark.where,
                    ),
                    hint=tr('write "{text}" in quotes', text=item.text) if item.text else None,
                )
            names.append((item.value, item.mark))
    return _Layer(path, replace(tree, value=values), tuple(names))


def _inheritable(layer: _Layer) -> Node:
    values = layer.tree.value if isinstance(layer.tree.value, dict) else {}
    kept = {key: node for key, node in values.items() if key not in NOT_INHERITED}
    return replace(layer.tree, value=kept)


def _defaults(own: _Layer) -> Node:
    """Return the layer below all files: what `sources+:` appends to, and a name taken from the file name."""
    nowhere = Mark("default", own.tree.mark.folder)
    sources = [Node(nowhere, name) for name in Profile.model_fields["sources"].default]
    return Node(
        nowhere,
        {"sources": Node(nowhere, sources), "name": Node(own.tree.mark, own.path.stem)},
    )
