"""Dify's profile `finance`: built, transferred, installed and used without internet access."""

from __future__ import annotations

import io
import ipaddress
import json
import stat
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from bundler_dify.releases import DEFAULT, RELEASES
from bundler_dify.services.core import ALIVE
from tests.support import dify
from tests.support.bank import ACCEPT, REAL, SERVICES, STANDINS, Place, Workshop
from tests.support.site_certificates import HOST, write_pair

pytestmark = pytest.mark.engine

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


# ---------------------------------------------------------------- build


def test_building_without_a_lock_or_a_signature_is_refused(workshop: Workshop) -> None:
    """Runs before the bundle of the other tests is locked and built."""
    (workshop.folder / "hasty.yaml").write_text((Path(__file__).parent / "bank.yaml").read_text())
    build = ("build", "--profile", "hasty.yaml", *workshop.mirrors)
    unlocked = workshop.builder.bundle(*build, "--key", "bundle.key")
    assert unlocked.returncode != 0
    assert "bundle lock" in unlocked.stderr
    workshop.builder.check("lock", "--profile", "hasty.yaml", *workshop.mirrors)
    unsigned = workshop.builder.bundle(*build, "--unsigned")
    assert unsigned.returncode != 0
    assert "sign" in unsigned.stderr


def test_a_bundle_holds_no_published_secret_and_pins_every_image(workshop: Workshop, bank: Path) -> None:
    content = bank.read_bytes()
    assert [secret for secret in dify.PUBLISHED if secret.encode() in content] == []
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        texts = {m.name: m for m in archive.getmembers() if "/images/" not in m.name}
        compose = archive.extractfile(texts[f"{bank.stem}/config/compose.yaml"])
        assert compose
        assert dify.SANDBOX_DEFAULT.findall(compose.read().decode()) == []
    locked = json.loads((workshop.folder / "bank.lock.json").read_text())
    assert len(json.dumps(locked).split("sha256:")) > len(STANDINS) - 1 + len(REAL)


# ---------------------------------------------------------------- installation


def test_a_machine_that_is_too_small_is_refused_unless_accepted(place: Place) -> None:
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
    cases: list[tuple[str, dict[str, object], str]] = [
        ("en", {"TLS_KEY": foreign_key}, "does not match the private key"),
        ("zh", {"TLS_CERTIFICATE": expired, "TLS_KEY": expired_key}, "过期"),
        ("zh", {"TLS_CERTIFICATE": foreign, "TLS_KEY": foreign_key}, f"不包含主机名 {HOST}"),
    ]
    for language, answers, message in cases:
        result = place.install("preflight", "--lang", language, *ACCEPT, **answers)
        assert result.returncode == 3, result.stdout + result.stderr
        assert message in result.stdout
    assert place.install(*ACCEPT, **cases[0][1]).returncode == 3
    assert place.site.docker("ps", "-aq") == ""


def test_every_service_is_healthy(running: Place) -> None:
    running.wait_until_well()
    states = running.status()
    assert states.keys() == SERVICES
    assert states["api"] == states["worker"] == "running/healthy,running/healthy"
    for name in ("site.env", "secrets.env", "data/tls/tls.key"):
        assert stat.S_IMODE((running.root / name).stat().st_mode) == 0o600


def test_the_probes_pass(running: Place) -> None:
    """A probe also fails when its service is healthy but does not work."""
    work = ("sandbox", "queues", "beat", "plugins", "storage", "vectors")
    running.wait_until_well()
    assert running.probed().keys() == set(work)
    (sandbox,) = running.containers("sandbox")
    running.site.docker("exec", sandbox, "mv", "/opt/python/bin/python3", "/opt/python/bin/gone")
    said = "✗ 沙箱可执行代码片段: 失败\uff1athe sandbox says"
    status = running.wait_for_status(lambda status: said in status.stdout, "--lang", "zh")
    running.site.docker("exec", sandbox, "mv", "/opt/python/bin/gone", "/opt/python/bin/python3")
    assert status.returncode == 1
    assert "difyctl logs sandbox" in status.stdout
    assert "以下探针失败\uff1asandbox" in status.stderr
    assert running.status()["sandbox"] == "running/healthy"
    secrets = running.secrets().values()
    assert not [secret for secret in secrets if secret in status.stdout + status.stderr]
    # The probes leave no files behind.
    assert not list((running.root / "data/app/storage").glob("bundle-probe-*"))


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
    # Requests are spread over the API's containers.
    hosts = {json.loads(answer["body"])["host"] for answer in running.get(*["/api/site"] * 30)}
    assert hosts == {one[:12] for one in running.containers("api")}
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
    task, worker = running.work()
    assert f"{task}|{worker}" in running.sql("dify", "SELECT id, worker FROM work")
    written = running.root / "data/app/storage" / task
    assert (written.read_text(), written.stat().st_uid) == (worker, 1001)


