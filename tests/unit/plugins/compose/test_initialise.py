"""`bundle init`: every project gets a profile, with what must be decided as commented keys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bundler.api.application import ApplicationContext, InitResult
from bundler.errors import BundleError
from bundler.image.platform import Platform
from bundler_compose.application import ComposeApplication
from bundler_compose.settings import ComposeSettings


class Made:
    """A profile that was written for a project."""

    def __init__(self, folder: Path, compose: str, **files: str) -> None:
        folder.mkdir()
        (folder / "compose.yaml").write_text(compose)
        for name, text in files.items():
            (folder / name.replace("_dot_", ".")).write_text(text)
        self.folder = folder.parent / "profiles"
        self.result: InitResult = ComposeApplication().init(folder, self.folder)
        self.text = self.result.path.read_text()
        self.notes = "\n".join(self.result.notes)

    def build(self, *, uncommented: bool = False) -> ComposeSettings:
        text = self.text.replace("\n  # ", "\n  ") if uncommented else self.text
        if uncommented:
            text = text.replace("  To be decided", "  # To be decided")
        settings = yaml.safe_load(text)["settings"]
        loaded = ComposeSettings.model_validate(settings, strict=False)
        context = ApplicationContext("shop", loaded, self.folder, "1.0", Platform.parse("linux/amd64"))
        ComposeApplication().model(context)
        return loaded


def test_a_project_without_questions(tmp_path: Path) -> None:
    made = Made(
        tmp_path / "shop",
        """
services:
  db:
    image: postgres:15
    environment: {POSTGRES_PASSWORD: hunter22, LEVEL: "${LEVEL:-info}"}
    volumes: ["./data:/var/lib/postgresql/data"]
  web:
    image: nginx:1.22
    environment: {URL: "postgres://u:hunter22@db/x"}
  extra: {image: "busybox:1", profiles: [debug]}
""",
    )
    assert made.build().literal_secrets == "generate"
    assert "To be decided" not in made.text
    assert made.result.images == ("nginx:1.22", "postgres:15")
    for said in (
        "POSTGRES_PASSWORD: a secret, generated at each site",
        "compose.yaml:5: services.db.environment.POSTGRES_PASSWORD",
        "compose.yaml:9: services.web.environment.URL",
        "LEVEL: info",
        "data: data, below <root>/data",
        "the Compose profiles debug are not enabled",
    ):
        assert said in made.notes


def test_what_must_be_decided_stands_in_the_profile_and_stops_the_build(tmp_path: Path) -> None:
    made = Made(
        tmp_path / "shop",
        """
services:
  web:
    image: nginx:1.22
    environment:
      AUTH_KEY: "$$2y$$10$$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
    volumes: ["/etc/site:/etc/site:ro", "./tls.key:/tls.key:ro"]
  app: {build: .}
""",
        tls_dot_key="-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n",
    )
    for said in (
        "#   - /etc/site", "#   AUTH_KEY: ask", "#   tls.key: configuration", "#   app: shop-app",
        "has the hash of a password", "tls.key:1: has a private key",
    ):  # fmt: skip
        assert said in made.text
    assert made.notes.count("to be decided: ") == 4
    with pytest.raises(BundleError):
        made.build()
    decided = made.build(uncommented=True)
    assert decided.host_paths == ("/etc/site",)
    assert decided.secrets == {"AUTH_KEY": "ask"}


def test_a_project_that_compose_refuses_gets_a_profile_with_the_reason(tmp_path: Path) -> None:
    made = Made(tmp_path / "shop", "services: {web: {image: 'a:1', no_such_key: 1}}\n")
    assert "no_such_key" in made.text
    assert made.result.images == ()
    with pytest.raises(BundleError, match="no_such_key"):
        made.build()


def test_a_folder_without_a_compose_file_and_a_profile_that_exists_are_errors(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BundleError, match="no Compose file"):
        ComposeApplication().init(tmp_path / "empty", tmp_path / "profiles")
    made = Made(tmp_path / "shop", "services: {web: {image: 'a:1'}}\n")
    with pytest.raises(BundleError, match="already exists"):
        ComposeApplication().init(tmp_path / "shop", made.folder)


def test_images_that_services_mount_and_start_with_are_listed(tmp_path: Path) -> None:
    made = Made(
        tmp_path / "shop",
        """
