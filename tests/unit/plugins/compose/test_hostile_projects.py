"""Projects that exhaust the machine or carry files outside themselves are refused, with the line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bundler.api.application import ApplicationContext, ApplicationModel
from bundler.errors import BundleError
from bundler.image.platform import Platform
from bundler_compose.application import ComposeApplication
from bundler_compose.settings import ComposeSettings
from tests.support.profiles import load_profile

COMPOSE = "services:\n  web: {image: 'web:1', volumes: ['./conf:/conf:ro']}\n"
USES = "services:\n  web: {image: 'web:1', configs: [a], secrets: [a]}\n"
PROFILE = "application: compose\nversion: '1'\nsettings: {project: shop}\n"
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 12)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 9)}]}}\n" for level in range(1, 12)
)
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{level}: &a{level} [*a{level - 1}]\n" for level in range(1, 2000))
TEXTS = f"a0: &a0 {'x' * 500_000}\na1: [{', '.join(['*a0'] * 50_000)}]\n"


def model(folder: Path) -> ApplicationModel:
    values = ComposeSettings.model_validate({"project": folder.name}, strict=False)
    context = ApplicationContext("prod", values, folder.parent, "2.1", Platform.parse("linux/amd64"))
    return ComposeApplication().model(context)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "conf").mkdir(parents=True)
    (folder / "conf" / "usual").write_text("x")
    (folder / "compose.yaml").write_text(COMPOSE)
    return folder


def refuse(folder: Path, match: str) -> None:
    with pytest.raises(BundleError, match=match) as caught:
        model(folder)
    assert len(caught.value.message) < 1000
    assert caught.value.message.isprintable()


def test_the_project_is_valid_before_it_is_changed(project: Path) -> None:
    assert [file.path for file in model(project).files] == ["conf/usual"]


# ---------------------------------------------------------------- YAML

DOCUMENTS = {
    "alias bomb": (
        COMPOSE + "x-b:\n" + re.sub("^", "  ", BOMB, flags=re.MULTILINE).rstrip(" "),
        ":[0-9]+: more than 100000 values",
    ),
    "alias bomb in a service": (
        BOMB + COMPOSE.replace("image:", "labels: *a11, image:"),
        ":[0-9]+: more than 100000 values",
    ),
    "bomb of merges": (MERGES + COMPOSE, ":[0-9]+: more than 100000 values"),
    "bomb of texts": (TEXTS + COMPOSE, ":[0-9]+: more than 100000 values"),
    "chain of anchors": (CHAIN + COMPOSE, ":[0-9]+: nested too deeply"),
    "anchor in itself": (COMPOSE + "x-b: &b [*b]\n", ":3: an anchor that contains itself"),
    "anchor in itself, merged": (COMPOSE + "x-b: &b {<<: *b}\n", ":3: an anchor that contains itself"),
    "20000 deep": (COMPOSE + "x-b: " + "[" * 20000 + "]" * 20000, ":3: nested too deeply"),
    "20000 deep, open": (COMPOSE + "x-b: " + "{a: " * 20000, ":3: nested too deeply"),
    "20000 deep in lines": (COMPOSE + "x-b:\n" + "- " * 20000 + "x", ":4: nested too deeply"),
    "Python tag": (
        COMPOSE + "x-b: !!python/object/apply:os.system [id]\n",
        ":3: .*tag .*python.* not allowed",
    ),
    "other tag": (COMPOSE + "x-b: !other null\n", ":3: the tag '!other' is not allowed"),
    "binary": (COMPOSE + "x-b: !!binary aGVsbG8=\n", ":3: the tag '!!binary' is not allowed"),
    "wrong timestamp": (COMPOSE + "x-b: !!timestamp 2001-99-99\n", ":3: the tag"),
    "no integer": (COMPOSE + "x-b: !!int abc\n", ":3: .*!!int"),
    "no float": (COMPOSE + "x-b: !!float abc\n", ":3: .*!!float"),
    "no boolean": (COMPOSE + "x-b: !!bool abc\n", ":3: .*!!bool"),
    "long integer": (COMPOSE + "x-b: " + "9" * 5000 + "\n", ":3: .*!!int"),
    "duplicate key": (COMPOSE + "x-b: 1\nx-b: 2\n", ":4: 'x-b' is a duplicate key, first defined on line 3"),
    "duplicate service": (
        COMPOSE + "  web: {image: 'other:1'}\n",
        ":3: 'web' is a duplicate key, first defined on line 2",
    ),
    "key that is a number": (COMPOSE + "x-b: {1: 2}\n", ":3: a key must be a string"),
    "key that is a list": (COMPOSE + "x-b: {? [a] : 2}\n", ":3: a key must be a string"),
    "NUL": (COMPOSE + 'x-b: "\\0"\n', ":3: a NUL"),
    "raw NUL": (COMPOSE + "x-b: \0\n", r":3: the character U\+0000"),
    "surrogate": (COMPOSE + 'x-b: "\\ud800"\n', ":3: .*surrogate"),
    "second document": (COMPOSE + "---\n[]\n", ":4: must be a mapping"),
    "over a megabyte": (COMPOSE + "# " + "x" * (1 << 20), "larger than 1 MiB"),
    "unknown alias": (COMPOSE + "x-b: *nobody\n", ":3: "),
}


@pytest.mark.parametrize(("text", "match"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_compose_file_is_refused_with_its_line(project: Path, text: str, match: str) -> None:
    (project / "compose.yaml").write_text(text)
    refuse(project, r"^compose\.yaml" + (match if match.startswith(":") else f": {match}"))


@pytest.mark.parametrize(
    "raw",
    [b"\xff\xfe" + COMPOSE.encode("utf-16-le"), b"\xff", COMPOSE.encode() + b"x: \x80\n", b"\xed\xa0\x80"],
)
def test_a_compose_file_that_is_not_utf_8(project: Path, raw: bytes) -> None:
    (project / "compose.yaml").write_bytes(raw)
    refuse(project, "compose.yaml:[0-9]+: not UTF-8")


def test_a_byte_order_mark_is_skipped(project: Path) -> None:
    (project / "compose.yaml").write_bytes(b"\xef\xbb\xbf" + COMPOSE.encode())
    assert model(project).files


def test_anchors_in_bounds_pass(project: Path) -> None:
    (project / "compose.yaml").write_text(
        "x-env: &env {A: '1'}\nx-more: &more {<<: *env, B: '2'}\n"
        "services:\n" + "".join(f"  s{n}: {{image: 'web:1', environment: *more}}\n" for n in range(100))
    )
    assert model(project).compose["services"]["s99"]["environment"] == {"A": "1", "B": "2"}


PROFILES = {
    "alias bomb": (PROFILE + BOMB, ":[0-9]+: more than 100000 values"),
    "bomb of merges": (PROFILE + MERGES, ":[0-9]+: more than 100000 values"),
    "chain of anchors": (PROFILE + CHAIN, ":[0-9]+: .*nested too deeply"),
    "anchor in itself": (PROFILE + "x: &x [*x]\n", ":4: .*contains itself"),
    "20000 deep": (PROFILE + "x: " + "[" * 20000, ":4: .*nested too deeply"),
    "Python tag": (PROFILE + "x: !!python/object/apply:os.system [id]\n", ":4: .*not allowed"),
    "duplicate": (PROFILE + "version: '2'\n", ":4: version: duplicate key"),
    "NUL": (PROFILE + "title: \0\n", r":4: the character U\+0000"),
    "extends itself": (PROFILE + "extends: p.yaml\n", ":4: circular `extends`"),
    "long integer": (PROFILE + "health_timeout: " + "9" * 5000 + "\n", ":4: "),
}


@pytest.mark.parametrize(("text", "match"), PROFILES.values(), ids=PROFILES)
def test_a_profile_is_refused_with_its_line(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(BundleError, match="p.yaml" + match) as caught:
        load_profile(str(tmp_path / "p.yaml"))
    assert len(caught.value.message) < 2000


def test_a_profile_in_utf_16(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(b"\xff\xfe" + PROFILE.encode("utf-16-le"))
    with pytest.raises(BundleError, match=r"p\.yaml:1: not UTF-8"):
        load_profile(str(tmp_path / "p.yaml"))


# ---------------------------------------------------------------- links


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "secret").write_text("PASSWORD=hunter2\n")
    return folder


def link_file(project: Path, foreign: Path) -> None:
    (project / "conf" / "x").symlink_to(foreign / "secret")


def link_relative(project: Path, foreign: Path) -> None:
    (project / "conf" / "x").symlink_to("../../elsewhere/secret")


def link_by_a_link(project: Path, foreign: Path) -> None:
    (project / "first").symlink_to(foreign)
    (project / "conf" / "x").symlink_to("../first/secret")


def link_folder(project: Path, foreign: Path) -> None:
    (project / "conf" / "usual").unlink()
    (project / "conf").rmdir()
    (project / "conf").symlink_to(foreign)


def link_folder_within(project: Path, foreign: Path) -> None:
    (project / "conf" / "deep").symlink_to(foreign)


def link_template(project: Path, foreign: Path) -> None:
    (project / "conf" / "x.j2").symlink_to(foreign / "secret")


def link_defaults(project: Path, foreign: Path) -> None:
    (project / ".env").symlink_to(foreign / "secret")


def link_parent(project: Path, foreign: Path) -> None:
    (project / "up").symlink_to("..")
    (project / "compose.yaml").write_text(COMPOSE.replace("./conf:", "./up/elsewhere:"))


def name_env_file(project: Path, foreign: Path) -> None:
    (project / "compose.yaml").write_text(COMPOSE.replace("image:", "env_file: ../elsewhere/secret, image:"))


def name_env_file_absolutely(project: Path, foreign: Path) -> None:
    (project / "compose.yaml").write_text(COMPOSE.replace("image:", f"env_file: {foreign}/secret, image:"))


def name_config(project: Path, foreign: Path) -> None:
    (project / "compose.yaml").write_text(
        USES + "configs: {a: {file: ../elsewhere/secret}}\nsecrets: {a: {environment: A}}\n"
    )


def name_secret_by_a_link(project: Path, foreign: Path) -> None:
    (project / "token").symlink_to(foreign / "secret")
    (project / "compose.yaml").write_text(
        USES + "secrets: {a: {file: ./token}}\nconfigs: {a: {content: c}}\n"
    )


@pytest.mark.parametrize(
    "lead",
    [
        link_file,
        link_relative,
        link_by_a_link,
        link_folder,
        link_folder_within,
        link_template,
        link_defaults,
        link_parent,
        name_env_file,
        name_env_file_absolutely,
        name_config,
        name_secret_by_a_link,
    ],
)
def test_a_file_from_outside_the_project_is_not_carried(
    project: Path, foreign: Path, lead: Callable[[Path, Path], None]
) -> None:
    lead(project, foreign)
    refuse(project, "outside the project|leaves the project|links to folders")


def test_a_link_to_a_file_of_the_project_is_carried(project: Path) -> None:
    (project / "conf" / "x").symlink_to("usual")
    found = {file.path: file.content for file in model(project).files}
    assert isinstance(found["conf/x"], Path)
    assert found["conf/x"].read_text() == "x"


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    "name",
    ["a\nb", "-rf", "a\\b", "e\u0301", "\u202egnp", "a\x7f", os.fsdecode(b"\xff"), "a\x9b2J", "\u2066"],
)
def test_a_name_that_a_site_could_misread(project: Path, name: str) -> None:
    (project / "conf" / name).write_text("x")
    refuse(project, r"^compose\.yaml:2: services\.web\.volumes\.0: .*conf/")


@pytest.mark.parametrize("names", [("A", "a"), ("d/x", "D/y"), ("\u00c4", "\u00e4")])
def test_names_that_collide(project: Path, names: tuple[str, str]) -> None:
    for name in names:
        (project / "conf" / name).parent.mkdir(exist_ok=True)
        (project / "conf" / name).write_text("x")
    refuse(project, r"^compose\.yaml:2: .* differ only in case or Unicode normalization")


# ---------------------------------------------------------------- shapes

SHAPES = {
    "services is a list": ("services: [web]\n", "services"),
    "service is a text": ("services: {web: x}\n", "services.web"),
    "image is a number": ("services: {web: {image: 1}}\n", "services.web.image"),
    "deploy is a text": ("services: {web: {image: x, deploy: y}}\n", "services.web.deploy"),
    "healthcheck is a list": ("services: {web: {image: x, healthcheck: [y]}}\n", "services.web.healthcheck"),
    "volumes is a text": ("services: {web: {image: x, volumes: ./a}}\n", "services.web.volumes"),
    "ports is a number": ("services: {web: {image: x, ports: 80}}\n", "services.web.ports"),
    "profiles is a text": ("services: {web: {image: x, profiles: y}}\n", "services.web.profiles"),
    "depends_on has mappings": (
        "services: {web: {image: x, depends_on: [{db: 1}]}}\n",
        "services.web.depends_on.0",
    ),
    "environment has lists": (
        "services: {web: {image: x, environment: {A: [1]}}}\n",
        "services.web.environment.A",
    ),
    "env_file has a number": ("services: {web: {image: x, env_file: [1]}}\n", "services.web.env_file.0"),
    "configs is a list": ("services: {web: {image: x}}\nconfigs: [a]\n", "configs"),
    "secret is a text": ("services: {web: {image: x}}\nsecrets: {a: b}\n", "secrets.a"),
    "networks is a text": ("services: {web: {image: x}}\nnetworks: a\n", "networks"),
    "ipam is a list": ("services: {web: {image: x}}\nnetworks: {a: {ipam: [b]}}\n", "networks.a.ipam"),
}


@pytest.mark.parametrize(("text", "where"), SHAPES.values(), ids=SHAPES)
def test_a_value_of_another_shape_is_refused_with_its_place(project: Path, text: str, where: str) -> None:
    (project / "compose.yaml").write_text(text)
    refuse(project, rf"^compose\.yaml:[12]: {re.escape(where)}: must be|^compose\.yaml: no `services:`")


@pytest.mark.parametrize(
    "ports", ["1-99999999999:80", "70000-70001:80", "9-8:80", "0-99999999999999999999:80"]
)
def test_an_invalid_range_of_ports(project: Path, ports: str) -> None:
    (project / "compose.yaml").write_text(COMPOSE.replace("image:", f"ports: ['{ports}'], image:"))
    refuse(project, "is not a port range")


@pytest.mark.parametrize("key", ["env_file: conf", "env_file: [{path: ., required: true}]"])
def test_a_folder_as_an_env_file(project: Path, key: str) -> None:
    (project / "compose.yaml").write_text(COMPOSE.replace("image:", f"{key}, image:"))
    refuse(project, "is a folder, not a file")


@pytest.mark.parametrize("name", ["A" * 300, "a\\0b"])
def test_a_path_that_no_file_system_takes(project: Path, name: str) -> None:
    for key in (f'env_file: "{name}"', f'env_file: [{{path: "./{name}"}}]'):
        (project / "compose.yaml").write_text(COMPOSE.replace("image:", f"{key}, image:"))
        refuse(project, "not a path|NUL")


def test_links_that_lead_to_each_other(project: Path) -> None:
    (project / "a").symlink_to("b")
    (project / "b").symlink_to("a")
    (project / "compose.yaml").write_text(COMPOSE.replace("./conf:", "./a:"))
    refuse(project, "outside the project|no such file")
