"""Projects read as Docker Compose 5.6.0 was seen to read them (`docker compose config`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bundler.api.templates.process import Templates
from bundler.errors import BundleError
from bundler_compose.reading import Project, Readings, Source, read_project


def read(folder: Path, files: Mapping[str, str], **keys: Any) -> Readings:  # noqa: ANN401 fields of Source
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with Templates({}) as templates:
        return read_project(Source(folder, **keys), templates)


def shown(project: Project, value: Any) -> Any:  # noqa: ANN401 any YAML value
    if isinstance(value, dict):
        return {key: shown(project, item) for key, item in value.items()}
    if isinstance(value, list):
        return [shown(project, item) for item in value]
    return project.marks.render(value) if isinstance(value, str) else value


def both(readings: Readings, *keys: str) -> tuple[Any, Any]:
    """Return a value today and, as Compose's text, at the site."""
    found: list[Any] = []
    for project in (readings.today, readings.site):
        value: Any = project.data
        for key in keys:
            value = value[key]
        found.append(shown(project, value) if project is readings.site else value)
    return found[0], found[1]


WEB = "services:\n  web:\n    image: nginx:1\n"


def test_values_stay_for_the_site_with_their_operators(tmp_path: Path) -> None:
    readings = read(
        tmp_path,
        {
            "compose.yaml": WEB
            + "    environment:\n      A: ${A:-one}\n      B: x${B}y$$z\n      C:\n      D: ${D-}\n",
            ".env": "B=b\nC=c\n",
        },
    )
    today, site = both(readings, "services", "web", "environment")
    assert today == {"A": "one", "B": "xby$z", "C": "c", "D": ""}
    assert site == {"A": "${A:-one}", "B": "x${B}y$$z", "C": None, "D": "${D-}"}


def test_two_defaults_of_one_variable_stay_two(tmp_path: Path) -> None:
    text = "services:\n  a: {image: i, command: 'x ${P:-1}'}\n  b: {image: i, command: 'x ${P:-2}'}\n"
    readings = read(tmp_path, {"compose.yaml": text})
    assert both(readings, "services", "a", "command") == ("x 1", "x ${P:-1}")
    assert both(readings, "services", "b", "command") == ("x 2", "x ${P:-2}")


def test_a_variable_of_an_image_is_constant_everywhere(tmp_path: Path) -> None:
    text = "services:\n  a: {image: 'i:${TAG}', labels: {tag: '${TAG}', other: '${OTHER}'}}\n"
    readings = read(tmp_path, {"compose.yaml": text, ".env": "TAG=7\nOTHER=o\n"})
    assert both(readings, "services", "a", "labels") == (
        {"tag": "7", "other": "o"},
        {"tag": "7", "other": "${OTHER}"},
    )
    assert readings.site.data["services"]["a"]["image"] == "i:7"


def test_only_names_of_images_must_be_whole(tmp_path: Path) -> None:
    readings = read(tmp_path, {"compose.yaml": WEB + "    environment: {image: 'x${UNSET}'}\n"})
    assert both(readings, "services", "web", "environment") == ({"image": "x"}, {"image": "x${UNSET}"})
    with pytest.raises(BundleError, match=r"services.web.image: \$\{UNSET\} has no value"):
        read(tmp_path, {"compose.yaml": "services: {web: {image: 'x:${UNSET}'}}\n"})


def test_a_value_of_env_made_of_others_is_expanded_in_place(tmp_path: Path) -> None:
    env = "HOST=db\nURL=postgres://${HOST}/x\n"
    readings = read(tmp_path, {"compose.yaml": WEB + "    environment: [URL]\n", ".env": env})
    assert both(readings, "services", "web", "environment") == (
        {"URL": "postgres://db/x"},
        {"URL": "postgres://${HOST}/x"},
    )


def test_a_required_value_is_a_sample_today(tmp_path: Path) -> None:
    readings = read(tmp_path, {"compose.yaml": WEB + '    labels: {a: "${X:?say it}"}\n'})
    assert readings.today.samples == {"X": "sample"}
    assert both(readings, "services", "web", "labels", "a") == ("sample", "${X:?say it}")


def test_override_files_merge_by_the_rules_of_each_key(tmp_path: Path) -> None:
    base = WEB + (
        "    command: [a]\n    ports: ['80:80']\n    environment: {A: 1, B: 2}\n"
        "    volumes: ['./a:/data', 'vol:/v']\n    dns: 1.1.1.1\n    networks: [n]\n"
        "volumes: {vol: }\nnetworks: {n: , m: }\n"
    )
    over = (
        "services:\n  web:\n    command: [b]\n    ports: ['81:81']\n    environment: [B=3, C]\n"
        "    volumes: ['./b:/data:ro']\n    dns: [2.2.2.2]\n    networks: {m: {aliases: [x]}}\n"
    )
    web = read(tmp_path, {"compose.yaml": base, "compose.override.yaml": over}).today.data["services"]["web"]
    assert web["command"] == ["b"]
    assert [port["published"] for port in web["ports"]] == ["80", "81"]
    assert web["environment"] == {"A": "1", "B": "3", "C": None}
    assert [(v["source"], v["target"], v.get("read_only", False)) for v in web["volumes"]] == [
        (f"{tmp_path}/b", "/data", True),
        ("vol", "/v", False),
    ]
    assert web["dns"] == ["1.1.1.1", "2.2.2.2"]
    assert web["networks"] == {"n": None, "m": {"aliases": ["x"]}}


