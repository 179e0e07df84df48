"""Real service images made from Debian packages, each once, on one shared base: tests/images/<name>/."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from tests.support.engines import Engine
from tests.support.programs import CACHE, cache_lock, need_program, need_root, run

RECIPES = Path(__file__).parents[1] / "images"
SUITE = "bookworm"


def recipe_digest(name: str, recipes: Path = RECIPES) -> str:
    """Changes when the recipe does."""
    digest = hashlib.sha256(SUITE.encode())
    for path in sorted((recipes / name).rglob("*")):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def layout_of(name: str, recipes: Path = RECIPES) -> Path:
    """Where the image's OCI layout is kept."""
    return CACHE / "images" / f"{name}-{recipe_digest(name, recipes)}"


def build_images(names: list[str], recipes: Path = RECIPES) -> dict[str, Path]:
    """Name -> OCI layout folder; builds what the cache lacks with an engine started for it."""

    def lacking() -> list[str]:
        return [name for name in names if not layout_of(name, recipes).is_dir()]

    if lacking():
        with cache_lock("images" if recipes == RECIPES else f"images-{recipes.parent.name}"):
            _build_lacking(lacking(), recipes)
    return {name: layout_of(name, recipes) for name in names}


def _build_lacking(lacking: list[str], recipes: Path) -> None:
    if lacking:
        need_root()
        for program in ("mmdebstrap", "skopeo"):
            need_program(program)
        (CACHE / "images").mkdir(parents=True, exist_ok=True)
        engine = Engine(Path(tempfile.mkdtemp(prefix="bundle-build-")))
        engine.start("--bridge=none", "--iptables=false", "--ip6tables=false")
        try:
            _import_base(engine)
            for name in lacking:
                _build(engine, recipes / name)
        finally:
            engine.remove()


def _import_base(engine: Engine) -> None:
    archive = CACHE / f"{SUITE}.tar"
    if not archive.exists():
        scratch = archive.with_suffix(".part.tar")
        run("mmdebstrap", "--mode=root", "--variant=minbase", "--include=ca-certificates", SUITE, scratch)
        scratch.rename(archive)
    engine.docker("import", archive, "bundle-test/base:1")


def _build(engine: Engine, recipe: Path) -> None:
    name = recipe.name
    tag = f"bundle-test/{name}:1"
    environment = {
        "DOCKER_BUILDKIT": "0",
        "DOCKER_HOST": engine.host,
        "PATH": "/usr/bin:/bin",
        "HOME": "/root",
    }
    run("/usr/bin/docker", "build", "--network=host", "-q", "-t", tag, recipe, env=environment)
    scratch = Path(tempfile.mkdtemp(dir=CACHE / "images", prefix=f".{name}."))
    run(
        "skopeo", "copy", "--quiet", "--src-daemon-host", engine.host,
        f"docker-daemon:{tag}", f"oci:{scratch}:latest",
    )  # fmt: skip
    target = layout_of(name, recipe.parent)
    shutil.rmtree(target, ignore_errors=True)
    scratch.rename(target)
