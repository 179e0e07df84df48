"""The application `compose`: what a bundle carries of a project, what the site sets, and what is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bundler.api.application import ApplicationContext, ApplicationModel
from bundler.api.output import PinnedService
from bundler.api.text import Text
from bundler.api.variable import SiteVariable
from bundler.errors import BundleError
from bundler.image.platform import Platform
from bundler_compose.application import ComposeApplication
from bundler_compose.renderer import ComposeRenderer
from bundler_compose.secrets.names import is_secret_name
from bundler_compose.settings import ComposeSettings
from tests.support.profiles import load_profile


class Project:
    """A Compose project in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def write(self, compose: str = "", **files: str) -> None:
        """Write the Compose file, and others (`conf__web` is `conf/web`)."""
        if compose:
            (self.folder / "compose.yaml").write_text(compose)
        for name, text in files.items():
            path = self.folder / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def model(self, **settings: Any) -> ApplicationModel:  # noqa: ANN401 whatever a profile says
        values = ComposeSettings.model_validate({"project": self.folder.name, **settings}, strict=False)
        context = ApplicationContext("prod", values, self.folder.parent, "2.1", Platform.parse("linux/amd64"))
        return ComposeApplication().model(context)

    def refused(self, **settings: Any) -> BundleError:  # noqa: ANN401 likewise
        with pytest.raises(BundleError) as caught:
            self.model(**settings)
        return caught.value


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "shop")


def files(model: ApplicationModel) -> dict[str, str]:
    return {file.path: file.read().decode() for file in model.files}


def variables(model: ApplicationModel) -> dict[str, SiteVariable]:
    return {variable.name: variable for variable in model.variables}


# ---------------------------------------------------------------- carried files


def test_env_files_configs_secrets_and_bind_mounts_travel(project: Project) -> None:
    project.write(
        """
services:
  web:
    image: web:1
    env_file: [./common.env, {path: web.env, required: true}, {path: absent.env, required: false}]
    configs: [site]
    secrets: [cert]
    volumes:
      - ./conf:/etc/web:ro,z
      - {type: bind, source: ./run.sh, target: /run.sh}
      - ./data:/data
      - named:/named
      - /anonymous
      - {type: tmpfs, target: /scratch}
configs: {site: {file: ./site.conf}}
secrets: {cert: {file: ./cert.pem}}
volumes: {named: {}}
""",
        common_dot_env="A=1\n",
        web_dot_env="B=2\n",
        conf__a="a",
        conf__deep__b="b",
        run_dot_sh="#!/bin/sh\n",
        site_dot_conf="site",
        cert_dot_pem="not secret",
    )
    (project.folder / "run.sh").chmod(0o755)
    model = project.model(literal_secrets="carry")
    assert files(model) == {
        "conf/a": "a", "conf/deep/b": "b",
        "run.sh": "#!/bin/sh\n", "site.conf": "site", "cert.pem": "not secret",
    }  # fmt: skip
    assert {file.path: file.mode for file in model.files}["run.sh"] == 0o755
    web = model.compose["services"]["web"]
    assert web["environment"] == {"A": "1", "B": "2"}
    assert web["volumes"][0] == {
        "type": "bind", "source": "./conf", "target": "/etc/web", "read_only": True, "bind": {"selinux": "z"},
    }  # fmt: skip
    assert web["volumes"][1]["source"] == "./run.sh"
    assert web["volumes"][1]["bind"] == {"create_host_path": False}, (
        "a missing file is an error, not a folder"
    )
    assert web["volumes"][2]["source"] == "${BUNDLE_DATA}/data"
    assert web["volumes"][3:] == [
        {"type": "volume", "source": "named", "target": "/named", "volume": {}},
        {"type": "volume", "target": "/anonymous", "volume": {}},
        {"type": "tmpfs", "target": "/scratch"},
    ]
    assert [folder.path for folder in model.data] == ["data"]
    assert model.compose["configs"]["site"]["file"] == "./site.conf"