def test_reset_and_override_tags(tmp_path: Path) -> None:
    base = WEB + "    ports: ['80:80']\n    environment: {A: 1}\n    labels: {a: b}\n"
    over = (
        "services:\n  web:\n    ports: !override ['81:81']\n    environment: !reset null\n"
        "    labels: {a: !reset null, c: d}\n"
    )
    web = read(tmp_path, {"compose.yaml": base, "compose.override.yml": over}).today.data["services"]["web"]
    assert [port["published"] for port in web["ports"]] == ["81"]
    assert "environment" not in web
    assert web["labels"] == {"c": "d"}


def test_extends_from_another_file_with_its_own_relative_paths(tmp_path: Path) -> None:
    files = {
        "compose.yaml": (
            "services:\n  web:\n    extends: {file: common/base.yaml, service: s}\n    labels: {a: mine}\n"
        ),
        "common/base.yaml": (
            "services:\n  s:\n    extends: t\n    labels: {a: base, b: base}\n"
            "  t: {image: i, volumes: ['./conf:/conf']}\n"
        ),
    }
    readings = read(tmp_path, files)
    web = readings.today.data["services"]["web"]
    assert (web["image"], web["labels"]) == ("i", {"a": "mine", "b": "base"})
    assert web["volumes"][0]["source"] == f"{tmp_path}/common/conf"
    assert "extends" not in web
    assert readings.today.files == (tmp_path / "compose.yaml", tmp_path / "common/base.yaml")


def test_include_brings_a_project_with_its_own_env(tmp_path: Path) -> None:
    files = {
        "compose.yaml": "include: [sub/compose.yaml]\n" + WEB,
        ".env": "OUTER=o\n",
        "sub/compose.yaml": (
            "services:\n  db:\n    image: pg\n    environment: [INNER, OUTER]\n    volumes: ['./d:/d']\n"
        ),
        "sub/.env": "INNER=i\nOUTER=ignored\n",
    }
    readings = read(tmp_path, files)
    today, site = both(readings, "services", "db")
    assert today["environment"] == {"INNER": "i", "OUTER": "o"}
    assert site["environment"] == {"INNER": "${INNER-i}", "OUTER": None}
    assert today["volumes"][0]["source"] == f"{tmp_path}/sub/d"


def test_env_files_and_label_files_are_resolved(tmp_path: Path) -> None:
    files = {
        "compose.yaml": WEB + "    env_file: [a.env, {path: no.env, required: false}]\n    label_file: l\n"
        "    environment: {B: mine}\n",
        ".env": "CITY=x\n",
        "a.env": "A=in ${CITY}\nB=file\n",
        "l": "k=v\n",
    }
    today, site = both(read(tmp_path, files), "services", "web")
    assert today["environment"] == {"A": "in x", "B": "mine"}
    assert site["environment"] == {"A": "in ${CITY}", "B": "mine"}
    assert today["labels"] == {"k": "v"}
    assert not {"env_file", "label_file"} & set(today)


def test_files_profiles_and_the_name_come_from_env(tmp_path: Path) -> None:
    files = {
        ".env": "COMPOSE_FILE=a.yaml:b.yaml\nCOMPOSE_PROFILES=x\nCOMPOSE_PROJECT_NAME=named\n",
        "a.yaml": WEB,
        "b.yaml": "services:\n  x: {image: i, profiles: [x]}\n  y: {image: i, profiles: [y]}\n",
        "compose.yaml": "services: {no: {image: i}}\n",
    }
    readings = read(tmp_path, files)
    assert readings.today.name == "named"
    assert list(readings.today.data["services"]) == ["web", "x"]


def test_the_folder_of_the_first_named_file_is_the_projects(tmp_path: Path) -> None:
    files = {
        ".env": "COMPOSE_FILE=prod/a.yaml\nTAG=above\n",
        "prod/.env": "TAG=own\nNAME=${TAG}-x\nCOMPOSE_PROJECT_NAME=named\n",
        "prod/a.yaml": WEB + "    command: ${TAG} ${NAME}\n    volumes: ['./data:/data']\n",
    }
    readings = read(tmp_path, files)
    assert readings.today.name == "named"
    today, site = both(readings, "services", "web")
    assert today["command"] == "above above-x"
    assert site["command"] == "${TAG} ${TAG}-x"
    assert today["volumes"][0]["source"] == str(tmp_path / "prod/data")
    files[".env"] = "COMPOSE_FILE=prod/a.yaml:b.yaml\n"
    files["b.yaml"] = WEB
    with pytest.raises(BundleError, match=r"COMPOSE_FILE: .*b.yaml is outside the project's folder"):
        read(tmp_path, files)
    assert read(tmp_path, files, above="..").today.folder == tmp_path / "prod"


