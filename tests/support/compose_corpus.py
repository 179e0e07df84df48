"""Compares what is read of a project with what Docker Compose itself says of it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bundler.api.templates.process import Templates
from bundler.errors import BundleError
from bundler_compose.keys.checks import check_fates, check_keys
from bundler_compose.model import render_marks
from bundler_compose.reading import Project, Readings, Source, read_project
from tests.support.compose import Answer, Compose

SETTLED: Final = ("build", "develop", "label_file", "profiles")
"""Keys of a service that Compose shows and that mean nothing at a site."""
MEMORY: Final = Path("/dev/shm")  # noqa: S108 thousands of small files


@dataclass
class Tally:
    """How many projects came out how.

    Attributes:
        equal: those of which both say the same.
        refused: those that Compose reads and that are refused here, by the error.
        both: those that both refuse.
        changed: those that the newest Compose reads in another way.
        asked: those with a variable that must be set, and is not.
    """

    equal: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    both: int = 0
    asked: int = 0
    changed: int = 0

    def __str__(self) -> str:
        """For the report of a test."""
        reasons = "".join(f"\n{count:6} {reason}" for reason, count in self.refused.most_common(10))
        return (
            f"{self.equal} equal, {self.both} refused by both, {self.changed} changed, {self.asked} asked,"
            f" {self.refused.total()} refused here{reasons}"
        )


@contextmanager
def scratch() -> Iterator[Path]:
    """Create a folder for one project, in memory where there is such a file system."""
    folder = Path(tempfile.mkdtemp(prefix="project", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def expected(document: Mapping[str, Any], images: Mapping[str, str]) -> dict[str, Any]:
    """Return Compose's document of a project without what is settled at the build."""
    services = {}
    for name, service in document["services"].items():
        kept = {key: value for key, value in service.items() if key not in SETTLED}
        image = kept.get("image") or images[name]
        services[name] = {**kept, "image": image}
        if hooks := kept.get("pre_start"):
            services[name]["pre_start"] = [{**hook, "image": hook.get("image") or image} for hook in hooks]
    return {**document, "services": services}


def built_images(document: Mapping[str, Any]) -> dict[str, str]:
    """Return a name for the image of each service that is only built."""
    services = document["services"].items()
    return {name: f"built/{name}" for name, service in services if not service.get("image")}


def as_document(project: Project) -> str:
    """Return a reading as the text of a Compose file: JSON is YAML."""
    return json.dumps(render_marks(project.data, project), ensure_ascii=False)


def _settled_binds(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document without `create_host_path: true`.

    In the long form it is the default of Compose 5 and not of 2.40, whose document does not say which of the
    two it means: compose-go, `ServiceVolumeBind` in types/types.go at v2.9.1 (a bool) and later (OptOut). A
    site has the folders before Compose starts, so that both do the same.
    """
    services = {}
    for name, service in document["services"].items():
        volumes = []
        for volume in service.get("volumes") or ():
            bind = {
                key: value for key, value in (volume.get("bind") or {}).items() if key != "create_host_path"
            }
            volumes.append({**volume, "bind": bind} if volume["type"] == "bind" else volume)
        services[name] = {**service, "volumes": volumes}
    return {**document, "services": services}


def _is_same(one: Answer, other: Answer) -> bool:
    first, second = (
        _settled_binds(expected(document, built_images(document)))
        for document in (one.document, other.document)
    )
    return first == second


class Corpus:
    """Reads projects and compares them.

    Attributes:
        tally: what came out.
    """

    def __init__(self, compose: Compose, templates: Templates, newest: Compose | None = None) -> None:
        """Take the Compose that is asked, and the newest one if it is another."""
        self.tally = Tally()
        self._compose = compose
        self._newest = newest
        self._templates = templates

    def check(self, folder: Path, files: tuple[str, ...] = (), profiles: tuple[str, ...] = ()) -> None:
        """Compare both readings of a project with Compose's.

        Raises:
            AssertionError: a reading differs, or takes what Compose refuses.
        """
        answer = self._compose.config(folder, files, profiles=profiles)
        if self._newest is not None:
            newest = self._newest.config(folder, files, profiles=profiles)
            if newest.failed != answer.failed or not (answer.failed or _is_same(newest, answer)):
                self.tally.changed += 1
                return
        if answer.failed and "required variable" in answer.err:
            self.tally.asked += 1  # such a variable is for the site to set
            return
        images = {} if answer.failed else built_images(answer.document)
        alone = len(files) == 1
        source = Source(
            path=folder / files[0] if alone else folder,
            above="../../../..",
            files=() if alone else files,
            profiles=profiles,
            images=images,
            check=check_keys,
        )
        readings = self._read(source, refused=answer.failed)
        if answer.failed:
            assert readings is None, f"Compose refuses it: {answer.err}"
            self.tally.both += 1
        elif readings is not None:
            try:
                texts = [as_document(project) for project in (readings.today, readings.site)]
            except BundleError as error:
                self.tally.refused[error.message[:200]] += 1
                return
            wanted = expected(answer.document, images)
            self._compare(texts[0], wanted, {})
            self._compare(texts[1], wanted, readings.site.values_of_today)
            self.tally.equal += 1

    def _read(self, source: Source, *, refused: bool) -> Readings | None:
        try:
            readings = read_project(source, self._templates)
            check_fates(readings.today.data, readings.today.at)
        except BundleError as error:
            if not refused:
                self.tally.refused[error.message[:200]] += 1
            return None
        return readings

    def _compare(self, text: str, wanted: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        with scratch() as folder:
            (folder / "compose.yaml").write_text(text, "utf-8")
            answer = self._compose.config(folder, ["compose.yaml"], environment=environment)
        assert not answer.failed, answer.err
        if self._newest is None:
            assert answer.document == wanted
        else:
            assert _settled_binds(answer.document) == _settled_binds(wanted)
