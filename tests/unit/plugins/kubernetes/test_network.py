"""Names, ports and networks of a cluster."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bundler.api.application import ConfigFile
from bundler.api.output import ImageFacts
from bundler.api.variable import SiteVariable
from bundler.errors import BundleError
from bundler_kubernetes.objects import Setting
from bundler_kubernetes.text import SiteText
from tests.support.kube_objects import application, container, find, mapped, notes


def names(found: object, kind: str) -> list[str]:
    return [each.name for each in found.objects if each.kind == kind]  # type: ignore[attr-defined]


def test_ports_are_those_of_a_service_and_of_its_container() -> None:
    compose = """
services:
  web: {image: web, restart: always, ports: ["8443:443", "53:53/udp"], expose: ["9000", "9001-9002"]}
  api: {image: api, restart: always}
  cache: {image: cache, restart: always}
"""
    found = mapped(application(compose), {"api": ImageFacts(exposed=("8000/tcp",))})
    web = find(found, "Service", "web")["spec"]
    assert web["type"] == "ClusterIP"
    assert [(each["port"], each["protocol"]) for each in web["ports"]] == [
        (443, "TCP"), (53, "UDP"), (9000, "TCP"), (9001, "TCP"), (9002, "TCP"),
    ]  # fmt: skip
    assert [each["containerPort"] for each in container(found, "web")["ports"]] == [443, 53, 9000, 9001, 9002]
    assert find(found, "Service", "api")["spec"]["ports"][0]["targetPort"] == 8000
    headless = find(found, "Service", "cache")["spec"]
    assert (headless["clusterIP"], headless["publishNotReadyAddresses"]) == ("None", True)
    assert (
        "service api: ports: other services reach only 8000/tcp; name more of its ports in `expose`"
        in notes(found)
    )


def test_published_ports_are_exposed_as_the_site_says() -> None:
    compose = """
services:
  web:
    image: web
    restart: always
    ports: ["${PORT:-8080}:80", "127.0.0.1:9000:9000", {target: 81, published: "82", protocol: udp}, "70"]
"""
    found = mapped(application(compose, variables=["PORT"]))
    spec = find(found, "Service", "web-published")["spec"]
    assert isinstance(spec["type"], Setting)
    assert spec["type"].choices == ("NodePort", "LoadBalancer", "ClusterIP")
    first, second = spec["ports"]
    assert isinstance(first["port"], SiteText)
    assert first["port"].bare
    assert first["targetPort"] == 80
    assert (second["port"], second["protocol"], second["targetPort"]) == (82, "UDP", 81)
    assert first["nodePort"].default == "null"
    [ingress] = [each for each in found.objects if each.kind == "Ingress"]
    assert ingress.when == "ingress"
    backend = ingress.body["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": "web-published", "port": {"name": "tcp-80"}}
    policy = find(found, "NetworkPolicy", "web-published")["spec"]
    assert policy["ingress"] == [
        {"ports": [{"port": 80, "protocol": "TCP"}, {"port": 81, "protocol": "UDP"}]}
    ]
    assert any("9000: published for the host alone" in line for line in notes(found))
    assert any("70: Docker chooses a port" in line for line in notes(found))


def test_an_address_of_the_site_that_is_the_host_by_default_is_not_exposed() -> None:
    compose = """services: {a: {image: a, restart: always, ports: ["${WHERE:-127.0.0.1}:80:80"]}}"""
    found = mapped(application(compose, variables=["WHERE"]))
    assert names(found, "Service") == ["a"]


def test_a_variable_with_address_and_port_is_the_host_alone_or_refused() -> None:
    compose = """services: {a: {image: a, restart: always, ports: ["${WHERE:-127.0.0.1:8025}:25"]}}"""
    found = mapped(application(compose, variables=["WHERE"]))
    assert names(found, "Service") == ["a"]
    with pytest.raises(BundleError, match="holds an address and a port, and a cluster needs the port alone"):
        mapped(application(compose.replace("127.0.0.1", "10.0.0.1"), variables=["WHERE"]))


def test_networks_are_policies_and_internal_ones_lead_nowhere() -> None:
    compose = """
services:
  web: {image: web, restart: always, networks: [front, back]}
  db: {image: db, restart: always, networks: {back: {aliases: [database]}}}
  lonely: {image: c, restart: always, network_mode: none}