@pytest.mark.parametrize(
    ("given", "ports"),
    [
        ("'80'", [("", 80, None, "tcp")]),
        ("'8080:80/udp'", [("", 80, "8080", "udp")]),
        ("'127.0.0.1:8080-8081:80-81'", [("127.0.0.1", 80, "8080", "tcp"), ("127.0.0.1", 81, "8081", "tcp")]),
        ("'[::1]:8080:80'", [("::1", 80, "8080", "tcp")]),
        ("'8080-8089:80'", [("", 80, "8080-8089", "tcp")]),
        ("127.0.0.1::80", [("127.0.0.1", 80, None, "tcp")]),
    ],
)
def test_short_ports(tmp_path: Path, given: str, ports: list[Any]) -> None:
    data = read(tmp_path, {"compose.yaml": WEB + f"    ports: [{given}]\n"}).today.data
    assert [
        (port.get("host_ip", ""), port["target"], port.get("published"), port["protocol"])
        for port in data["services"]["web"]["ports"]
    ] == ports


def test_a_variable_with_address_and_port_keeps_its_short_form(tmp_path: Path) -> None:
    text = WEB + "    ports: ['${LISTEN:-127.0.0.1:8080}:80', '${PORT:-81}:81']\n"
    _, site = both(read(tmp_path, {"compose.yaml": text}), "services", "web", "ports")
    assert site[0] == "${LISTEN:-127.0.0.1:8080}:80/tcp"
    assert site[1]["published"] == "${PORT:-81}"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"compose.yaml": WEB + "    networks: [no]\n"},
            "compose.yaml:4: services.web.networks: there is no network",
        ),
        ({"compose.yaml": WEB + "    ports: ['a:80']\n"}, "compose.yaml:4: services.web.ports.0: 'a:80'"),
        (
            {"compose.yaml": WEB + "    volumes: ['vol:/v']\n"},
            "compose.yaml:4: services.web.volumes: there is no volume",
        ),
        (
            {"compose.yaml": "services: {a: {build: .}}\n"},
            "compose.yaml:1: services.a: `build:` without `image:`",
        ),
        ({"compose.yaml": WEB + "    init: maybe\n"}, "compose.yaml:4: services.web.init"),
        ({"compose.yaml": WEB + "    extends: {service: b}\n"}, "compose.yaml:4: services.web.extends"),
        ({"compose.yaml": "include: ['https://x.example/c.yaml']\n" + WEB}, "compose.yaml:1: include.0"),
        (
            {"compose.yaml": "include: [a.yaml]\n" + WEB, "a.yaml": "include: [compose.yaml]\n" + WEB},
            "each other",
        ),
        ({"compose.yaml": WEB + "    env_file: no.env\n"}, "compose.yaml:4: services.web.env_file.0: no.env"),
        (
            {"compose.yaml": WEB + "    labels: {a: '${HOME}'}\n"},
            "compose.yaml:4: services.web.labels.a: ${HOME}",
        ),
        ({"compose.yaml": WEB + "    image: again\n"}, "compose.yaml:4: 'image' is a duplicate key"),
        (
            {"compose.yaml": "services:\n  a: {image: i, depends_on: [b]}\n  b: {image: i, links: [a]}\n"},
            "wait for",
        ),
        ({"compose.yaml": "services: {a: {image: '${TAG:?which}'}}\n"}, "compose.yaml:1: services.a.image"),
        (
            {"compose.yaml": WEB, "compose.override.yaml": "services: {web: {ports: {a: b}}}\n"},
            "must be a list",
        ),
    ],
)
def test_what_compose_refuses_is_refused_with_its_place(
    tmp_path: Path, files: Mapping[str, str], message: str
) -> None:
    with pytest.raises(BundleError) as caught:
        read(tmp_path, files)
    assert message in str(caught.value)


def test_an_image_of_the_settings_stands_for_a_build(tmp_path: Path) -> None:
    files = {"compose.yaml": "services: {a: {build: .}}\n"}
    assert read(tmp_path, files, images={"a": "mine:1"}).today.data["services"]["a"] == {"image": "mine:1"}
    with pytest.raises(BundleError, match="settings: images: there is no service 'b'"):
        read(tmp_path, files, images={"b": "mine:1"})


def test_a_place_is_that_of_the_file_that_says_it(tmp_path: Path) -> None:
    files = {"compose.yaml": WEB, "compose.override.yaml": "services:\n  web:\n    labels:\n      a: b\n"}
    project = read(tmp_path, files).today
    assert project.at("services", "web", "labels", "a") == "compose.override.yaml:4: services.web.labels.a"
    assert project.at("services", "web", "image") == "compose.yaml:3: services.web.image"
