"""Projects are read as Docker Compose itself reads them, with the values of today and for the site.

Each reading is written as a Compose file again, and `docker compose config` of that file must be equal to
`docker compose config` of the project. With BUNDLE_TESTS_NO_SKIP, 5,000 generated projects are read,
otherwise two hundred.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from bundler.api.templates.process import Templates
from tests.support.compose import NEWEST, OLDER, need_compose, running_compose
from tests.support.compose_corpus import Corpus, scratch
from tests.support.compose_projects.projects import Project, projects
from tests.support.programs import NO_SKIP

ROOT = Path(__file__).parents[2]
ALL = bool(os.environ.get(NO_SKIP))
COUNT = 1200 if ALL else 100
PARTS = [
    (NEWEST, 14, COUNT),
    (NEWEST, 15, COUNT),
    (NEWEST, 16, COUNT),
    (NEWEST, 17, COUNT),
    (OLDER, 18, COUNT // 4),
]
"""Lines of Compose, seeds, and how many projects are read: together 5,100."""
MOST_REFUSED = 0.05


@pytest.fixture(params=[NEWEST, OLDER])
def line(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def corpus(line: str) -> Iterator[Corpus]:
    with running_compose(line) as compose, running_compose() as newest, Templates({}) as templates:
        yield Corpus(compose, templates, None if line == NEWEST else newest)


@pytest.mark.parametrize(("line", "number", "count"), PARTS if ALL else [PARTS[0], PARTS[-1]])
def test_generated_projects_are_read_as_compose_reads_them(
    line: str, number: int, count: int, corpus: Corpus, record_property: Callable[[str, object], None]
) -> None:
    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        phases=(Phase.generate,) if ALL else (Phase.generate, Phase.shrink),  # which takes minutes
        suppress_health_check=list(HealthCheck),
    )
    @given(projects(newest=line == NEWEST))
    def check(project: Project) -> None:
        with scratch() as folder:
            project.write(folder)
            corpus.check(folder, project.arguments, project.profiles)

    check()
    record_property("corpus", f"Docker Compose {line}: {corpus.tally}")
    assert corpus.tally.equal > count / 2
    assert corpus.tally.refused.total() < MOST_REFUSED * count, corpus.tally


def test_the_examples_of_its_parser_are_read_as_compose_reads_them(line: str, corpus: Corpus) -> None:
    for path in sorted((need_compose(line) / "examples").rglob("*.y*ml")):
        if b"services:" in path.read_bytes():
            corpus.check(path.parent, (path.name,))
    assert corpus.tally.equal
    assert all("image" in reason and "has no value" in reason for reason in corpus.tally.refused)


def test_the_sample_projects_are_read_as_compose_reads_them(corpus: Corpus) -> None:
    projects = [path.parent for path in ROOT.glob("examples/*/**/compose.y*ml")]
    projects += ROOT.glob("tests/projects/*/project")
    for folder in sorted(projects):
        corpus.check(folder)
    assert corpus.tally.equal + corpus.tally.asked == len(projects), corpus.tally
    assert corpus.tally.asked < len(projects) / 4