networks: {front: , back: {internal: true}}
"""
    found = mapped(application(compose))
    assert names(found, "NetworkPolicy") == ["lonely-isolated", "network-back", "network-front"]
    labels = find(found, "Deployment", "web")["spec"]["template"]["metadata"]["labels"]
    assert {key for key in labels if key.startswith("networks.bundle/")} == {
        "networks.bundle/front",
        "networks.bundle/back",
    }
    back = find(found, "NetworkPolicy", "network-back")["spec"]
    member = {"podSelector": {"matchLabels": {"networks.bundle/back": "true"}}}
    assert back["ingress"] == [{"from": [member]}]
    assert back["egress"][0] == {"to": [member]}
    assert {each["port"] for each in back["egress"][1]["ports"]} == {53}
    assert find(found, "NetworkPolicy", "network-front")["spec"]["egress"] == [{}]
    assert "ingress" not in find(found, "NetworkPolicy", "lonely-isolated")["spec"]
    assert find(found, "Service", "database")["spec"] == find(found, "Service", "db")["spec"]
    assert "lonely" not in names(found, "Service")


def test_who_waits_for_a_job_on_an_internal_network_reaches_the_api() -> None:
    compose = """
services:
  job: {image: a, networks: [back]}
  app:
    image: b
    restart: always
    networks: [back]
    depends_on: {job: {condition: service_completed_successfully}}
networks: {back: {internal: true}}
"""
    found = mapped(application(compose))
    policy = find(found, "NetworkPolicy", "app-api")["spec"]
    assert {each["port"] for each in policy["egress"][0]["ports"]} == {443, 6443}


@pytest.mark.parametrize(
    ("compose", "reason"),
    [
        ("services: {a_b: {image: a, restart: always}, c: {image: c, command: 'x --to a_b'}}", "occurs in c"),
        ("services: {a-b: {image: a}, a_b: {image: a}}", "it is called a-b like the service"),
        (f"services: {{{'a' * 60}: {{image: a, ports: ['80:80']}}}}", "-published is longer than 63"),
        ("services: {1a: {image: a}}", "'1a' is no name of a Service"),
        (f"services: {{{'a' * 64}: {{image: a}}}}", "is no name of a Service"),
        ("services: {a: {image: a, ports: ['80:${P}']}}", "is no port that is known at the build"),
        ("services: {a: {image: a, networks: {default: {ipv4_address: 10.0.0.2}}}}", "gives addresses"),
        ("services: {a: {image: a, networks: {default: {aliases: [A_B]}}}}", "A_B is no name of a Service"),
        ("services: {a: {image: a, networks: [m]}}\nnetworks: {m: {driver: macvlan}}", "macvlan"),
        ("services: {a: {image: a, network_mode: host}}", "shares the network of a host"),
        ("services: {a: {image: a, network_mode: 'service:b'}, b: {image: b}}", "service:b shares"),
        (
            """services: {a: {image: a, restart: always, networks: {default: {aliases: [b]}}},
            b: {image: b, restart: always}}""",
            "two objects would be the Service b",
        ),
    ],
)  # fmt: skip
def test_names_and_networks_that_a_cluster_lacks_are_refused(compose: str, reason: str) -> None:
    with pytest.raises(BundleError, match="impossible in a cluster") as error:
        mapped(application(compose, variables=["P"]))
    assert reason in error.value.message


def test_a_name_that_nobody_knows_may_change() -> None:
    found = mapped(application("services: {a_b: {image: a, restart: always}}"))
    assert names(found, "Deployment") == ["a-b"]
    assert "service a_b: name: it is called a-b" in notes(found)


def test_a_service_is_renamed_where_it_is_a_host_for_certain() -> None:
    compose = """