@pytest.mark.parametrize(
    ("volume", "says"),
    [
        (
            "../outside:/x",
            "compose.yaml:5: services.web.volumes.0: ../outside is outside the project's folder",
        ),
        ("/etc/passwd:/x", "/etc/passwd is outside"),
        ("~/x:/x", "/x is outside"),
        ("./conf/../../x:/x", "is outside"),
        ("./link:/x", "is outside"),
    ],
)
def test_mounts_outside_the_project_are_refused(project: Project, volume: str, says: str) -> None:
    project.write(f"services:\n  web:\n    image: web:1\n    volumes:\n      - {volume}\n")
    (project.folder / "link").symlink_to("/etc")
    error = project.refused()
    assert says in error.message
    assert "host_paths" in (error.hint or "")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("env_file", "    env_file: ../x.env\n"),
        ("configs", "    configs: [a]\nconfigs: {a: {file: /etc/passwd}}\n"),
        ("secrets", "    secrets: [a]\nsecrets: {a: {file: ../x}}\n"),
    ],
)
def test_other_files_outside_the_project_are_refused_too(project: Project, key: str, text: str) -> None:
    project.write(f"services:\n  web:\n    image: web:1\n{text}")
    assert key in project.refused().message
    assert "outside the project's folder" in project.refused().message


def test_the_hosts_own_paths_may_be_named(project: Project) -> None:
    project.write("services: {web: {image: 'web:1', volumes: ['/etc/localtime:/etc/localtime:ro']}}")
    model = project.model(host_paths=["/etc/localtime"])
    [mount] = model.compose["services"]["web"]["volumes"]
    assert mount["source"] == "/etc/localtime"
    assert mount["bind"] == {"create_host_path": True}, (
        "as Compose has it: the preflight finds what is missing"
    )
    assert model.files == ()


def test_links_that_leave_a_carried_folder_are_refused(project: Project) -> None:
    project.write("services: {web: {image: 'web:1', volumes: ['./conf:/etc']}}", conf__a="a")
    (project.folder / "conf/passwd").symlink_to("/etc/passwd")
    assert "a link that leaves the project's folder" in project.refused().message


def test_unsupported_features_are_refused(project: Project) -> None:
    project.write("services: {web: {image: 'web:1', volumes: ['./conf:/etc']}}", conf__a="a")
    os.mkfifo(project.folder / "conf/pipe")
    error = project.refused()
    assert "sockets, devices and broken links cannot be bundled" in error.message
    assert "settings: data" in (error.hint or "")


def test_a_folder_of_data_is_made_empty_at_the_site(project: Project) -> None:
    project.write("services: {db: {image: 'db:1', volumes: ['./pg:/data']}}", pg__PG_VERSION="15")
    model = project.model(data=["pg"])
    assert files(model) == {}
    assert [folder.path for folder in model.data] == ["pg"]
    [mount] = model.compose["services"]["db"]["volumes"]
    assert (mount["source"], mount["target"]) == ("${BUNDLE_DATA}/pg", "/data")


def test_a_missing_file_is_reported_by_line(project: Project) -> None:
    project.write("services:\n  web:\n    image: web:1\n    env_file: no.env\n")
    error = project.refused()
    assert error.message.startswith("compose.yaml:4: services.web.env_file.0: no.env is not there")


# ---------------------------------------------------------------- services


def test_build_without_image_is_refused_with_a_hint(project: Project) -> None:
    project.write("services:\n  web:\n    build: .\n")
    error = project.refused()
    assert error.message == "compose.yaml:2: services.web: `build:` without `image:`"
    assert "docker compose build" in (error.hint or "")
    assert "sources:" in (error.hint or "")


def test_a_built_image_with_a_name_travels_without_its_build(project: Project) -> None:
    project.write("services: {web: {build: ., image: 'web:1', develop: {watch: []}}}")
    assert project.model().compose["services"]["web"] == {"image": "web:1"}


PROFILES = """
services:
  web: {image: 'web:1'}
  mail: {image: 'mail:1', profiles: [mail]}
  debug: {image: 'debug:1', profiles: [debug, dev], depends_on: [web]}
"""


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ([], {"web"}),
        (["mail"], {"web", "mail"}),
        (["dev"], {"web", "debug"}),
        (["*"], {"web", "mail", "debug"}),
    ],
)
def test_compose_profiles_choose_services(project: Project, chosen: list[str], expected: set[str]) -> None:
    project.write(PROFILES)
    services = project.model(profiles=chosen).compose["services"]
    assert set(services) == expected
    assert not any("profiles" in service for service in services.values()), "what is there runs"