def run_code(place: Place, code: str) -> dict[str, Any]:
    """Run a snippet as the API's Code node does, and return the sandbox's answer."""
    answer: dict[str, Any] = json.loads(place.post("/v1/code", {"code": code})["body"])
    return answer


THROUGH_PROXY = """
try:
    print(urllib.request.urlopen("http://{}/", timeout=20).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


def test_a_code_node_runs_in_the_sandbox_and_reaches_nothing(running: Place) -> None:
    answer = run_code(running, "print(sum(range(5)), os.getuid() == 0)")
    assert answer == {"code": 0, "message": "success", "data": {"error": "", "stdout": "10 False\n"}}
    for target in ("db_postgres:5432", "updates.dify.ai"):
        started = time.monotonic()
        answer = run_code(running, THROUGH_PROXY.format(target))
        assert answer["data"]["stdout"] == "403\n", answer
        # The proxy refuses before it resolves the name, which would time out here.
        assert time.monotonic() - started < 4
    (container,) = running.containers("sandbox")
    # Checks what /health does not report: key, folders and proxy.
    running.site.docker("exec", container, "curl", "-fsS", "http://localhost:8194/standin")


def test_the_api_description_is_not_public(running: Place) -> None:
    paths = ("/v1/swagger-ui.html", "/v1/swagger.json", "/console/api/swagger.json", "/api/swagger.json")
    assert {answer["status"] for answer in running.get(*paths)} == {404}


def test_a_client_cannot_choose_its_own_address(running: Place) -> None:
    forged = {"CF-Connecting-IP": "6.6.6.6", "X-Forwarded-For": "6.6.6.6", "X-Real-IP": "6.6.6.6"}
    plain, lied = running.ask(*(("GET", "/console/api/apps", headers, None) for headers in ({}, forged)))
    client = json.loads(plain["body"])["client"]
    assert ipaddress.ip_address(client).is_private
    assert json.loads(lied["body"])["client"] == client
    assert "6.6.6.6" not in lied["body"]


def test_unknown_host_names_fail_at_once(running: Place) -> None:
    """In containers without a way out; the others query the site's name server."""
    services = yaml.safe_load((running.root / "current/config/compose.yaml").read_text())["services"]
    for name in running.status():
        if "egress" in services[name].get("networks", ["egress"]):
            continue
        for container in running.containers(name)[:1]:
            for host in ("updates.dify.ai", "offline.invalid", "gone"):
                started = time.monotonic()
                found = running.site.run("docker", "exec", container, "getent", "hosts", host)
                assert found.returncode == 2, (name, host, found.stdout + found.stderr)
                assert time.monotonic() - started < 3, (name, host)


def test_plugins_are_installed_from_their_folder(running: Place) -> None:
    command = running.root / "current/files/dify-plugins/install.sh"
    result = running.site.run("dash", command)
    assert result.returncode == 0, result.stdout + result.stderr
    assert running.sql("dify_plugin", "SELECT count(*) FROM plugins") == "1"


