"""Backup and upgrade settings of Dify."""

from __future__ import annotations

import pytest

from tests.support import dify


@pytest.mark.parametrize("case", sorted(dify.MATRIX))
def test_the_lifecycle_names_existing_services(case: str) -> None:
    application = dify.model(dify.MATRIX[case])
    found, services = application.lifecycle, application.compose["services"]
    assert {*found.quiesce, *found.migrations, *(dump.service for dump in found.dumps)} <= services.keys()
    folders = {folder.path for folder in application.data}
    assert {*found.dumped, *found.disposable} <= folders
    assert len({dump.id for dump in found.dumps}) == len(found.dumps)
    assert all("\t" not in line and "\n" not in line for dump in found.dumps for line in vars(dump).values())


def test_writers_stop_before_stores() -> None:
    application = dify.model({})
    quiesced = application.lifecycle.quiesce
    assert quiesced[0] == "nginx"
    assert quiesced.index("worker_beat") < quiesced.index("worker")
    writers = {
        name
        for name, service in application.compose["services"].items()
        if service["image"].startswith("langgenius/dify-") and service["restart"] != "no"
    }
    assert writers - {"web"} <= set(quiesced)
    assert not {"db_postgres", "redis", "weaviate"} & set(quiesced)


def test_an_external_server_is_not_dumped() -> None:
    found = dify.model(dify.MATRIX["external servers"]).lifecycle
    assert (found.dumps, found.dumped) == ((), ())
    assert [dump.id for dump in dify.model({}).lifecycle.dumps] == ["dify", "dify_plugin"]
    own = dify.model({"vector_store": "pgvector"}).lifecycle
    assert (own.dumps[-1].id, own.dumped[-1]) == ("pgvector", "pgvector/data")


def test_a_vector_store_has_time_to_stop() -> None:
    """A store that is killed while it writes loses vectors silently."""
    for store in ("weaviate", "qdrant", "milvus"):
        assert dify.model({"vector_store": store}).compose["services"][store]["stop_grace_period"] == "300s"
