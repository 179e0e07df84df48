from __future__ import annotations

import ipaddress
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bundler.api import compose
from bundler.api.plugins import Plugins
from bundler.errors import BundleError, ProfileError
from bundler.image.reference import Reference
from bundler_dify.parts import AUDITED
from bundler_dify.releases import RELEASES
from bundler_dify.services.core import ALIVE
from bundler_dify.settings.model import DifySettings
from tests.support import dify
from tests.support.profiles import installer_profile, load_profile
from tests.support.programs import run

JOBS = {"init_permissions", "migrate"}
FLOATING = {"latest", "stable", "edge", "main", "alpine"}


# ---------------------------------------------------------------- the whole application


def test_it_is_registered() -> None:
    infos = {info.name: info for info in Plugins.load().infos()}
    assert infos["dify"].provides == {"applications": ("dify",)}


@pytest.mark.parametrize("case", sorted(dify.MATRIX))
def test_every_service_has_all_it_needs(case: str) -> None:
    application = dify.model(dify.MATRIX[case])
    services = application.compose["services"]
    expected = {service.name: service.expect for service in compose.services(application.compose)}
    for name, service in services.items():
        assert expected[name] == ("completed" if name in JOBS else "healthy"), name
        assert service["restart"] == ("no" if name in JOBS else "unless-stopped")
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "NET_RAW" in service["cap_drop"] or service["cap_drop"] == ["ALL"], name
        assert "privileged" not in service
        assert service["logging"]["options"]
        assert set(service.get("depends_on", {})) <= set(services), name
        assert set(service.get("networks", [])) <= set(application.compose["networks"])


@pytest.mark.parametrize("case", sorted(dify.MATRIX))
def test_every_bind_mount_has_its_folder_or_file(case: str) -> None:
    application = dify.model(dify.MATRIX[case])
    folders = {f"${{BUNDLE_DATA}}/{folder.path}" for folder in application.data}
    files = {f"./{file.path}" for file in application.files}
    sources = {
        volume.rsplit(":", 2 if volume.endswith(":ro") else 1)[0]
        for service in application.compose["services"].values()
        for volume in service.get("volumes", [])
    }
    named = {source for source in sources if not source.startswith((".", "$"))}
    assert named <= set(application.compose["volumes"])
    devices = {v["driver_opts"]["device"] for v in application.compose["volumes"].values()}
    data = {source for source in sources if source.startswith("$")} | devices
    assert data == folders
    assert {source for source in sources if source.startswith(".")} <= files


@pytest.mark.parametrize("case", sorted(dify.MATRIX))
def test_only_the_gateway_publishes_ports(case: str) -> None:
    assert {port.service for port in compose.ports(dify.model(dify.MATRIX[case]).compose)} == {"nginx"}


def test_services_without_need_for_the_internet_have_no_way_out() -> None:
    document = dify.model({}).compose
    outward = {
        name
        for name, service in document["services"].items()
        if any(not document["networks"][network].get("internal") for network in service.get("networks", []))
    }
    assert outward == {"nginx", "plugin_daemon"}
    assert "egress" in dify.model(dify.MATRIX["hardened"]).compose["services"]["ssrf_proxy"]["networks"]
    external = dify.model(dify.MATRIX["external servers"]).compose["services"]
    for name, service in {**document["services"], **external}.items():
        # A service without a route to the outside must not query an outside name server either.
        if name != "init_permissions":
            assert ("dns" in service) == ("egress" not in service["networks"]), name
    assert "egress" in external["api"]["networks"]
    assert "db_postgres" not in external
    assert "redis" not in external


def test_sandboxes_reach_only_their_proxies() -> None:
    services = dify.model({}).compose["services"]
    assert services["sandbox"]["networks"] == ["ssrf_proxy_network"]
    assert services["local_sandbox"]["networks"] == ["agent_sandbox_network", "local_sandbox_proxy_network"]
    assert "core" not in services["ssrf_proxy"]["networks"]