services:
  web:
    image: nginx:1.22
    volumes: [{type: image, source: "redis:7", target: /assets}]
    pre_start: [{image: "busybox:1", command: ["true"]}]
""",
    )
    assert made.result.images == ("busybox:1", "nginx:1.22", "redis:7")


def test_a_secret_that_only_clients_have_stands_in_the_profile_with_its_choices(tmp_path: Path) -> None:
    made = Made(
        tmp_path / "shop",
        """
services:
  mq: {image: "rabbitmq:3"}
  w:
    image: busybox:1
    environment: {BROKER: "amqp://guest:guest@mq//"}
""",
    )
    assert "compose.yaml:6: services.w.environment.BROKER: BROKER_PASSWORD is for the service mq" in made.text
    assert "#   BROKER_PASSWORD: carry" in made.text
    with pytest.raises(BundleError, match=r"compose.yaml:6: .*BROKER_PASSWORD") as refused:
        made.build()
    assert "`settings: secrets: {BROKER_PASSWORD: carry | ask | generate" in (refused.value.hint or "")
    assert made.build(uncommented=True).secrets == {"BROKER_PASSWORD": "carry"}


@pytest.mark.parametrize(
    "name", ["SMTP_PASSWORD", "AWS_SECRET_ACCESS_KEY", "LICENSE_KEY", "TELEGRAM_BOT_TOKEN"]
)
def test_a_secret_of_a_service_outside_is_asked_for(name: str, tmp_path: Path) -> None:
    made = Made(
        tmp_path / "shop",
        f"services: {{w: {{image: 'busybox:1', environment: {{{name}: hunter22}}}}}}\n",
    )
    assert f"#   {name}: ask" in made.text
    assert made.build(uncommented=True).secrets == {name: "ask"}


def test_the_files_that_compose_file_names_are_found_without_a_compose_yaml(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    (folder / "prod").mkdir(parents=True)
    (folder / ".env").write_text("COMPOSE_FILE=base.yaml:prod/extra.yaml\n")
    (folder / "base.yaml").write_text("services: {web: {image: 'nginx:1.22'}}\n")
    (folder / "prod/extra.yaml").write_text("services: {db: {image: 'redis:7'}}\n")
    (folder / "compose.override.yaml").write_text("services: {no: {image: 'no:1'}}\n")
    result = ComposeApplication().init(folder, tmp_path / "profiles")
    assert result.images == ("nginx:1.22", "redis:7")
    assert not any("override" in note for note in result.notes)
    single = ComposeApplication().init(folder / "base.yaml", tmp_path / "single")
    assert any("compose.override.yaml is not read" in note for note in single.notes)


def test_a_compose_file_that_names_no_file_gets_a_profile_with_the_reason(tmp_path: Path) -> None:
    made = Made(tmp_path / "shop", "services: {web: {image: 'a:1'}}\n", _dot_env="COMPOSE_FILE=none.yaml\n")
    assert "none.yaml: no such file" in made.text


@pytest.mark.parametrize(
    ("service", "says"),
    [
        ("image: ghcr.io/A/b:1", "compose.yaml:4: services.web.image: image reference 'ghcr.io/A/b:1'"),
        ("image: nginx:1.22@sha256:abc", "compose.yaml:4: services.web.image: image reference"),
        (
            "image: a:1\n    pre_start: [{image: 'x:y:z', command: ['true']}]",
            "compose.yaml:5: services.web.pre_start.0.image: image reference",
        ),
        (
            "image: a:1\n    volumes: [{type: image, source: B, target: /b}]",
            "compose.yaml:5: services.web.volumes.0.source: image reference 'B'",
        ),
    ],
)
def test_an_image_that_is_none_is_named_with_its_line(service: str, says: str, tmp_path: Path) -> None:
    made = Made(tmp_path / "shop", f"\nservices:\n  web:\n    {service}\n")
    assert f"# {says}" in made.text
    assert made.result.images == ()
    with pytest.raises(BundleError, match=re.escape(says)):
        made.build()


def test_a_file_of_a_secret_that_the_project_does_not_have_is_made_at_the_site(tmp_path: Path) -> None:
    made = Made(
        tmp_path / "shop",
        """
services:
  db: {image: "postgres:15", secrets: [db-password, token]}
