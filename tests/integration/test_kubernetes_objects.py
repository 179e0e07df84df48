"""A real API server takes every object of the sample projects, with the values of a site."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.api.output import ImageFacts
from tests.support.kube_objects import MAPPABLE, application, filled, manifests, sample_model
from tests.support.kubernetes import ApiServer

RESTRICTED = """
services:
  web:
    image: web
    restart: always
    user: "1000:1000"
    ports: ["8080:80"]
    read_only: true
    tmpfs: [/tmp]
    deploy: {replicas: 3}
    depends_on: {db: {condition: service_healthy}, migrate: {condition: service_completed_successfully}}
  migrate: {image: web, user: "1000"}
  db:
    image: db
    restart: always
    healthcheck: {test: check}
    volumes: ["data:/data"]
volumes: {data: }
"""


@pytest.mark.parametrize("name", MAPPABLE)
def test_the_server_takes_every_object(name: str, api_server: ApiServer, tmp_path: Path) -> None:
    namespace = api_server.namespace()
    bodies = [body for _, body in filled(manifests(sample_model(name, tmp_path)))]
    answer = api_server.dry_run(bodies, namespace=namespace)
    assert answer.check().count("serverside-applied") == len(bodies)
    assert answer.warnings == []


def test_users_other_than_root_meet_pod_security_restricted(api_server: ApiServer) -> None:
    facts = {"db": ImageFacts(user="999")}
    bodies = [body for _, body in filled(manifests(application(RESTRICTED), facts))]
    answer = api_server.dry_run(bodies, namespace=api_server.namespace(security="restricted"))
    assert answer.check().count("serverside-applied") == len(bodies)
    assert answer.warnings == []