def test_one_job_migrates_and_all_wait_for_it() -> None:
    services = dify.model({}).compose["services"]
    migrating = [
        name for name in services if dify.environment(dify.model({}), name).get("MIGRATION_ENABLED") == "true"
    ]
    assert migrating == ["migrate"]
    for name in ("api", "api_websocket", "worker", "worker_beat"):
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("service", ["worker", "worker_beat"])
def test_a_worker_that_answered_is_left_alone_for_a_minute(service: str, tmp_path: Path) -> None:
    whole = dify.model({}).compose["services"][service]
    kind, command = whole["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    program, note = tmp_path / "celery", tmp_path / "alive"
    program.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\nexit "$(cat {tmp_path}/code)"\n')
    program.chmod(0o755)
    text = command.replace(ALIVE, str(note)).replace("$$", "$")

    def check(code: int) -> tuple[int, int]:
        (tmp_path / "code").write_text(str(code))
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
        found = subprocess.run(["sh", "-c", text], env=environment, check=False)
        return found.returncode, len((tmp_path / "asked").read_text().splitlines())

    assert check(69) == (69, 1)
    assert not note.exists()
    assert check(0) == (0, 2)
    assert check(69) == (0, 2)
    os.utime(note, (0, 0))
    assert check(69) == (69, 3)
    assert ("celery@" in (tmp_path / "asked").read_text()) == (service == "worker")


# ---------------------------------------------------------------- releases


def test_no_tag_floats() -> None:
    for release in RELEASES.values():
        for image in filter(None, vars(release.images).values()):
            tag = Reference.parse(image).tag
            assert tag, image
            assert tag not in FLOATING
            assert sum(character.isdigit() for character in tag) >= 3, image


# ---------------------------------------------------------------- profiles


@pytest.mark.parametrize("name", dify.NAMES)
def test_profiles_load(name: str) -> None:
    application = dify.profile_model(name)
    assert (application.name, application.version) == ("dify", "1.17.1")


def test_the_finance_profile_is_hardened() -> None:
    profile = installer_profile(load_profile("finance", search=[dify.PROFILES]))
    assert profile.signing.required
    assert profile.lock.required
    low = installer_profile(load_profile("standard", search=[dify.PROFILES])).requirements
    for name in ("cpu", "memory", "disk"):
        assert getattr(profile.requirements, name).minimum == getattr(low, name).recommended
    services = dify.profile_model("finance").compose["services"]
    for name, service in services.items():
        limits = service["deploy"]["resources"]["limits"]
        assert {"cpus", "memory"} <= limits.keys(), name
        assert service["logging"]["options"]["max-size"]
    assert services["api"]["deploy"]["replicas"] >= 2
    assert services["worker"]["deploy"]["replicas"] >= 2
    assert services["api"]["cap_drop"] == ["ALL"]
    assert services["api"]["user"] == "1001:1001"
    for name in ("nginx", "redis", "db_postgres", "weaviate", "ssrf_proxy", "agent_ssrf_proxy"):
        assert services[name]["read_only"], name
    audited = {services[name]["logging"]["options"]["max-file"] for name in AUDITED}
    assert audited == {"100"}


def test_the_dev_profile_is_small() -> None:
    services = dify.profile_model("dev").compose["services"]
    assert "weaviate" not in services
    assert len(services) < len(dify.profile_model("standard").compose["services"])


def test_ten_lines_make_a_custom_profile(tmp_path: Path) -> None:
    own = tmp_path / "bank.yaml"
    own.write_text(
        "extends: finance\n"
        "title: Dify of the bank\n"
        "settings:\n"
        "  vector_store: pgvector-shared\n"
        "  database: {mode: external, sslmode: require}\n"
        "  redis: {mode: external}\n"
        "  api_replicas: 4\n"
        "  ssrf:\n"
        "    domains: [llm.bank.example]\n"
        "    connect_ports: [8443]\n"
    )
    settings = load_profile(str(own), search=[dify.PROFILES]).settings(DifySettings)
    assert (settings.hardening, settings.api_replicas) == (True, 4)


# ---------------------------------------------------------------- incompatible settings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hardening": True, "tls": {"mode": "off"}}, "requires TLS"),
        ({"hardening": True, "limits": False}, "requires limits"),
        ({"hardening": True, "init_password": False}, "first administrator"),
        ({"hardening": True, "gateway": {"rate_limits": {"enabled": False}}}, "requires rate limits"),
        ({"hardening": True, "ssrf": {"allow_public": True}}, "all targets outside"),
        ({"redis": {"tls": True}}, "bundled Redis does not use TLS"),
        ({"database": {"sslmode": "require"}}, "bundled PostgreSQL does not use TLS"),
        ({"database": {"mode": "external", "sslmode": "prefer"}}, "sslmode"),
        (
            {"database": {"mode": "external", "sslmode": "verify-full"}},
            "no certificate authority is set for that server's certificate",
        ),
        (
            {"redis": {"mode": "external", "tls": True}},
            "no certificate authority is set for that server's certificate",
        ),
        ({"tls": {"mode": "upstream"}}, "appears to be the load balancer"),
        ({"network": {"pool": "172.30.0.0/24"}}, "2048 addresses"),
        ({"network": {"pool": "172.30.0.1/20"}}, "not an address range"),
        ({"ssrf": {"cidrs": ["0.0.0.0/0"]}}, "every address"),
        ({"ssrf": {"domains": ["http://llm"]}}, "not a domain name"),
        ({"ssrf": {"domains": ["redis"]}}, "not a domain name"),
        ({"resources": {"api": {"cpus": 1, "reserved_cpus": 2}}}, "above the limit"),
        ({"plugin_signatures": {"policy": "own-keys"}}, "is missing"),
        ({"plugin_signatures": {"public_keys": ["a.pem"]}}, "uses no keys"),
        ({"plugins": [{"path": "a.difypkg"}]}, "no valid signature"),
        ({"plugins": [{}]}, "exactly one of `path`, `url` and `marketplace` must be set"),
        ({"plugins": [{"url": "https://a.example/b.difypkg"}]}, "must have a checksum"),
        ({"plugins": [{"marketplace": "b", "sha256": "0" * 64}]}, "author/name:version"),
        ({"plugins": [{"path": "a.difypkg", "mode": "carry"}] * 2}, "is listed twice"),
    ],
)
def test_incompatible_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        dify.settings(values)