secrets:
  db-password: {file: ./secrets/db.txt}
  token: {file: ../keys/token}
""",
    )
    assert "compose.yaml:5: secrets.db-password.file: ./secrets/db.txt: no such file" in made.text
    assert "#   DB_PASSWORD: ask" in made.text
    assert "#   TOKEN: ask" in made.text
    assert str(tmp_path) not in made.text
    with pytest.raises(BundleError, match="no such file"):
        made.build()
    settings = {"project": str(tmp_path / "shop"), "secrets": {"DB_PASSWORD": "generate", "TOKEN": "ask"}}
    loaded = ComposeSettings.model_validate(settings, strict=False)
    context = ApplicationContext("shop", loaded, made.folder, "1.0", Platform.parse("linux/amd64"))
    model = ComposeApplication().model(context)
    assert {file.path: (file.read(), file.template) for file in model.files} == {
        "secrets/db.txt": (b"@@DB_PASSWORD@@", "text"),
        "secrets/token": (b"@@TOKEN@@", "text"),
    }
    assert {(each.name, each.required, bool(each.generator)) for each in model.variables} == {
        ("DB_PASSWORD", False, True),
        ("TOKEN", True, False),
    }
    assert model.compose["secrets"]["token"] == {"file": "./secrets/token"}


def test_no_path_of_the_machine_of_the_build_is_suggested(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "link").symlink_to("/etc/hostname")
    (folder / "compose.yaml").write_text(
        "services: {w: {image: 'a:1', volumes: ['./link:/l', '/srv/media:/m']}}\n"
    )
    text = ComposeApplication().init(folder, tmp_path / "profiles").path.read_text()
    assert "#   - /srv/media" in text
    assert "replace the link ./link with the file itself" in text
    assert str(tmp_path) not in text


def test_what_has_no_value_is_listed_with_what_applies(tmp_path: Path) -> None:
    made = Made(
        tmp_path / "shop",
        """
services:
  web:
    image: nginx:1.22
    environment:
      REDIS_PASSWORD: ${REDIS_PASSWORD:-}
      CACHE_PASSWORD: ${CACHE_PASSWORD}
      EMPTY: ${EMPTY}
      PASSED:
""",
    )
    assert "REDIS_PASSWORD: a secret that is not required, empty unless" in made.notes
    assert "CACHE_PASSWORD: a secret, generated at each site" in made.notes
    assert "EMPTY: empty unless the operator sets another value" in made.notes
    assert "PASSED: not set unless the operator sets a value" in made.notes


def test_all_places_of_a_secret_are_listed(tmp_path: Path) -> None:
    made = Made(
        tmp_path / "shop",
        """
services:
  db: {image: "postgres:15", environment: {POSTGRES_PASSWORD: hunter22}}
  web:
    image: nginx:1.22
    environment: {LINE: "x hunter22"}
    volumes: ["./app_dot_conf:/a:ro"]
""".replace("_dot_", "."),
        app_dot_conf="# settings\nsay hunter22\n",
    )
    for place in (
        "compose.yaml:3: services.db.environment.POSTGRES_PASSWORD",
        "compose.yaml:6: services.web.environment.LINE",
        "app.conf:2",
    ):
        assert f"    {place}" in made.notes


def test_a_whole_project_that_is_mounted_is_refused_with_the_remedy(tmp_path: Path) -> None:
    made = Made(tmp_path / "shop", "services: {web: {image: 'nginx:1.22', volumes: ['.:/app']}}\n")
    assert "compose.yaml:1: services.web.volumes.0: the whole project is mounted" in made.text
    assert "`./html:/srv/html`" in made.text


def test_a_secret_that_would_travel_is_named_with_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "compose.yaml").write_text(
        "services:\n  web:\n    image: 'nginx:1.22'\n"
        "    environment: {A_PASSWORD: hunter22, B: aHVudGVyMjI=}\n"
    )
    settings = {"project": str(folder), "secrets": {"A_PASSWORD": "generate"}}
    loaded = ComposeSettings.model_validate(settings, strict=False)
    context = ApplicationContext("shop", loaded, tmp_path, "1.0", Platform.parse("linux/amd64"))
    with pytest.raises(
        BundleError, match=r"compose.yaml:4: services.web.environment.B: the secret A_PASSWORD"
    ):
        ComposeApplication().model(context)
