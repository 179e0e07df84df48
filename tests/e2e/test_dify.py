"""Dify's profile `finance`, built, carried, installed and used without internet.

Real PostgreSQL, Redis, nginx and squid; **stand-ins** for Dify's own programs and for Weaviate
(tests/images/dify), which connect to what they are told to with the secrets that they are given.
"""

from __future__ import annotations

import io
import json
import shutil
import stat
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bundler_dify.releases import DEFAULT, RELEASES
from tests.e2e.conftest import BuiltBundle
from tests.support import dify, https, sniffer
from tests.support.builder import Builder
from tests.support.engines import DistributionRegistry, Site
from tests.support.images import build_images
from tests.support.programs import run
from tests.support.site_certificates import HOST, write_pair
from tests.support.terminal import converse

pytestmark = pytest.mark.engine

STANDINS = ("api", "web", "plugin_daemon", "agent_backend", "local_sandbox", "sandbox", "weaviate")
REAL = {"init": "busybox", "nginx": "nginx", "squid": "squid", "postgres": "postgres", "redis": "redis"}
ACCEPT = ("--accept", "cpu", "--accept", "memory", "--accept", "ssd")
SERVICES = {
    "init_permissions", "migrate", "api", "api_websocket", "worker", "worker_beat", "web", "db_postgres",
    "redis", "weaviate", "plugin_daemon", "agent_backend", "local_sandbox", "sandbox", "ssrf_proxy",
    "agent_ssrf_proxy", "nginx",
}  # fmt: skip
ROUTES = {
    "/console/api/apps": "api",
    "/api/site": "api",
    "/v1/chat-messages": "api",
    "/openapi/x": "api",
    "/files/1/preview?sign=x": "api",
    "/mcp/server": "api",
    "/triggers/plugin": "api",
    "/socket.io/?EIO=4": "api_websocket",
    "/e/hook/path?x=1": "plugin_daemon",
    "/": "web",
    "/explore/apps": "web",
    "/install": "web",
}


# ---------------------------------------------------------------- built


@pytest.fixture(scope="module")
def bank(registry: DistributionRegistry, tmp_path_factory: pytest.TempPathFactory) -> BuiltBundle:
    """The bundle, from a registry that has all images under their own names."""
    images = RELEASES[DEFAULT].images
    names = {getattr(images, part): recipe for part, recipe in REAL.items()}
    names |= {getattr(images, part): f"dify:{part}" for part in STANDINS}
    layouts = build_images(list(names.values()))
    for reference, recipe in names.items():
        name = reference.removeprefix("cr.weaviate.io/")
        registry.push(layouts[recipe], name if "/" in name else f"library/{name}")
    folder = tmp_path_factory.mktemp("bank")
    shutil.copy(Path(__file__).parent / "bank.yaml", folder)
    write_plugin(folder / "hello.difypkg")
    builder = Builder(folder, folder / "cache")
    builder.check("keygen")
    mirrors = [word for host in ("docker.io", "cr.weaviate.io") for word in mirror(host, registry)]
    unlocked = builder.bundle("build", "--profile", "bank.yaml", "--key", "bundle.key", *mirrors)
    assert unlocked.returncode != 0
    assert "bundle lock" in unlocked.stderr
    builder.check("lock", "--profile", "bank.yaml", *mirrors)
    unsigned = builder.bundle("build", "--profile", "bank.yaml", "--unsigned", *mirrors)
    assert unsigned.returncode != 0
    builder.check("build", "--profile", "bank.yaml", "--key", "bundle.key", *mirrors)
    path = next((folder / "dist").glob("*.tar"))
    return BuiltBundle(path, folder / "bundle.pub", builder)


def mirror(host: str, registry: DistributionRegistry) -> tuple[str, str]:
    return "--registry-mirror", f"{host}={registry.host}"


