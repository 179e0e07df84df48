"""Small projects whose mounts were once carried wrongly, from the Compose file to what the site runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bundler.api.application import INITIAL, ApplicationContext, ApplicationModel
from bundler.api.output import PinnedService
from bundler.build.pipeline import references
from bundler.errors import BundleError
from bundler.image.platform import Platform
from bundler_compose.application import ComposeApplication
from bundler_compose.renderer import ComposeRenderer
from bundler_compose.settings import ComposeSettings


def model(folder: Path, compose: str, **settings: Any) -> ApplicationModel:  # noqa: ANN401 whatever a profile says
    (folder / "compose.yaml").write_text(compose)
    values = ComposeSettings.model_validate({"project": folder, **settings}, strict=False)
    context = ApplicationContext("prod", values, folder, "1", Platform.parse("linux/amd64"))
    return ComposeApplication().model(context)


def sources(model: ApplicationModel, service: str) -> list[str]:
    return [volume["source"] for volume in model.compose["services"][service]["volumes"]]


def test_a_missing_file_is_not_data(tmp_path: Path) -> None:
    compose = """\
services:
  web:
    image: nginx:1.22
    volumes:
      - ./certs/root-ca.pem:/certs/root-ca.pem:ro
      - ./ngnix.conf:/etc/nginx/nginx.conf:ro
"""
    (tmp_path / "nginx.conf").write_text("events {}\n")
    with pytest.raises(
        BundleError, match=r"^compose.yaml:5: .*certs/root-ca.pem: no such file in the project"
    ):
        model(tmp_path, compose)
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs/root-ca.pem").write_text("x")
    with pytest.raises(BundleError, match=r"^compose.yaml:6: .*./ngnix.conf: no such file") as caught:
        model(tmp_path, compose)
    assert str(caught.value.hint).startswith("is it nginx.conf?")
    found = model(tmp_path, compose.replace("ngnix", "nginx"))
    assert {file.path for file in found.files} == {"certs/root-ca.pem", "nginx.conf"}


@pytest.mark.parametrize("exists", [True, False])
def test_empty_folders_are_made_at_the_site(tmp_path: Path, exists: bool) -> None:
    compose = """\
services:
  db:
    image: postgres:15
    volumes:
      - ./logs:/logs
      - {type: bind, source: ./plugins, target: /plugins}
"""
    for name in ("logs", "plugins") if exists else ():
        (tmp_path / name).mkdir()
    found = model(tmp_path, compose)
    assert [folder.path for folder in found.data] == ["logs", "plugins"]
    assert sources(found, "db") == ["${BUNDLE_DATA}/logs", "${BUNDLE_DATA}/plugins"]
    assert found.files == ()


def test_a_template_of_the_application_travels_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/site.conf.j2").write_text("name {{ site_name }};\n")
    compose = "services: {web: {image: 'nginx:1.22', volumes: ['./conf:/etc/app']}}"
    found = model(tmp_path, compose)
    [file] = found.files
    assert file.path == f"{INITIAL}/conf/site.conf.j2"
    assert file.read() == b"name {{ site_name }};\n"
    assert [each.path for each in found.initial] == ["conf/site.conf.j2"]


@pytest.mark.parametrize("dotenv", ["", "DB_PATH=./elsewhere/db\n"])
def test_data_behind_a_variable_are_no_part_of_a_release(tmp_path: Path, dotenv: str) -> None:
    (tmp_path / ".env").write_text(dotenv)
    compose = "services: {db: {image: 'postgres:15', volumes: ['${DB_PATH:-./storage/db}:/var/lib/data']}}"
    found = model(tmp_path, compose)
    place = "elsewhere/db" if dotenv else "storage/db"
    assert sources(found, "db") == ["${BUNDLE_DATA}/" + place]
    assert [folder.path for folder in found.data] == [place]
    assert "DB_PATH" not in {variable.name for variable in found.variables}


def test_a_file_behind_a_variable_is_carried(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/app.yaml").write_text("a: 1\n")
    found = model(
        tmp_path,
        "services: {web: {image: 'nginx:1.22', volumes: ['${CONF_DIR:-.}/conf/app.yaml:/etc/app.yaml']}}",
    )
    assert sources(found, "web") == ["./conf/app.yaml"]
    assert [file.path for file in found.files] == ["conf/app.yaml"]


def test_a_path_of_the_host_is_named(tmp_path: Path) -> None:
    socket = "/var/run/docker.sock"
    compose = f"services: {{web: {{image: 'nginx:1.22', volumes: ['{socket}:{socket}:ro']}}}}"
    with pytest.raises(BundleError) as caught:
        model(tmp_path, compose)
    assert f'settings: host_paths: ["{socket}"]' in str(caught.value.hint)
    found = model(tmp_path, compose, host_paths=[socket])
    assert sources(found, "web") == [socket]
    assert [mount.kind for mount in found.mounts] == ["host"]


def test_configs_with_content_stay_in_the_document(tmp_path: Path) -> None:
    compose = """\
services:
  web:
    image: nginx:1.22
    configs: [{source: c, target: /c.conf, mode: 0440}]
    secrets: [tok]
configs:
  c:
    content: |
      name=${SITE_NAME:-x}
      cost=$$5
secrets:
  tok: {environment: TOK}
"""
    found = model(tmp_path, compose)
    assert found.compose["configs"]["c"]["content"].endswith("cost=$$5\n")
    assert found.compose["secrets"] == {"tok": {"environment": "TOK"}}
    assert found.files == ()


def test_a_mounted_image_is_in_the_bundle(tmp_path: Path) -> None:
    compose = """\
services:
  web:
    image: nginx:1.22
    volumes:
      - {type: image, source: "redis:${TAG:-7}", target: /assets}
    pre_start: [{image: "busybox:1", command: ["true"]}]
"""
    found = model(tmp_path, compose)
    assert [reference.familiar for reference in references(found)] == ["busybox:1", "nginx:1.22", "redis:7"]
    assert {(one.id, one.minimum) for one in found.requirements} == {("docker", "28.0"), ("compose", "5.3.0")}
    others = {"redis:7": "docker.io/library/redis:7", "busybox:1": "docker.io/library/busybox:1"}
    members = ComposeRenderer().render(found, [PinnedService("web", "docker.io/library/nginx:1.22", others)])
    rendered = yaml.safe_load(b"".join(members[0].content.chunks()))["services"]["web"]
    assert rendered["volumes"] == [
        {"type": "image", "source": "docker.io/library/redis:7", "target": "/assets"}
    ]
    assert rendered["pre_start"][0]["image"] == "docker.io/library/busybox:1"


@pytest.mark.parametrize(
    "settings",
    [{"data": ["a"], "carry": {"./a": "configuration"}}, {"root": "./.."}, {"host_paths": ["etc"]}],
)
def test_settings_that_contradict(tmp_path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"keep one of them|listed|is configuration|pattern"):
        ComposeSettings.model_validate({"project": tmp_path, **settings}, strict=False)
