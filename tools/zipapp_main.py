"""Starts `bundle` from a zipapp: its code and libraries are unpacked once, below the user's cache.

This is `__main__.py` of bundle.pyz. Compiled libraries cannot be imported from a zip. It needs the standard
library only, and every Python 3.6 or newer reads it, so that an old one is told which one is needed.
"""

import hashlib
import importlib.machinery
import io
import json
import os
import shutil
import stat
import sys
import tempfile
import zipfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

VARIABLE = "BUNDLE_ZIPAPP_CACHE"


def fail(message: str, hint: str) -> "NoReturn":
    """End with the exit code of wrong usage."""
    sys.stderr.write("error: %s\n  hint: %s\n" % (message, hint))
    sys.exit(2)


def check_python(about: "dict[str, Any]") -> None:
    """Refuse a Python that cannot load the libraries: of another version, machine or C library."""
    own = importlib.machinery.EXTENSION_SUFFIXES[0]
    if own != about["suffix"]:
        fail(
            "this file is for %s, and this Python, %s, is %s"
            % (about["suffix"].split(".")[1], sys.executable, own.split(".")[1]),
            "run it with that Python (python%s bundle.pyz), or get the file for this one" % about["python"],
        )
    needed = about["glibc"]
    if needed:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
        found = [int(part) for part in version.split(".")] if name == "glibc" else [0]
        if found < needed:
            fail(
                "this file needs glibc %s or newer, this system has %s"
                % (".".join(map(str, needed)), version or "another C library"),
                "use a newer system, or `pipx install` with the wheel",
            )


def cache_root() -> str:
    """Return the folder below which the content is unpacked."""
    named = os.environ.get(VARIABLE)
    if named:
        return named
    cache = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(cache):
        cache = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "bundle-zipapp")


def check_owner(folder: str) -> None:
    """Refuse a folder in which others could have put code that this user would run."""
    found = os.lstat(folder)
    if found.st_uid != os.geteuid() or found.st_mode & 0o022 or not stat.S_ISDIR(found.st_mode):
        fail(
            "%s is not a folder that only this user can write to" % folder,
            "remove it, or name another one: %s=/folder" % VARIABLE,
        )


def unpack(archive: zipfile.ZipFile, about: "dict[str, Any]", root: str) -> str:
    """Unpack the content into a folder named by its digest, whole or not at all, and return the folder."""
    place = os.path.join(root, about["sha256"])
    if os.path.lexists(place):
        check_owner(root)
        check_owner(place)
        return place
    data = archive.read("content.zip")
    if hashlib.sha256(data).hexdigest() != about["sha256"]:
        fail("%s is damaged" % sys.argv[0], "copy it again, and compare it with SHA256SUMS")
    os.makedirs(root, mode=0o700, exist_ok=True)
    check_owner(root)
    partial = tempfile.mkdtemp(prefix="partial-", dir=root)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as content:
            content.extractall(partial)
        os.sync()  # a power failure leaves all of it or nothing
        os.rename(partial, place)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        if not os.path.isdir(place):  # another process was faster
            raise
        check_owner(place)
    return place


def main() -> None:
    """Unpack where needed, and run the program."""
    with zipfile.ZipFile(sys.path[0]) as archive:
        about = json.loads(archive.read("about.json").decode())
        check_python(about)
        try:
            place = unpack(archive, about, cache_root())
        except OSError as error:
            fail(
                "cannot unpack into %s: %s" % (error.filename or cache_root(), error.strerror),
                "name another folder: %s=/folder" % VARIABLE,
            )
    sys.path[0] = place
    from bundler.cli.main import main as run

    run()


main()