def write_plugin(path: Path) -> None:
    """A plugin package as it lies in a bundle: its wheels inside, and somebody's signature."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.yaml", "version: 0.0.1\nname: hello\nauthor: bank\n")
        archive.writestr("requirements.txt", "--no-index --find-links=./wheels/\n")
        archive.comment = b"signature"


def test_a_bundle_holds_no_published_secret_and_pins_every_image(bank: BuiltBundle) -> None:
    content = bank.path.read_bytes()
    assert [secret for secret in dify.PUBLISHED if secret.encode() in content] == []
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        texts = {m.name: m for m in archive.getmembers() if "/images/" not in m.name}
        compose = archive.extractfile(texts[f"{bank.path.stem}/config/compose.yaml"])
        assert compose
        assert dify.SANDBOX_DEFAULT.findall(compose.read().decode()) == []
    locked = json.loads((bank.builder.folder / "bank.lock.json").read_text())
    assert len(json.dumps(locked).split("sha256:")) > len(STANDINS) + len(REAL)


# ---------------------------------------------------------------- carried and installed


@dataclass
class Place:
    """The site, the unpacked bundle, and what is typed there."""

    site: Site
    unpacked: Path
    root: Path
    ca: Path
    left: Path
    answers: dict[str, object] = field(default_factory=dict)

    def install(self, *options: str | Path, **answers: object) -> subprocess.CompletedProcess[str]:
        """Unattended, with an answers file."""
        file = self.site.folder / "answers.env"
        file.write_text("".join(f"{name}={value}\n" for name, value in (self.answers | answers).items()))
        return self.site.run(
            "dash", self.unpacked / "install", *options, "--root", self.root, "--key", "bundle.pub",
            "--answers", file, "--yes", cwd=self.unpacked.parent, timeout=600,
        )  # fmt: skip

    def control(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.site.run("dash", self.root / "difyctl", *words, timeout=600)

    def ask(self, *requests: tuple[str, str, dict[str, str], str | None], tls: bool = True) -> list[Any]:
        """Through the gateway."""
        wish = {
            "host": HOST,
            "port": 8443 if tls else 8080,
            "ca": str(self.ca) if tls else None,
            "requests": requests,
        }
        result = self.site.run("python3", https.__file__, text=json.dumps(wish))
        assert result.returncode == 0, result.stderr
        return list(json.loads(result.stdout))

    def get(self, *paths: str, tls: bool = True) -> list[Any]:
        return self.ask(*(("GET", path, {}, None) for path in paths), tls=tls)

    def post(self, path: str, body: object) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        answer: dict[str, Any] = self.ask(("POST", path, headers, json.dumps(body)))[0]
        return answer

    def containers(self, service: str) -> list[str]:
        label = f"label=com.docker.compose.service={service}"
        return self.site.docker("ps", "-q", "--filter", label).split()

    def sql(self, database: str, statement: str) -> str:
        container = self.containers("db_postgres")[0]
        command = ("psql", "-U", "dify", "-d", database, "-Atc", statement)
        return self.site.docker("exec", container, *command).strip()

    def secrets(self) -> dict[str, str]:
        lines = (self.root / "secrets.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def status(self) -> dict[str, str]:
        result = self.control("status", "--json")
        return {entry["service"]: entry["state"] for entry in json.loads(result.stdout)["services"]}


@pytest.fixture(scope="module")
def place(bank: BuiltBundle, short_folder: Path) -> Iterator[Place]:
    """A site with the bundle and its key, carried there and unpacked; nothing else of this machine's."""
    site = Site(short_folder / "bank", newer=True)
    try:
        site.open()
        carried = site.folder / "carried"
        carried.mkdir()
        for path in (bank.path, bank.path.with_name(f"{bank.path.name}.sha256"), bank.key):
            shutil.copy(path, carried)
        for command in (("sha256sum", "-c", f"{bank.path.name}.sha256"), ("tar", "-xf", bank.path.name)):
            result = site.run(*command, cwd=carried)
            assert result.returncode == 0, result.stderr
        (site.folder / "pki").mkdir()
        certificate, key = write_pair(site.folder / "pki", hosts=(HOST,))
        answers = {
            "SERVER_NAME": HOST,
            "HTTP_PORT": 8080,
            "HTTPS_PORT": 8443,
            "TLS_CERTIFICATE": certificate,
            "TLS_KEY": key,
        }
        left = site.folder / "left"
        place = Place(site, carried / bank.path.stem, site.folder / "opt", certificate, left, answers)
        site.watch()
        with left.open("wb") as output:
            sniffing = subprocess.Popen(site.inside("python3", sniffer.__file__, "nowhere"), stdout=output)
        try:
            yield place
        finally:
            sniffing.kill()
            sniffing.wait()
    finally:
        site.close()


def test_too_small_a_machine_is_refused_unless_it_is_accepted_by_name(place: Place) -> None:
    refused = place.install("preflight")
    assert refused.returncode == 3, refused.stdout + refused.stderr
    assert "4096" in refused.stdout
    accepted = place.install("preflight", *ACCEPT)
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    assert not place.root.exists()


def test_a_certificate_that_browsers_would_refuse_is_refused(place: Place) -> None:
    pki = place.site.folder / "pki"
    expired, expired_key = write_pair(pki, "expired", start=-9, days=2)
    foreign, foreign_key = write_pair(pki, "foreign", hosts=("chat.bank.example",))
    cases = [
        ("en", {"TLS_KEY": foreign_key}, "does not belong to the private key"),
        ("zh", {"TLS_CERTIFICATE": expired, "TLS_KEY": expired_key}, "过期"),
        ("zh", {"TLS_CERTIFICATE": foreign, "TLS_KEY": foreign_key}, f"不包含主机名 {HOST}"),
    ]
    for language, answers, message in cases:
        result = place.install("--lang", language, *ACCEPT, **answers)
        assert result.returncode == 3, result.stdout + result.stderr
        assert message in result.stdout
    assert place.site.docker("ps", "-aq") == ""