def test_a_profile_that_no_service_has(project: Project) -> None:
    project.write(PROFILES)
    error = project.refused(profiles=["mial"])
    assert (error.message, error.hint) == (
        "compose.yaml: no service has the Compose profile 'mial'", "available: debug, dev, mail",
    )  # fmt: skip


def test_a_dependency_that_is_not_switched_on(project: Project) -> None:
    project.write("services: {a: {image: a, depends_on: [b]}, b: {image: b, profiles: [x]}}")
    assert "'b' is not in the bundle" in project.refused().message
    project.write(
        "services: {a: {image: a, depends_on: {b: {condition: service_started, required: false}}},"
        " b: {image: b, profiles: [x]}}"
    )
    assert "depends_on" not in project.model().compose["services"]["a"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: b\n", "compose.yaml:1: a: the Compose specification has no such key"),
        ("name: x\n", "no `services:`"),
        ("services: []\n", "services: must be a mapping"),
        ("services: {web: 3}\n", "services.web: must be a mapping"),
        ("services:\n  web: {}\n", "compose.yaml:2: services.web: no `image:`"),
        ("services:\n  web: {image: a, extends: b}\n", "compose.yaml:2: services.web.extends"),
        ("include: [x.yaml]\nservices: {}\n", "compose.yaml:1: include"),
        ("services:\n  web: {image: [a}\n", "compose.yaml:2: "),
        ("services: {web: {image: 'A B'}}\n", "image reference"),
        ("services: {web: {image: a, environment: 3}}\n", "services.web.environment: must be"),
        ("services: {web: {image: a, command: '$x ${'}}\n", "services.web.command"),
    ],
)
def test_errors_in_a_compose_file(project: Project, text: str, says: str) -> None:
    from bundler.build.pipeline import references  # noqa: PLC0415 image names are read there

    project.write(text)
    with pytest.raises(BundleError) as caught:
        references(project.model())
    assert says in caught.value.message


# ---------------------------------------------------------------- the site's values


def test_variables_become_site_variables(project: Project) -> None:
    project.write(
        """
services:
  web:
    image: web:1
    ports: ["${WEB_PORT:-8080}:80"]
    environment:
      GREETING: ${GREETING:?say it}
      COLOUR: ${COLOUR-red}
      DB_PASSWORD: ${DB_PASSWORD}
      FROM_HOST:
      DATA: ${BUNDLE_DATA}/x
      OPTIONAL: ${OPTIONAL:+x}
      DOLLAR: $$5
""",
        _dot_env="GREETING=hello # comment\nUNUSED=1\nDB_PASSWORD=not taken\n",
    )
    model = project.model()
    found = variables(model)
    assert set(found) == {"WEB_PORT", "GREETING", "COLOUR", "DB_PASSWORD", "FROM_HOST", "OPTIONAL"}
    assert (found["WEB_PORT"].kind, found["WEB_PORT"].default) == ("port", None)
    assert found["WEB_PORT"].default_is == "8080"
    assert (found["GREETING"].default, found["GREETING"].required) == ("hello", False)
    assert (found["COLOUR"].default, found["COLOUR"].default_is) == (None, "red")
    assert (found["DB_PASSWORD"].kind, found["DB_PASSWORD"].generator) == ("secret", "random:32")
    assert found["DB_PASSWORD"].default is None
    assert (found["FROM_HOST"].required, found["FROM_HOST"].unset) == (False, True)
    assert not found["OPTIONAL"].required
    environment = model.compose["services"]["web"]["environment"]
    assert environment["GREETING"] == "${GREETING:?say it}"
    assert environment["FROM_HOST"] is None
    assert environment["DOLLAR"] == "$$5"
    assert model.compose["services"]["web"]["ports"][0]["published"] == "${WEB_PORT:-8080}"


def test_a_declared_variable_overrides_a_found_one(project: Project) -> None:
    project.write("services: {web: {image: 'web:1', environment: ['MODE=${MODE:-a}']}}")
    declared = {
        "name": "MODE",
        "kind": "choice",
        "choices": ("a", "b"),
        "default": "b",
        "prompt": {"en": "Mode"},
    }
    found = variables(project.model(variables=(declared | {"prompt": {"en": "Mode"}},)))["MODE"]
    assert (found.kind, found.default, found.prompt) == ("choice", "b", Text(en="Mode"))


