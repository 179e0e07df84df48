"""Real service images made once from Debian packages, on shared bases: tests/images/<recipe>/.

A name is a recipe, or `recipe:variant`: the recipe's image with the variant's name in its variable VARIANT.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tests.support.engines import Engine
from tests.support.programs import CACHE, cache_lock, need_program, need_root, run, sites_folder

RECIPES = Path(__file__).parents[1] / "images"
SUITE = "bookworm"
_PERL = 'dpkg-query -W -f "\\${Package} " perl "libperl5*" "perl-modules*"'
SLIM = (
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "locale")),
    "--include=usr-is-merged",
    f"""--customize-hook=chroot "$1" sh -c 'apt-get -qq -y purge usrmerge $({_PERL})'""",
)
"""Halves the size: dozens of engines and roots unpack it. usrmerge, which installs Perl, is not needed."""
BASES = {"base": (), "slim": SLIM}
"""Minimal Debian images, and the options of `mmdebstrap` for each."""


def parent(recipe: str, recipes: Path = RECIPES) -> str:
    """Return the recipe on which this one is based; recipes of `BASES` have none."""
    file = recipes / recipe / "Dockerfile"
    found = re.search(r"^FROM bundle-test/([a-z]+):1", file.read_text(), re.MULTILINE)
    assert found, f"{file}: no FROM bundle-test/<recipe>:1"
    return found[1]


def recipe_digest(recipe: str, recipes: Path = RECIPES) -> str:
    """Return a digest that changes with the recipe or with any recipe on which it is based."""
    digest = hashlib.sha256(SUITE.encode())
    if parent(recipe, recipes) not in BASES:
        digest.update(recipe_digest(parent(recipe, recipes), recipes).encode())
    for path in sorted((recipes / recipe).rglob("*")):
        if path.is_file() and path.suffix != ".md" and "__pycache__" not in path.parts:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def layout_of(name: str, recipes: Path = RECIPES) -> Path:
    """Return the path of the image's OCI layout in the cache."""
    digest = recipe_digest(name.partition(":")[0], recipes)
    return CACHE / "images" / f"{name.replace(':', '.')}-{digest}"


def build_images(names: list[str], recipes: Path = RECIPES) -> dict[str, Path]:
    """Map names to OCI layout folders; images missing from the cache are built with a temporary engine."""

    wanted = dict.fromkeys([*(name.partition(":")[0] for name in names), *names])

    def lacking() -> list[str]:
        return [name for name in wanted if not layout_of(name, recipes).is_dir()]

    if lacking():
        with cache_lock("images" if recipes == RECIPES else f"images-{recipes.parent.name}"):
            _build_lacking([name for name in lacking() if ":" not in name], recipes)
            for name in lacking():
                _make_variant(
                    layout_of(name.partition(":")[0], recipes), layout_of(name, recipes), name, recipes
                )
    return {name: layout_of(name, recipes) for name in names}


def variant_config(recipe: str, variant: str, recipes: Path = RECIPES) -> dict[str, Any]:
    """Return the image config keys, such as `User`, that the recipe sets for a variant."""
    file = recipes / recipe / "variants.json"
    known: dict[str, dict[str, Any]] = json.loads(file.read_text()) if file.exists() else {variant: {}}
    return known[variant]


def _make_variant(layout: Path, target: Path, name: str, recipes: Path) -> None:
    """Write the same layers with another variable, without building, exporting and compressing them again."""
    recipe, _, variant = name.partition(":")
    scratch = Path(tempfile.mkdtemp(dir=CACHE / "images", prefix=".part-"))
    shutil.copytree(layout, scratch, copy_function=os.link, dirs_exist_ok=True)
    blobs = scratch / "blobs/sha256"

    def put(document: dict[str, Any]) -> dict[str, Any]:
        content = json.dumps(document).encode()
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    def get(entry: dict[str, Any]) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((blobs / entry["digest"].partition(":")[2]).read_bytes())
        return document

    index = json.loads((scratch / "index.json").read_text())
    (entry,) = index["manifests"]
    manifest = get(entry)
    config = get(manifest["config"])
    config["config"] |= variant_config(recipe, variant, recipes)
    config["config"].setdefault("Env", []).append(f"VARIANT={variant}")
    manifest["config"] |= put(config)
    entry |= put(manifest)
    (scratch / "index.json").unlink()  # a hard link to the recipe's own file
    (scratch / "index.json").write_text(json.dumps(index))
    scratch.rename(target)


def _build_lacking(lacking: list[str], recipes: Path) -> None:
    if lacking:
        need_root()
        for program in ("mmdebstrap", "skopeo"):
            need_program(program)
        (CACHE / "images").mkdir(parents=True, exist_ok=True)
        engine = Engine(Path(tempfile.mkdtemp(prefix="bundle-build-", dir=sites_folder())))
        engine.start("--bridge=none", "--iptables=false", "--ip6tables=false")
        try:
            known: set[str] = set()
            for name in lacking:
                _provide(engine, parent(name, recipes), recipes, known)
                _build(engine, name, recipes)
        finally:
            engine.remove()


def _provide(engine: Engine, recipe: str, recipes: Path, known: set[str]) -> None:
    """Load the base image of others into the engine, from the cache or newly built."""
    if recipe in known:
        return
    if recipe in BASES:
        engine.docker("import", base_archive(base=recipe), f"bundle-test/{recipe}:1")
    elif layout_of(recipe, recipes).is_dir():
        # Its layers have the same bytes each time, so that all images based on it share them.
        run(
            "skopeo", "copy", "--quiet", "--dest-daemon-host", engine.host,
            f"oci:{layout_of(recipe, recipes)}:latest", f"docker-daemon:bundle-test/{recipe}:1",
        )  # fmt: skip
    else:
        _provide(engine, parent(recipe, recipes), recipes, known)
        _build(engine, recipe, recipes)
    known.add(recipe)


def base_archive(suite: str = SUITE, base: str = "slim") -> Path:
    """Return the tar of a minimal Debian (with ca-certificates, and so openssl); it is made once."""
    archive = CACHE / f"{suite}-{base}.tar"
    with cache_lock(f"archive-{suite}-{base}"):
        if not archive.exists():
            need_program("mmdebstrap")
            scratch = archive.with_suffix(".part.tar")
            options = ("--mode=root", "--variant=minbase", "--include=ca-certificates", *BASES[base])
            run("mmdebstrap", *options, suite, scratch)
            scratch.rename(archive)
    return archive


def _build(engine: Engine, recipe: str, recipes: Path) -> None:
    tag = f"bundle-test/{recipe}:1"
    environment = {
        "DOCKER_BUILDKIT": "0",
        "DOCKER_HOST": engine.host,
        "PATH": "/usr/bin:/bin",
        "HOME": "/root",
    }
    build = ("/usr/bin/docker", "build", "--network=host", "-q", "-t", tag)
    run(*build, recipes / recipe, env=environment)
    scratch = Path(tempfile.mkdtemp(dir=CACHE / "images", prefix=".part-"))
    run(
        "skopeo", "copy", "--quiet", "--src-daemon-host", engine.host,
        f"docker-daemon:{tag}", f"oci:{scratch}:latest",
    )  # fmt: skip
    target = layout_of(recipe, recipes)
    shutil.rmtree(target, ignore_errors=True)
    scratch.rename(target)