@pytest.fixture(scope="module")
def running(place: Place) -> Place:
    """Installed unattended."""
    done = place.install(*ACCEPT)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    secrets = place.secrets().values()
    assert not [secret for secret in secrets if secret in done.stdout + done.stderr]
    return place


def test_every_service_is_healthy(running: Place) -> None:
    status = running.control("status")
    assert status.returncode == 0, status.stdout + status.stderr
    states = running.status()
    assert states.keys() == SERVICES
    assert states["api"] == states["worker"] == "running/healthy,running/healthy"
    for name in ("site.env", "secrets.env", "data/tls/tls.key"):
        assert stat.S_IMODE((running.root / name).stat().st_mode) == 0o600


def test_every_path_is_answered_by_the_right_service(running: Place) -> None:
    for path, answer in zip(ROUTES, running.get(*ROUTES), strict=True):
        body = json.loads(answer["body"])
        assert (answer["status"], body["service"], body["path"]) == (200, ROUTES[path], path)
        assert body["headers"]["X-Forwarded-Proto"] == "https"
        assert answer["headers"]["strict-transport-security"]
    hook = json.loads(running.get("/e/x")[0]["body"])["headers"]["Dify-Hook-Url"]
    assert hook == f"https://{HOST}:8443/e/x"
    answer = running.get("/apps?x=1", tls=False)[0]
    assert (answer["status"], answer["headers"]["location"]) == (301, f"https://{HOST}:8443/apps?x=1")
    audit = running.site.run("docker", "logs", running.containers("nginx")[0]).stdout
    entry = next(json.loads(line) for line in audit.splitlines() if "/files/1/preview" in line)
    assert (entry["status"], entry["host"], entry["tls"]) == (200, HOST, "TLSv1.3")
    assert "sign=x" not in audit


def test_the_first_administrator_needs_the_sites_own_password(running: Place) -> None:
    assert json.loads(running.get("/console/api/setup")[0]["body"])["step"] == "not_started"
    assert running.post("/console/api/init", {"password": "guessed"})["status"] == 401
    password = running.secrets()["INIT_PASSWORD"]
    assert running.post("/console/api/init", {"password": password})["status"] == 201
    made = running.post("/console/api/setup", {"name": "首位管理员", "email": "a@bank.example"})
    assert made["status"] == 201
    assert json.loads(running.get("/console/api/setup")[0]["body"])["step"] == "finished"


def test_one_job_migrated_and_workers_work(running: Place) -> None:
    assert running.sql("dify", "SELECT count(*) FROM migrations") == "1"
    assert running.sql("dify_plugin", "SELECT count(*) FROM plugins") == "0"
    done = json.loads(running.post("/v1/work", {})["body"])
    assert f"{done['task']}|{done['worker']}" in running.sql("dify", "SELECT id, worker FROM work")
    written = running.root / "data/app/storage" / done["task"]
    assert (written.read_text(), written.stat().st_uid) == (done["worker"], 1001)


def test_plugins_are_installed_from_their_folder(running: Place) -> None:
    command = running.root / "current/files/dify-plugins/install.sh"
    result = running.site.run("dash", command)
    assert result.returncode == 0, result.stdout + result.stderr
    assert running.sql("dify_plugin", "SELECT count(*) FROM plugins") == "1"


def test_dumps_of_the_databases_go_back(running: Place) -> None:
    """As backup and restore run them: what was added since is gone, what was there is there."""
    rows = (running.root / "current/dumps.tsv").read_text().splitlines()
    dumps = [row.split("\t") for row in rows if not row.startswith("#")]
    assert [dump[0] for dump in dumps] == ["dify", "dify_plugin"]
    container = running.containers("db_postgres")[0]
    for identifier, service, backup, restore in dumps:
        assert service == "db_postgres"
        file = running.site.folder / f"{identifier}.dump"
        save = f'docker exec {container} sh -c "$1" >"$2"'
        saved = running.site.run("sh", "-c", save, "sh", backup, file)
        assert saved.returncode == 0, saved.stderr
        running.sql(identifier, "CREATE TABLE later (id int)")
        load = f'docker exec -i {container} sh -c "$1" <"$2"'
        broken = running.site.folder / "broken.dump"
        broken.write_bytes(file.read_bytes()[:-200])
        assert running.site.run("sh", "-c", load, "sh", restore, broken).returncode != 0
        assert running.sql(identifier, "SELECT count(*) FROM later") == "0"
        loaded = running.site.run("sh", "-c", load, "sh", restore, file)
        assert loaded.returncode == 0, loaded.stderr
        assert running.sql(identifier, "SELECT to_regclass('later')") == ""
    assert running.sql("dify", "SELECT count(*) FROM tenants") == "1"
    assert running.sql("dify_plugin", "SELECT count(*) FROM plugins") == "1"