def test_the_error_names_line_and_hint(tmp_path: Path) -> None:
    own = tmp_path / "bank.yaml"
    own.write_text("extends: finance\nsettings:\n  tls:\n    mode: 'off'\n")
    with pytest.raises(
        ProfileError, match=r"bank\.yaml:4: settings\.tls\.mode: hardening requires TLS"
    ) as error:
        load_profile(str(own), search=[dify.PROFILES]).settings(DifySettings)
    assert error.value.hint == "write `mode: own`"


def test_resources_of_an_unknown_service_are_refused() -> None:
    with pytest.raises(BundleError, match="resources: apis: unknown service") as error:
        dify.model({"resources": {"apis": {"cpus": 1}}})
    assert "api_websocket" in str(error.value.hint)


def test_resources_of_a_server_that_became_external_are_left_alone() -> None:
    values = {"database": {"mode": "external"}, "resources": {"db_postgres": {"cpus": 1}}}
    assert "db_postgres" not in dify.model(values).compose["services"]


def test_more_reserved_than_the_built_in_limit_is_refused() -> None:
    with pytest.raises(BundleError, match="the reservation exceeds"):
        dify.model({"resources": {"redis": {"reserved_memory": "8GiB"}}})


def test_given_limits_override_the_built_in_ones() -> None:
    services = dify.model({"resources": {"api": {"cpus": 6}}}).compose["services"]
    assert services["api"]["deploy"]["resources"]["limits"] == {"cpus": "6", "memory": "2147483648b"}


def test_two_versions_are_refused() -> None:
    from bundler.api.application import ApplicationContext  # noqa: PLC0415 one test needs it
    from bundler_dify.application import DifyApplication  # noqa: PLC0415 likewise

    context = ApplicationContext("x", dify.settings({}), dify.PROFILES, "1.0", dify.AMD64)
    with pytest.raises(BundleError, match=r"version is 1\.0"):
        DifyApplication().model(context)


# ---------------------------------------------------------------- certificates and networks