def test_images_are_bound_at_build_time(project: Project) -> None:
    project.write(
        "services: {web: {image: 'web:${TAG:-1}'}, db: {image: '${REGISTRY}/db'}}", _dot_env="TAG=2\n"
    )
    error = project.refused()
    assert "services.db.image: ${REGISTRY} has no value" in error.message
    assert "settings: values: {REGISTRY: VALUE}" in (error.hint or "")
    services = project.model(values={"REGISTRY": "registry.example"}).compose["services"]
    assert (services["web"]["image"], services["db"]["image"]) == ("web:2", "registry.example/db")


# ---------------------------------------------------------------- literal secrets

LITERAL = """
services:
  web:
    image: web:1
    environment:
      DB_PASSWORD: hunter22
      DB_URL: postgres://app:hunter22@db/app
      PUBLIC_KEY: abc
      TOKEN_TTL: 300
    env_file: secret.env
    command: [run, --password=hunter22]
  db:
    image: db:1
    environment: [DB_PASSWORD=hunter22]
    secrets: [admin]
secrets: {admin: {file: ./admin.txt}}
"""


def literal(project: Project) -> None:
    project.write(
        LITERAL, secret_dot_env="API_TOKEN=s3cr3t-token\nNAME=x\n", admin_dot_txt="admin-password\n"
    )


def test_passwords_in_plain_text_are_refused_with_their_place(project: Project) -> None:
    literal(project)
    error = project.refused()
    for place in (
        "compose.yaml:6: services.web.environment.DB_PASSWORD",
        "services.web.environment.API_TOKEN",
        "secrets.admin.file",
    ):
        assert place in error.message
    assert "PUBLIC_KEY" not in error.message
    assert "hunter22" not in error.message
    assert "literal_secrets: generate" in (error.hint or "")


def test_passwords_become_site_secrets_wherever_they_stand(project: Project) -> None:
    literal(project)
    model = project.model(literal_secrets="generate")
    whole = yaml.safe_dump(dict(model.compose)) + "".join(files(model).values())
    for secret in ("hunter22", "s3cr3t-token", "admin-password"):
        assert secret not in whole
    web = model.compose["services"]["web"]
    assert web["environment"]["DB_URL"] == "postgres://app:${DB_PASSWORD}@db/app"
    assert web["command"] == ["run", "--password=${DB_PASSWORD}"]
    assert model.compose["services"]["db"]["environment"] == {"DB_PASSWORD": "${DB_PASSWORD}"}
    assert (web["environment"]["API_TOKEN"], web["environment"]["NAME"]) == ("${API_TOKEN}", "x")
    assert files(model) == {"admin.txt": "@@ADMIN@@\n"}
    assert {v.name for v in model.variables if v.kind == "secret"} == {"DB_PASSWORD", "API_TOKEN", "ADMIN"}
    assert next(file for file in model.files if file.path == "admin.txt").template


def test_a_private_key_is_not_replaced_by_a_random_word(project: Project) -> None:
    project.write(
        "services: {web: {image: 'web:1', secrets: [key]}}\nsecrets: {key: {file: ./key.pem}}\n",
        key_dot_pem="-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n",
    )
    error = project.refused(literal_secrets="generate")
    assert "secrets.key.file: KEY is a private key, which cannot be generated" in error.message
    assert "settings: secrets: {KEY: carry}" in (error.hint or "")


def test_passwords_are_kept_on_request(project: Project) -> None:
    literal(project)
    assert project.model(literal_secrets="carry").compose["services"]["web"]["environment"][
        "DB_PASSWORD"
    ] == ("hunter22")