def test_nothing_tried_to_leave(running: Place) -> None:
    containers = running.site.docker("ps", "-aq").split()
    said = [running.site.run("docker", "logs", one) for one in containers]
    assert not [one.stdout for one in said if "CALLS OUT" in one.stdout + one.stderr]
    assert running.left.read_text() == ""
    assert running.site.leaked() == 0


def test_restarts_come_back_healthy(running: Place) -> None:
    before = set(running.site.docker("ps", "-q").split())
    assert running.control("restart").returncode == 0
    assert set(running.site.docker("ps", "-q").split()) == before
    # Weaviate was let end in order: a killed one loses vectors.
    assert (running.root / "data/weaviate/stopped").exists()
    running.site.engine.stop()
    running.site.engine.start()
    wait_until(lambda: running.control("status").returncode == 0)
    assert set(running.site.docker("ps", "-q").split()) == before
    assert json.loads(running.get("/console/api/setup")[0]["body"])["step"] == "finished"
    assert json.loads(running.post("/v1/work", {})["body"])["worker"].startswith("celery@")


def wait_until(good: Callable[[], bool], limit: float = 180) -> None:
    deadline = time.monotonic() + limit
    while not good():
        assert time.monotonic() < deadline
        time.sleep(2)


def test_a_renewed_certificate_is_served(running: Place) -> None:
    certificate, key = write_pair(running.site.folder / "pki", "renewed", hosts=(HOST,))
    refused = running.control("certificate", "--set", "HTTPS_PORT=443")
    assert refused.returncode == 2
    assert "HTTPS_PORT" in refused.stderr
    wrong = running.control("certificate", "--set", f"TLS_CERTIFICATE={certificate}")
    assert wrong.returncode == 2
    files = ("--set", f"TLS_CERTIFICATE={certificate}", "--set", f"TLS_KEY={key}")
    done = running.control("certificate", *files)
    assert done.returncode == 0, done.stdout + done.stderr
    running.ca = certificate
    assert running.get("/")[0]["status"] == 200


def test_nothing_left_but_questions_for_what_was_down(running: Place) -> None:
    """While a service is made anew its name is not known; who may ask the site's name server then does."""
    assert {line.partition(" ")[2] for line in running.left.read_text().splitlines()} <= SERVICES


def test_a_stand_in_that_is_not_told_to_stay_at_home_is_seen(running: Place) -> None:
    image = RELEASES[DEFAULT].images.weaviate
    running.site.docker("run", "-d", "--rm", "--name", "careless", "--network", "dify_egress", image)
    wait_until(lambda: "telemetry.weaviate.io" in running.left.read_text(), 30)
    assert running.site.leaked() > 0
    running.site.docker("rm", "--force", "--volumes", "careless")


def test_installed_by_prompts_with_a_certificate_made_there(running: Place) -> None:
    removed = running.control("uninstall", "--purge", "data,secrets,volumes", "--yes")
    assert removed.returncode == 0, removed.stdout + removed.stderr
    site = running.site
    command = site.inside(
        "dash", running.unpacked / "install", "--root", running.root, "--key", "bundle.pub", "--lang", "zh",
        *ACCEPT,
    )  # fmt: skip
    answers = [
        ("主机名", HOST),
        ("监听的本机地址", ""),
        ("HTTP 端口", "80800"),  # no port: asked again
        ("HTTP 端口", "8080"),
        ("HTTPS 端口", "8443"),
        ("服务器证书", ""),
        ("证书私钥", ""),
        ("自签名证书", "true"),
    ]
    code, shown = converse(command, answers, cwd=running.unpacked.parent, environment=site.environment)
    assert code == 0, shown
    running.ca = running.root / "data/tls/tls.crt"
    fingerprint = run("openssl", "x509", "-in", running.ca, "-noout", "-fingerprint", "-sha256")
    assert fingerprint.strip().partition("=")[2] in shown
    assert json.loads(running.get("/console/api/setup")[0]["body"])["step"] == "not_started"
    removed = running.control("uninstall", "--purge", "all", "--yes")
    assert removed.returncode == 0, removed.stdout + removed.stderr
    assert not running.root.exists()
    assert site.docker("ps", "-aq") == ""