services:
  app_db: {image: db, restart: always}
  web:
    image: web
    restart: always
    command: [run, "--url=redis://:${PW}@app_db:6379/0"]
    environment: {DB_HOST: app_db, DB_URL: "postgres://u:${PW}@app_db/x", PEER: "app_db:5432"}
    healthcheck: {test: curl http://app_db:80/}
    volumes: ["./web.conf:/web.conf:ro"]
"""
    files = [ConfigFile("web.conf", b"proxy_pass http://app_db:80;")]
    found = mapped(application(compose, files=files, secrets=["PW"]))
    env = {each["name"]: each.get("value") for each in container(found, "web")["env"]}
    assert (env["DB_HOST"], env["PEER"]) == ("app-db", "app-db:5432")
    secret = find(found, "Secret", "web-values")["stringData"]
    assert secret["DB_URL"].expression == "postgres://u:${PW}@app-db/x"
    assert secret["BUNDLE_ARGS_1"].expression == "--url=redis://:${PW}@app-db:6379/0"
    assert find(found, "ConfigMap", "file-web-conf")["data"]["web.conf"] == "proxy_pass http://app-db:80;"
    renamed = "where it is the host of a URL or of a variable, it is renamed in web, web.conf"
    assert f"service app_db: name: {renamed}" in notes(found)
    for mention in ("{NAME: app_db}", "{DSN: 'host=app_db user=x'}", "{PATH_OF: /srv/app_db}"):
        unsure = application(
            compose.replace(
                "environment: {DB_HOST: app_db,", f"labels: {{}}\n    environment: {mention[:-1]},"
            )
        )
        with pytest.raises(BundleError, match="no Service can be called app_db, and this name occurs in web"):
            mapped(unsure)


def test_a_default_or_a_content_that_mentions_a_service_is_renamed_or_refused() -> None:
    compose = """
services:
  app_db: {image: db, restart: always}
  web: {image: web, restart: always, environment: {DB_HOST: "${DB_HOST:-app_db}"}, configs: [c]}
configs: {c: {content: "url: http://app_db/"}}
"""
    found = mapped(application(compose, variables=["DB_HOST"]))
    assert find(found, "ConfigMap", "web-values")["data"]["DB_HOST"].expression == "${DB_HOST:-app-db}"
    assert find(found, "ConfigMap", "configs-c")["data"]["content"] == "url: http://app-db/"
    for old, new, where in (
        ("{DB_HOST: ", "{DB: ", "web"),
        ("url: http://app_db/", "db: ${X:-app_db}", "configs.c"),
        ("configs: [c]", "labels: {to: app_db}", "web"),
        ("configs: [c]", 'command: ["a\\napp_db"]', "web"),
    ):
        with pytest.raises(BundleError, match=f"no Service can be called app_db.* occurs in {where}"):
            mapped(application(compose.replace(old, new), variables=["DB_HOST", "X"]))
    declared = SiteVariable.model_validate({"name": "DB_HOST", "kind": "string", "default": "app_db"})
    with pytest.raises(BundleError, match="occurs in variable DB_HOST"):
        mapped(replace(application(compose), variables=(declared,)))


@pytest.mark.parametrize(
    ("ports", "reason"),
    [
        ('"192.168.7.7:8080:80"', "192.168.7.7 is an address of one host"),
        ('{target: 80, published: "80", host_ip: "2001:db8::1"}', "2001:db8::1 is an address of one host"),
        ('"0.0.0.0:80:80", "[::]:80:8080"', "80/tcp is published for 80 and for 8080"),
    ],
)
def test_what_is_published_for_one_address_is_not_opened_everywhere(ports: str, reason: str) -> None:
    with pytest.raises(BundleError) as error:
        mapped(application(f"services: {{a: {{image: a, restart: always, ports: [{ports}]}}}}"))
    assert reason in error.value.message


def test_all_addresses_of_the_host_are_all_addresses() -> None:
    compose = """services: {a: {image: a, restart: always, ports: ["0.0.0.0:80:80", "[::]:80:80"]}}"""
    assert len(find(mapped(application(compose)), "Service", "a-published")["spec"]["ports"]) == 1


def test_who_has_no_network_cannot_wait() -> None:
    compose = """
services:
  a: {image: a, restart: always, network_mode: none, depends_on: [b]}
  b: {image: b, restart: always}
"""
    with pytest.raises(BundleError, match="depends_on: impossible in a cluster: a service without a network"):
        mapped(application(compose))


def test_two_names_that_become_one_are_both_named() -> None:
    compose = """
services: {a: {image: a, restart: always, volumes: ["db_data:/a", "db-data:/b"]}}
volumes: {db_data: , db-data: }
"""
    with pytest.raises(BundleError, match="that of volume db_data, and that of volume db-data") as error:
        mapped(application(compose))
    assert error.value.hint == "rename one of them"