def test_a_damaged_dump_harms_nothing(running: Place) -> None:
    """Uses the same commands as a restore."""
    rows = (running.root / "current/dumps.tsv").read_text().splitlines()
    dumps = [row.split("\t") for row in rows if not row.startswith("#")]
    assert [(dump[0], dump[1]) for dump in dumps] == [("dify", "db_postgres"), ("dify_plugin", "db_postgres")]
    container = running.containers("db_postgres")[0]
    for identifier, _, backup, restore in dumps:
        file = running.site.folder / f"{identifier}.dump"
        save = f'docker exec {container} sh -c "$1" >"$2"'
        saved = running.site.run("sh", "-c", save, "sh", backup, file)
        assert saved.returncode == 0, saved.stderr
        file.write_bytes(file.read_bytes()[:-200])
        load = f'docker exec -i {container} sh -c "$1" <"$2"'
        assert running.site.run("sh", "-c", load, "sh", restore, file).returncode != 0
    assert running.sql("dify", "SELECT count(*) FROM tenants") == "1"
    assert running.sql("dify_plugin", "SELECT count(*) FROM plugins") == "1"


def test_nothing_tried_to_leave(running: Place) -> None:
    containers = running.site.docker("ps", "-aq").split()
    said = [running.site.run("docker", "logs", one) for one in containers]
    assert not [one.stdout for one in said if "CALLS OUT" in one.stdout + one.stderr]
    assert running.asked_outside() == set()
    # each DNS query is one packet; a query may be for another service that was not up yet
    assert running.site.leaked() <= len(running.left.read_text().splitlines())


# ---------------------------------------------------------------- operation


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
    running.answers |= {"TLS_CERTIFICATE": certificate, "TLS_KEY": key}
    assert running.get("/")[0]["status"] == 200


def test_a_service_at_another_address_is_found_without_a_reload(running: Place) -> None:
    (web,) = running.containers("web")
    address = ("inspect", "-f", '{{(index .NetworkSettings.Networks "dify_core").IPAddress}}', web)
    before = running.site.docker(*address)
    running.site.docker("stop", web)
    image = RELEASES[DEFAULT].images.web
    running.site.docker("run", "-d", "--name", "taker", "--network", "dify_core", image, "sleep", "600")
    running.site.docker("start", web)
    assert running.site.docker(*address) != before
    deadline = time.monotonic() + 120
    while running.get("/apps")[0]["status"] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    running.site.docker("rm", "--force", "--volumes", "taker")


def test_the_same_containers_are_healthy_after_a_restart_of_all(running: Place) -> None:
    """tmpfs folders are recreated; files written into the containers' own layers are kept."""
    before = set(running.site.docker("ps", "-q").split())
    for service in ("worker", "worker_beat"):
        for container in running.containers(service):
            running.site.docker("exec", container, "test", "-e", ALIVE)
    running.site.docker("restart", *before)
    deadline = time.monotonic() + 180
    while running.control("status").returncode:
        assert time.monotonic() < deadline, running.status()
        time.sleep(1)
    assert set(running.site.docker("ps", "-q").split()) == before
    assert run_code(running, "print(1)")["code"] == 0
    assert running.work()[1].startswith("celery@")


def test_all_services_are_healthy_after_a_restart_of_the_engine(running: Place) -> None:
    before = set(running.site.docker("ps", "-q").split())
    running.site.engine.stop()
    # Weaviate was stopped gracefully: it loses vectors when killed.
    assert (running.root / "data/weaviate/stopped").exists()
    running.site.engine.start()
    deadline = time.monotonic() + 180
    while running.control("status").returncode:
        assert time.monotonic() < deadline, running.status()
        time.sleep(1)
    assert set(running.site.docker("ps", "-q").split()) == before
    assert json.loads(running.get("/console/api/setup")[0]["body"])["step"] == "finished"
    assert running.work()[1].startswith("celery@")


def test_an_attempt_to_leave_the_site_is_detected(running: Place) -> None:
    """Confirms that outgoing packets are counted; otherwise the other tests would prove nothing."""
    assert running.asked_outside() == set()
    image = RELEASES[DEFAULT].images.weaviate
    running.site.docker("run", "-d", "--rm", "--name", "careless", "--network", "dify_egress", image)
    deadline = time.monotonic() + 120
    while "dns telemetry.weaviate.io" not in running.asked_outside():
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert running.site.leaked() > 0
    running.site.docker("rm", "--force", "--volumes", "careless")