def test_services_that_call_out_trust_the_sites_authorities(tmp_path: Path) -> None:
    run(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bank",
        "-keyout", tmp_path / "key.pem", "-out", tmp_path / "ca.pem",
    )  # fmt: skip
    application = dify.model({"ca_certificates": ["ca.pem", "ca.pem"]}, tmp_path)
    assert dify.content(application, "certificates/ca.pem").count("BEGIN CERTIFICATE") == 1
    for service in ("api", "api_websocket", "worker", "worker_beat", "plugin_daemon", "agent_backend"):
        assert dify.environment(application, service)["REQUESTS_CA_BUNDLE"] == "/etc/dify/ca.pem"
        assert (
            "./certificates/ca.pem:/etc/dify/ca.pem:ro" in application.compose["services"][service]["volumes"]
        )
    (tmp_path / "both.pem").write_bytes(
        (tmp_path / "ca.pem").read_bytes() + (tmp_path / "key.pem").read_bytes()
    )
    with pytest.raises(BundleError, match="private key"):
        dify.model({"ca_certificates": ["both.pem"]}, tmp_path)
    (tmp_path / "junk.pem").write_text("junk")
    with pytest.raises(BundleError, match="no certificate"):
        dify.model({"ca_certificates": ["junk.pem"]}, tmp_path)
    with pytest.raises(BundleError, match="cannot be read"):
        dify.model({"ca_certificates": ["none.pem"]}, tmp_path)


@pytest.mark.parametrize(
    ("sslmode", "daemon", "checked"),
    [("disable", "disable", False), ("require", "require", False), ("verify-full", "require", True)],
)
def test_an_external_databases_certificate_is_checked_by_all(
    sslmode: str, daemon: str, checked: bool
) -> None:
    """The plugin daemon accepts only `disable` and `require`, and otherwise does not start."""
    values = {"database": {"mode": "external", "sslmode": sslmode}, "ca_certificates": [dify.AUTHORITY]}
    application = dify.model(values | {"vector_store": "pgvector-shared"})
    for service in ("api", "worker", "migrate"):
        found = dify.environment(application, service)
        assert (found["DB_SSL_MODE"], found["DB_EXTRAS"]) == (sslmode, f"sslmode={sslmode}")
        assert found["PGSSLMODE"] == sslmode
        assert found.get("PGSSLROOTCERT") == ("/etc/dify/ca.pem" if checked else None)
    told = dify.environment(application, "plugin_daemon")
    assert told["DB_SSL_MODE"] == daemon
    assert told.get("PGSSLROOTCERT") == ("/etc/dify/ca.pem" if checked else None)


def test_an_external_caches_certificate_is_checked_by_all() -> None:
    application = dify.model(
        {"redis": {"mode": "external", "tls": True}, "ca_certificates": [dify.AUTHORITY]}
    )
    for service in ("api", "api_websocket", "worker", "worker_beat", "plugin_daemon"):
        found = dify.environment(application, service)
        assert found["REDIS_USE_SSL"] == "true"
        assert (found["REDIS_SSL_CERT_REQS"], found["REDIS_SSL_CA_CERTS"]) == (
            "CERT_REQUIRED",
            "/etc/dify/ca.pem",
        )
        assert found["REDIS_USERNAME"] == "${REDIS_USERNAME}"
    agents = dify.environment(application, "agent_backend")
    assert agents["DIFY_AGENT_REDIS_URL"].startswith("rediss://${REDIS_USERNAME}:${REDIS_PASSWORD}@")
    assert agents["SSL_CERT_FILE"] == "/etc/dify/ca.pem"
    bundled = dify.environment(dify.model({}), "api")
    assert not {"REDIS_SSL_CERT_REQS", "PGSSLROOTCERT", "PGSSLMODE"} & bundled.keys()


def test_networks_share_a_pool() -> None:
    networks = dify.model({"network": {"pool": "172.30.240.0/20"}}).compose["networks"]
    subnets = [ipaddress.IPv4Network(n["ipam"]["config"][0]["subnet"]) for n in networks.values()]
    assert len(set(subnets)) == 6
    pool = ipaddress.IPv4Network("172.30.240.0/20")
    assert all(pool.supernet_of(subnet) for subnet in subnets)


def test_own_keys_reach_the_plugin_daemon(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n\n\n")
    wanted = {"plugin_signatures": {"policy": "own-keys", "public_keys": ["key.pem"]}}
    application = dify.model(wanted, tmp_path)
    found = dify.environment(application, "plugin_daemon")
    assert found["THIRD_PARTY_SIGNATURE_VERIFICATION_ENABLED"] == "true"
    assert found["THIRD_PARTY_SIGNATURE_VERIFICATION_PUBLIC_KEYS"] == "/etc/dify/plugin-keys/0.pem"
    assert dify.content(application, "plugin-keys/0.pem").endswith("KEY-----\n")
    (tmp_path / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(BundleError, match="public key"):
        dify.model(wanted, tmp_path)
