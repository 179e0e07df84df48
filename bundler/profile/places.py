"""Where profiles and configuration are."""

from __future__ import annotations

from pathlib import Path

from bundler.profile.configuration_paths import PROJECT_FILE, user_configuration, user_directory


def builtin_folder() -> Path:
    """Return the folder of the built-in profiles: in the wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    shipped = package / "builtin_profiles"
    return shipped if shipped.is_dir() else package.parent / "profiles"


def user_folder() -> Path:
    """Return the folder of the user's profiles. A relative XDG_CONFIG_HOME is ignored, as specified."""
    return Path(user_directory()) / "profiles"


def search_folders() -> tuple[Path, ...]:
    """Return the folders in which names are looked up: the project's, the user's, the built-in one."""
    return Path("profiles"), user_folder(), builtin_folder()


def is_builtin(path: Path) -> bool:
    """Whether the file is a built-in profile."""
    return path.resolve().parent == builtin_folder().resolve()


def show_path(path: Path) -> str:
    """Return the path for messages: relative if it is below the working folder."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute)


def project_file(profile: Path | None) -> Path:
    """Return the pyproject.toml that holds.

    It is in the folder of the profile, or in the one above it if that is named `profiles`. For a built-in
    profile, one of the user, or none, it is in the working folder.
    """
    if profile is None or is_builtin(profile) or profile.resolve().parent == user_folder().resolve():
        return Path(PROJECT_FILE)
    folder = profile.parent
    return (folder.parent if folder.absolute().name == "profiles" else folder) / PROJECT_FILE


def user_file() -> Path | None:
    """Return the user's configuration; None if `$BUNDLE_CONFIG` is empty."""
    found = user_configuration()
    return None if found is None else Path(found)