def test_one_name_with_two_passwords_becomes_two_secrets(project: Project) -> None:
    project.write(
        "services:\n  a: {image: a, environment: {PASSWORD: one-one}}\n"
        "  b: {image: b, environment: {PASSWORD: two-two}}\n"
    )
    model = project.model(literal_secrets="generate")
    texts = [service["environment"]["PASSWORD"] for service in model.compose["services"].values()]
    assert len(set(texts)) == 2
    assert {text.strip("${}") for text in texts} == {
        variable.name for variable in model.variables if variable.kind == "secret"
    }


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("POSTGRES_PASSWORD", True), ("SECRET_KEY", True), ("API_TOKEN", True), ("REDIS_PASS", True),
        ("APIKEY", True), ("db_password", True), ("PASSWORD_FILE", False), ("PUBLIC_KEY", False),
        ("TOKEN_TTL", False), ("KEYBOARD", False), ("COMPASS", False), ("SECRET_NAME", False),
    ],
)  # fmt: skip
def test_secret_names(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


# ---------------------------------------------------------------- templates


def test_a_folder_with_templates(project: Project) -> None:
    project.write(
        web_dot_conf_dot_j2="workers {{ workers }};\n",
        site_dot_conf="host @@HOST@@;\n",
    )
    (project.folder / "compose.yaml.j2").write_text(
        "services:\n  web:\n    image: web:{{ version }}\n"
        "    volumes: ['./web.conf:/etc/web.conf', './site.conf:/etc/site.conf']\n"
        "{% if mail %}  mail: {image: 'mail:1'}\n{% endif %}"
    )
    settings: dict[str, Any] = {
        "values": {"workers": 4, "mail": False},
        "site_templates": ("site.conf",),
        "templates": ("./web.conf.j2",),
        "variables": ({"name": "HOST", "kind": "host", "required": True},),
    }
    model = project.model(**settings)
    assert set(model.compose["services"]) == {"web"}
    assert model.compose["services"]["web"]["image"] == "web:2.1"
    assert files(model) == {"web.conf": "workers 4;\n", "site.conf": "host @@HOST@@;\n"}
    assert {file.path: file.template for file in model.files} == {"web.conf": None, "site.conf": "text"}
    settings["values"] = {"workers": 4}
    error = project.refused(**settings)
    assert "compose.yaml.j2" in error.message
    assert "mail" in error.message, "an undefined name is an error"


@pytest.mark.parametrize("text", ["{{ ''.__class__.__mro__ }}", "{% include '/etc/passwd' %}", "{{ x"])
def test_templates_are_sandboxed(project: Project, text: str) -> None:
    (project.folder / "compose.yaml.j2").write_text(text)
    assert "compose.yaml.j2" in project.refused().message


def test_a_site_template_that_no_service_mounts(project: Project) -> None:
    project.write("services: {web: {image: 'web:1'}}")
    assert "no service mounts it" in project.refused(site_templates=("web.conf",)).message


@pytest.mark.parametrize("name", ["compose.yml", "docker-compose.yaml", "docker-compose.yml"])
def test_every_name_of_a_compose_file(project: Project, name: str) -> None:
    (project.folder / name).write_text("services: {web: {image: 'web:1'}}")
    assert project.model().name == "shop"


# ---------------------------------------------------------------- output


def test_the_site_never_pulls(project: Project) -> None:
    project.write("version: '3'\nservices: {web: {image: 'web:1', pull_policy: always, ports: ['22:22']}}")
    members = ComposeRenderer().render(project.model(), [PinnedService("web", "docker.io/library/web:1")])
    document = yaml.safe_load(members[0].read())
    assert "version" not in document
    assert document["services"]["web"]["pull_policy"] == "never"
    assert document["services"]["web"]["image"] == "docker.io/library/web:1"
    assert document["services"]["web"]["ports"][0]["published"] == "22", "a text"


# ---------------------------------------------------------------- init


@pytest.fixture
def init(project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    monkeypatch.chdir(project.folder.parent)

    def run() -> Path:
        return ComposeApplication().init(Path("shop"), Path("profiles")).path

    return run


def test_init_writes_a_profile_that_models_the_project(project: Project, init: Callable[[], Path]) -> None:

    literal(project)
    assert init() == Path("profiles/shop.yaml")
    loaded = load_profile("shop")
    settings = loaded.settings(ComposeSettings)
    assert (loaded.profile.application, loaded.profile.version) == ("compose", "1.0")
    context = ApplicationContext("shop", settings, loaded.base, "1.0", Platform.parse("linux/amd64"))
    assert set(ComposeApplication().model(context).compose["services"]) == {"web", "db"}
    with pytest.raises(BundleError, match="already exists"):
        init()


def test_init_mentions_profiles_and_overrides(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder.parent)
    project.write(PROFILES)
    (project.folder / "compose.override.yaml").write_text("services: {web: {labels: {a: b}}}")
    result = ComposeApplication().init(Path("shop/compose.yaml"), Path("profiles"))
    notes = "\n".join(result.notes)
    assert "debug, dev, mail are not enabled" in notes
    assert "compose.override.yaml is not read" in notes
    assert result.images == ("web:1",)
