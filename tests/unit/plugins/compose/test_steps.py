"""Steps return new documents and leave their input, and everything it shares, unchanged."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from bundler.api.templates.process import Templates
from bundler.errors import BundleError
from bundler_compose.document import Document, read_document, select_services
from bundler_compose.files import collect_files
from bundler_compose.literals import find_literals, generate_literals
from bundler_compose.mounts.carry import Carrier
from bundler_compose.mounts.project import Project
from bundler_compose.mounts.rules import Rules
from bundler_compose.steps import bind_images, normalise

COMPOSE = """\
x-shared: &shared {DB_PASSWORD: hidden-word, MODE:}
services:
  web:
    image: "web:${TAG}"
    environment: *shared
    env_file: web.env
    volumes: [./conf:/conf:ro]
    depends_on: {extra: {condition: service_started, required: false}}
  worker: {image: "web:${TAG}", environment: *shared, secrets: [token]}
  extra: {image: "extra:1", profiles: [more]}
secrets: {token: {file: token.txt}}
"""


@pytest.fixture
def document(tmp_path: Path) -> Document:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "web.env").write_text("API_TOKEN=another-word\n")
    (tmp_path / "token.txt").write_text("third-word\n")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/a.conf").write_text("a\n")
    with Templates({}) as templates:
        return read_document(tmp_path / "compose.yaml", templates)


def test_no_step_changes_what_it_is_given(document: Document) -> None:
    steps = [document]
    kept = [copy.deepcopy(document.data)]

    def note(step: Document) -> Document:
        steps.append(step)
        kept.append(copy.deepcopy(step.data))
        return step

    chosen = note(select_services(document, ()))
    bound = note(bind_images(note(normalise(chosen)), {"TAG": "7"}))
    with Templates({}) as templates:
        carrier = Carrier(Project.of(document.folder), templates, Rules())
        collected = collect_files(bound, carrier, {})
    placed = note(bound.with_data(collected.document))
    literals = find_literals(placed, collected.files)
    before = dict(collected.files)
    generated = generate_literals(placed, collected.files, literals)
    assert [step.data for step in steps] == kept
    assert collected.files == before
    assert "extra" not in generated.document.services
    assert generated.document.services["web"] == {
        "image": "web:7",
        "environment": {"DB_PASSWORD": "${DB_PASSWORD}", "MODE": "${MODE}"},
        "env_file": ["./web.env"],
        "volumes": [
            {
                "type": "bind",
                "source": "./conf",
                "target": "/conf",
                "read_only": True,
                "bind": {"create_host_path": False},
            }
        ],
        "depends_on": {},
    }
    assert generated.document.data["secrets"] == {"token": {"file": "./token.txt"}}
    assert generated.files["token.txt"].read() == b"@@TOKEN@@\n"
    assert generated.names == {"DB_PASSWORD", "API_TOKEN", "TOKEN"}


def test_errors_of_a_later_step_still_name_the_line(document: Document) -> None:
    with pytest.raises(BundleError, match=r"compose.yaml:4: services.web.image: \$\{TAG\} has no value"):
        bind_images(normalise(select_services(document, ())), {})
