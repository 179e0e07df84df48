"""Databases, Redis and vector stores: the settings of each service, and the variables of the site."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bundler.api.application import ApplicationModel, Requirement
from bundler.errors import ProfileError
from bundler_dify.settings.model import DifySettings
from bundler_installer.requirements import merge_requirements
from tests.support import dify
from tests.support.profiles import load_profile

API = ("api", "api_websocket", "worker", "worker_beat", "migrate")
CA = "/etc/dify/ca.pem"
STORES = ("weaviate", "qdrant", "milvus", "pgvector", "elasticsearch", "opensearch")


def told(case: str, service: str = "api") -> dict[str, str]:
    return dify.environment(dify.model(dify.MATRIX[case]), service)


def asked(case: str) -> dict[str, Any]:
    return {one.name: one for one in dify.model(dify.MATRIX[case]).variables}


def outward(application: ApplicationModel) -> set[str]:
    services = application.compose["services"]
    return {name for name, service in services.items() if "egress" in service.get("networks", [])}


# ---------------------------------------------------------------- databases


def test_a_bundled_mysql_is_a_service_with_its_folder_and_its_clients() -> None:
    application = dify.model(dify.MATRIX["mysql"])
    services = application.compose["services"]
    assert "db_postgres" not in services
    for name in (*API, "plugin_daemon"):
        found = dify.environment(application, name)
        server = (found["DB_TYPE"], found["DB_HOST"], found["DB_PORT"], found["DB_USERNAME"])
        assert server == ("mysql", "db_mysql", "3306", "root")
        assert services[name]["depends_on"]["db_mysql"] == {"condition": "service_healthy"}
    mysql = services["db_mysql"]
    assert mysql["environment"]["MYSQL_ROOT_PASSWORD"] == "${DB_PASSWORD}"
    assert "--character-set-server=utf8mb4" in mysql["command"]
    # It is backed up by copying its folder while stopped, so there is no dump.
    assert application.lifecycle.dumps == ()
    assert "mysql/data" in {folder.path for folder in application.data}
    assert asked("mysql")["DB_PASSWORD"].generator == "random:32"


def test_an_external_mysqls_certificate_and_name_are_checked_by_all() -> None:
    for name in API:
        found = told("external mysql", name)
        assert (found["DB_TYPE"], found["DB_EXTRAS"]) == ("mysql", f"ssl_ca={CA}")
        assert "PGSSLROOTCERT" not in found
    daemon = told("external mysql", "plugin_daemon")
    # Go's driver gets `tls=true` from it, with the authorities of SSL_CERT_FILE.
    assert (daemon["DB_TYPE"], daemon["DB_SSL_MODE"], daemon["SSL_CERT_FILE"]) == ("mysql", "require", CA)
    assert asked("external mysql")["DB_PORT"].default == "3306"


def test_oceanbase_is_addressed_with_its_tenant() -> None:
    variables = asked("external oceanbase")
    assert (variables["DB_PORT"].default, variables["DB_USERNAME"].required) == ("2881", True)
    assert "@" in variables["DB_USERNAME"].pattern
    assert told("external oceanbase")["DB_TYPE"] == "oceanbase"
    assert told("external oceanbase")["DB_EXTRAS"] == ""


# ---------------------------------------------------------------- Redis


def test_services_that_support_sentinels_use_them() -> None:
    application = dify.model(dify.MATRIX["sentinel"])
    nodes = "${REDIS_SENTINEL_1},${REDIS_SENTINEL_2},${REDIS_SENTINEL_3}"
    for name in (*API, "plugin_daemon"):
        found = dify.environment(application, name)
        assert (found["REDIS_USE_SENTINEL"], found["REDIS_SENTINELS"]) == ("true", nodes)
        assert found["REDIS_SENTINEL_SERVICE_NAME"] == "${REDIS_SENTINEL_SERVICE_NAME}"
        assert found["REDIS_PASSWORD"] == "${REDIS_PASSWORD}"
        assert "REDIS_HOST" not in found
    queue = dify.environment(application, "worker")
    user = "${REDIS_USERNAME}:${REDIS_PASSWORD}"
    assert queue["CELERY_BROKER_URL"] == ";".join(
        f"sentinel://{user}@${{REDIS_SENTINEL_{index}}}/1" for index in (1, 2, 3)
    )
    assert (queue["CELERY_USE_SENTINEL"], queue["BROKER_USE_SSL"]) == ("true", "false")
    # The agent backend supports only one URL.
    agents = dify.environment(application, "agent_backend")["DIFY_AGENT_REDIS_URL"]
    assert agents == "redis://:${LOCAL_REDIS_PASSWORD}@redis:6379/2"
    assert "agent_backend" not in outward(application)
    assert outward(application) >= {*API, "plugin_daemon"}


def test_a_cluster_is_used_by_the_api_and_all_others_have_a_redis_of_their_own() -> None:
    application = dify.model(dify.MATRIX["cluster"])
    services = application.compose["services"]
    for name in API:
        found = dify.environment(application, name)
        assert (found["REDIS_USE_CLUSTERS"], found["REDIS_CLUSTERS"]) == ("true", "${REDIS_CLUSTERS}")
        assert found["REDIS_CLUSTERS_PASSWORD"] == "${REDIS_CLUSTERS_PASSWORD}"
        assert found["EVENT_BUS_REDIS_USE_CLUSTERS"] == "true"
        # Celery has no transport for a cluster.
        assert found["CELERY_BROKER_URL"] == "redis://:${LOCAL_REDIS_PASSWORD}@redis:6379/1"
    daemon = dify.environment(application, "plugin_daemon")
    assert (daemon["REDIS_HOST"], daemon["REDIS_PASSWORD"]) == ("redis", "${LOCAL_REDIS_PASSWORD}")
    command = services["redis"]["command"]
    assert command[command.index("--requirepass") + 1] == "${LOCAL_REDIS_PASSWORD}"
    assert services["redis"]["environment"] == {"REDISCLI_AUTH": "${LOCAL_REDIS_PASSWORD}"}
    assert asked("cluster")["LOCAL_REDIS_PASSWORD"].generator == "random:32"
    for name in (*API, "plugin_daemon", "agent_backend"):
        assert services[name]["depends_on"]["redis"] == {"condition": "service_healthy"}


def test_the_number_of_sentinels_is_the_profiles() -> None:
    application = dify.model({"redis": {"mode": "external", "topology": "sentinel", "sentinels": 5}})
    assert "REDIS_SENTINEL_5" in {one.name for one in application.variables}
    assert dify.environment(application, "api")["REDIS_SENTINELS"].endswith(",${REDIS_SENTINEL_5}")


# ---------------------------------------------------------------- vector stores


@pytest.mark.parametrize("store", STORES)
def test_an_external_store_is_not_bundled_and_can_be_reached(store: str) -> None:
    bundled = dify.model({"vector_store": store})
    external = dify.model(dify.MATRIX[f"external {store}"])
    assert store in bundled.compose["services"]
    missing = bundled.compose["services"].keys() - external.compose["services"].keys()
    assert missing == ({"milvus", "etcd", "minio"} if store == "milvus" else {store})
    assert outward(external) >= set(API)
    assert dify.environment(external, "worker")["VECTOR_STORE"] == store
    own = {one.name for one in external.variables} - {one.name for one in bundled.variables}
    assert own
    given = [one for one in external.variables if one.kind == "secret" and one.generator is None]
    assert given
    assert not [folder for folder in external.data if folder.path.startswith(store)]


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        ("elasticsearch", {"ELASTICSEARCH_HOST": "https://${ELASTICSEARCH_HOST}"}),
        ("elasticsearch", {"ELASTICSEARCH_VERIFY_CERTS": "true", "ELASTICSEARCH_CA_CERTS": CA}),
        ("opensearch", {"OPENSEARCH_SECURE": "true", "OPENSEARCH_VERIFY_CERTS": "true", "SSL_CERT_FILE": CA}),
        # The driver for Dify's own tables reads the same variables, so DB_EXTRAS overrides them.
        ("pgvector", {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": CA, "DB_EXTRAS": "sslmode=disable"}),
    ],
)
def test_an_external_stores_certificate_is_checked(store: str, expected: dict[str, str]) -> None:
    assert expected.items() <= told(f"external {store} in TLS").items()


def test_grpc_is_told_of_the_sites_authorities() -> None:
    for store in ("weaviate", "milvus"):
        values = dify.MATRIX[f"external {store}"] | {"ca_certificates": [dify.AUTHORITY]}
        found = dify.environment(dify.model(values), "api")
        assert found["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] == CA


@pytest.mark.parametrize("store", ["elasticsearch", "opensearch"])
def test_a_search_server_has_a_password_and_calls_no_one(store: str) -> None:
    application = dify.model({"vector_store": store})
    server = application.compose["services"][store]
    assert server["networks"] == ["core"]
    assert Requirement("sysctl:vm.max_map_count", recommended="262144") in application.requirements
    found = dify.environment(application, "api")
    if store == "elasticsearch":
        assert server["environment"]["ELASTIC_PASSWORD"] == found["ELASTICSEARCH_PASSWORD"]
        assert server["environment"]["ingest.geoip.downloader.enabled"] == "false"
    else:
        password = server["environment"]["OPENSEARCH_INITIAL_ADMIN_PASSWORD"]
        assert password == found["OPENSEARCH_PASSWORD"] == "Aa1_${OPENSEARCH_PASSWORD}"


@pytest.mark.parametrize("store", ["elasticsearch", "opensearch"])
def test_its_health_check_asks_with_the_password_on_no_command_line(store: str, tmp_path: Path) -> None:
    server = dify.model({"vector_store": store}).compose["services"][store]
    kind, command = server["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    program = tmp_path / "curl"
    program.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/words\ncat >{tmp_path}/config\nexit 7\n')
    program.chmod(0o755)
    names = ("ELASTIC_PASSWORD", "OPENSEARCH_INITIAL_ADMIN_PASSWORD")
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", **dict.fromkeys(names, "Aa1_se-cret")}
    ran = subprocess.run(["sh", "-c", command.replace("$$", "$")], env=environment, check=False)
    assert ran.returncode == 7
    assert "se-cret" not in (tmp_path / "words").read_text()
    user = {"elasticsearch": "elastic", "opensearch": "admin"}[store]
    assert (tmp_path / "config").read_text() == f'user = "{user}:Aa1_se-cret"'


# ---------------------------------------------------------------- incompatible settings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"database": {"type": "oceanbase"}}, "OceanBase is not bundled"),
        ({"database": {"type": "mysql", "sslmode": "verify-full"}}, "bundled MySQL does not use TLS"),
        ({"database": {"type": "mysql", "mode": "external", "sslmode": "require"}}, "always checks the name"),
        ({"database": {"type": "mysql"}, "vector_store": "pgvector-shared"}, "extension of PostgreSQL"),
        ({"database": {"type": "mariadb"}}, "database.type"),
        ({"redis": {"topology": "sentinel"}}, "bundled Redis is a single server"),
        ({"redis": {"mode": "external", "topology": "cluster", "tls": True}}, "does not support TLS"),
        ({"vector_server": {"tls": True}}, "bundled vector store is not reachable"),
        ({"vector_server": {"mode": "external", "tls": True}}, "address of weaviate is a URL"),
        ({"vector_server": {"mode": "external"}, "vector_store": "pgvector-shared"}, "no server of its own"),
        (
            {"vector_server": {"mode": "external", "tls": True}, "vector_store": "opensearch"},
            "no certificate authority is set for that server's certificate",
        ),
    ],
)
def test_incompatible_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        dify.settings(values)


def test_the_error_names_line_and_hint(tmp_path: Path) -> None:
    own = tmp_path / "bank.yaml"
    own.write_text(
        "extends: standard\nsettings:\n  redis:\n    mode: external\n    topology: cluster\n    tls: true\n"
    )
    with pytest.raises(
        ProfileError, match=r"bank\.yaml:6: settings\.redis\.tls: Dify's API does not support TLS"
    ) as error:
        load_profile(str(own), search=[dify.PROFILES]).settings(DifySettings)
    assert "topology: single" in str(error.value.hint)


def test_settings_survive_their_own_json() -> None:
    for values in dify.MATRIX.values():
        read = dify.settings(values)
        assert DifySettings.model_validate_json(json.dumps(json.loads(read.model_dump_json()))) == read


# ---------------------------------------------------------------- minimum versions of an application


@pytest.mark.parametrize(
    ("application", "profile", "expected"),
    [
        (("2.35", None), ("2.20", "2.24"), ("2.35", None)),
        (("2.20", None), ("2.20", "2.24"), ("2.20", "2.24")),
        (("2.20", None), ("2.30", None), ("2.30", None)),
        (("2.20", None), (None, "2.24"), ("2.26", None)),  # what was tested, where the profile has no minimum
        (("2.30", None), (None, "2.40"), ("2.30", "2.40")),
        (("2.9", None), ("2.10", None), ("2.10", None)),
    ],
)
def test_a_profile_cannot_ask_for_less_than_the_application(
    application: tuple[str, str | None],
    profile: tuple[str | None, str | None],
    expected: tuple[str, str | None],
) -> None:
    merged = merge_requirements(
        [Requirement("compose", *application), Requirement("memory", "8")],
        [Requirement("compose", *profile), Requirement("memory", "4"), Requirement("cpu", "2")],
    )
    # Only versions of the engine and Compose have a minimum; the profile decides the rest.
    found = {each.id: (each.minimum, each.recommended) for each in merged}
    assert found == {
        "compose": expected, "cpu": ("2", None), "docker": ("20.10", None), "memory": ("4", None)
    }  # fmt: skip
