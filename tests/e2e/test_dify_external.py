"""Dify with the site's own PostgreSQL and Redis over TLS, and qdrant; installed interactively."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.bank import ACCEPT, SERVICES, Place, Workshop
from tests.support.certificates import Authority
from tests.support.own_servers import ADDRESS, OwnServers, make_authority, run_own_servers
from tests.support.programs import run
from tests.support.site_certificates import HOST
from tests.support.terminal import converse

pytestmark = pytest.mark.engine

WRONG = "not-the-password"
OWN = SERVICES - {"db_postgres", "redis", "weaviate"} | {"qdrant"}


@pytest.fixture(scope="module")
def authority(workshop: Workshop) -> Authority:
    """Return the authority that signs the certificates of the site's own servers."""
    return make_authority(workshop.folder / "authority")


@pytest.fixture(scope="module")
def branch(place: Place, workshop: Workshop, authority: Authority) -> Iterator[Place]:
    """Yield the site with the branch's bundle, after removing what other tests installed."""
    if (place.root / "difyctl").exists():
        place.remove()
        shutil.rmtree(place.root, ignore_errors=True)
    shutil.copy(authority.certificate, workshop.folder / "ca.crt")
    shutil.rmtree(place.unpacked)
    place.carry(workshop.build("branch.yaml"), workshop.key)
    yield place
    if (place.root / "difyctl").exists():
        place.control("uninstall", "--purge", "all", "--yes")


@pytest.fixture(scope="module")
def servers(branch: Place, authority: Authority) -> Iterator[OwnServers]:
    """Yield the servers that the site already has."""
    with run_own_servers(branch.site, authority) as found:
        yield found


def test_wrong_passwords_are_reported(branch: Place, servers: OwnServers) -> None:
    """On a terminal, in Chinese: the page asks for every value that the site must provide."""
    answers = [
        (". 浏览器访问 Dify 使用的主机名", HOST),
        (". 网关监听的本机地址", ""),
        (". HTTP 端口", "80800"),  # not a port: the prompt repeats
        (". HTTP 端口", "8080"),
        (". HTTPS 端口", "8443"),
        (". TLS 证书", "self-signed"),
        (". PostgreSQL 服务器", ADDRESS),
        (". PostgreSQL 端口", ""),
        (". PostgreSQL 用户", ""),
        (". Dify 数据库名", ""),
        (". Dify 插件数据库名", ""),
        (". PostgreSQL 密码", "p@ss"),  # not allowed in a URL: the prompt repeats
        (". PostgreSQL 密码", WRONG),
        (". Redis 服务器", ADDRESS),
        (". Redis 端口", ""),
        (". Redis 用户", "dify"),
        (". Redis 密码", WRONG),
        ("直接按回车查看摘要", ""),
        ("现在安装吗", "yes"),
    ]
    command = branch.site.inside(*branch.command(*ACCEPT, "--lang", "zh"))
    code, shown = converse(command, answers, cwd=branch.carried, environment=branch.site.environment)
    assert code == 1, shown
    assert "migrate" in shown
    assert "invalid username-password pair" in shown
    second = put_right(branch, "REDIS_PASSWORD", servers.cache_password)
    assert second.returncode == 1
    said = second.stdout + second.stderr
    assert 'password authentication failed for user "dify"' in said
    assert not [secret for secret in (WRONG, servers.cache_password) if secret in shown + said]


def put_right(place: Place, name: str, value: str) -> subprocess.CompletedProcess[str]:
    """Repeat the installation with another secret; the other answers are already stored."""
    file = place.site.folder / "secret.env"
    file.write_text(f"{name}={value}\n")
    command = place.command(*ACCEPT, "--answers", file, "--yes")
    return place.site.run(*command, cwd=place.carried, timeout=600)


@pytest.fixture(scope="module")
def corrected(branch: Place, servers: OwnServers) -> Place:
    """Return the site with the correct secrets for both servers."""
    done = put_right(branch, "DB_PASSWORD", servers.database_password)
    assert done.returncode == 0, done.stdout + done.stderr
    branch.ca = branch.root / "data/tls/tls.crt"
    return branch


def test_the_sites_own_servers_are_used_with_the_secrets_that_were_given(
    corrected: Place, servers: OwnServers
) -> None:
    states = corrected.status()
    assert states.keys() == OWN
    corrected.wait_until_well()
    # All connections over the network use TLS: the server accepts no others.
    assert servers.sql("dify", "SELECT count(*) FROM migrations") == "1"
    assert (
        servers.sql("dify", "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'") == "dify"
    )
    assert servers.sql("dify_plugin", "SELECT count(*) FROM plugins") == "0"
    task, worker = corrected.work()
    assert f"{task}|{worker}" in servers.sql("dify", "SELECT id, worker FROM work")
    assert "celery@" in servers.cache(1, "KEYS", "standin:worker:*")  # database 1 is the queue
    secrets = corrected.secrets()
    assert secrets["DB_PASSWORD"] == servers.database_password
    assert secrets["REDIS_PASSWORD"] == servers.cache_password


def test_a_server_by_another_authority_is_refused(corrected: Place) -> None:
    """Uses the same clients and variables, except for the authority."""
    container = corrected.containers("api")[0]
    other = corrected.site.folder / "other.pem"
    other.write_bytes(corrected.ca.read_bytes())
    other.chmod(0o644)
    corrected.site.docker("cp", other, f"{container}:/etc/dify/other.pem")
    names = ("PGSSLROOTCERT", "REDIS_SSL_CA_CERTS", "SSL_CERT_FILE")
    environment = [word for name in names for word in ("-e", f"{name}=/etc/dify/other.pem")]
    calls = (
        "query('dify', 'SELECT 1')", "cache().ping()", "by_url('CELERY_BROKER_URL').ping()",
    )  # fmt: skip
    for call in calls:
        command = ("docker", "exec", *environment, container, "python3", "-c")
        ran = corrected.site.run(*command, f"from standin.peers import *; {call}")
        assert ran.returncode == 1
        assert "certificate verify failed" in ran.stderr


def test_the_self_signed_certificate_is_accepted(branch: Place, corrected: Place) -> None:
    log = "".join(path.read_text() for path in (corrected.root / "log").iterdir())
    fingerprint = run("openssl", "x509", "-in", corrected.ca, "-noout", "-fingerprint", "-sha256")
    assert fingerprint.strip().partition("=")[2] in log
    assert json.loads(corrected.get("/console/api/setup")[0]["body"])["step"] == "not_started"


def test_nothing_is_left_of_it(corrected: Place) -> None:
    removed = corrected.control("uninstall", "--purge", "all", "--yes")
    assert removed.returncode == 0, removed.stdout + removed.stderr
    assert not corrected.root.exists()
    left = corrected.site.docker("ps", "-aq", "--filter", "label=com.docker.compose.project=dify")
    assert left == ""
