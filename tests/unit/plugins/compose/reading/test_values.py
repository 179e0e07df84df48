"""Values that Compose refuses or reads in its own way, as `docker compose config` of 5.6.0 was seen to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bundler.api.templates.process import Templates
from bundler.errors import BundleError
from bundler_compose.reading import Readings, Source, read_project
from bundler_compose.reading import schema as schema_module
from bundler_compose.reading.schema import CHECKS, check_values
from bundler_compose.reading.tree import FormError

SILENT = {
    "$defs", "$id", "$schema", "additionalProperties", "default", "deprecated", "description", "title",
    "unevaluatedProperties",
}  # fmt: skip
"""Keywords without an entry of `CHECKS`: no statement about values, or checked elsewhere."""


def read(folder: Path, body: str, rest: str = "", **files: str) -> Readings:
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    (folder / "compose.yaml").write_text(f"services:\n  web:\n    image: i\n{indented}{rest}")
    for name, text in files.items():
        (folder / name.replace("_DOT_", ".")).write_text(text)
    with Templates({}) as templates:
        return read_project(Source(folder), templates)


def today(folder: Path, body: str, rest: str = "", **files: str) -> Any:  # noqa: ANN401 a service
    return read(folder, body, rest, **files).today.data["services"]["web"]


def shown(readings: Readings, value: Any) -> Any:  # noqa: ANN401 any YAML value
    if isinstance(value, Mapping):
        return {shown(readings, key): shown(readings, item) for key, item in value.items()}
    if isinstance(value, list):
        return [shown(readings, item) for item in value]
    return readings.site.marks.render(value) if isinstance(value, str) else value


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("1.0", "1"),
        ("1.50", "1.5"),
        ("1000000.0", "1e+06"),
        ("123456.0", "123456"),
        ("123456789.123", "1.23456789123e+08"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        ("1e400", "1e400"),
        ("1_000", "1000"),
        ("010", "8"),
        ("08", "8"),
        ("0o17", "15"),
        ("0b11", "3"),
        ("-0x1F", "-31"),
        ("-0", "-0"),
        ("12345678901234567890123", "1.2345678901234568e+22"),
        ("18446744073709551615", "18446744073709551615"),
        ("12:30", "12:30"),
        ("yes", "yes"),
        ("TRUE", "true"),
        ("2024-01-01", "2024-01-01 00:00:00 +0000 UTC"),
        ("2001-1-2 3:4:5", "2001-01-02 03:04:05 +0000 UTC"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.1 -0500 -0500"),
        ("2001-13-40", "2001-13-40"),
        ("2001-12-14 21:59:43Z", "2001-12-14 21:59:43Z"),
        ('"2024-01-01"', "2024-01-01"),
    ],
)
def test_plain_values_become_the_texts_of_go(tmp_path: Path, written: str, text: str) -> None:
    assert today(tmp_path, f"environment:\n  A: {written}")["environment"] == {"A": text}


@pytest.mark.parametrize(
    "body",
    [
        "command: [1]",
        "command: 'a \"b'",
        "command: 'a \\'",
        "cap_add: ALL",
        "cpuset: 0",
        "user: 1000.5",
        "stop_grace_period: 10",
        "stop_grace_period: soon",
        "healthcheck: {interval: nope}",
        "healthcheck: {start_period: 5}",
        "mem_limit: abc",
        "shm_size: '${NONE}'",
        "deploy: {resources: {limits: {cpus: two}}}",
        "deploy: {resources: {limits: {memory: '${NONE}'}}}",
        "deploy: {resources: {reservations: {devices: [{driver: nvidia}]}}}",
        "deploy: {resources: {reservations: {devices: [{capabilities: [gpu], count: some}]}}}",
        "deploy: {resources: {reservations: {devices: [{capabilities: [gpu], count: 1, device_ids: [a]}]}}}",
        "extra_hosts: [localhost]",
        "container_name: c",
        "pull_policy: perhaps",
        "depends_on: {web2: {}}",
        "depends_on: {web2: {condition: ready}}",
        "depends_on: [web2, web2]",
        "depends_on: {nobody: {condition: service_started, required: false}}",
        "links: [nobody]",
        "volumes_from: [nobody]",
        "ipc: service:nobody",
        "ulimits: {nofile: {soft: 1}}",
        "cgroup: none",
        "read_only: 1",
        "ports: [{target: 80, host_ip: localhost}]",
        "ports: [{target: 80, host_ip: '${NONE}'}]",
        "tmpfs: [/a, '/a:size=1m']",
        "tmpfs: [/a]\nvolumes: [/a]",
        "volumes: [{type: tmpfs, target: /a, tmpfs: {size: -1}}]",
        "volumes: [{type: tmpfs, target: /a, tmpfs: {mode: '1777'}}]",
        "cpus: 1\ndeploy: {resources: {limits: {cpus: '2'}}}",
        "mem_limit: 1g\ndeploy: {resources: {limits: {memory: 2g}}}",
        "pids_limit: 5\ndeploy: {resources: {limits: {pids: 6}}}",
        "environment: {A: .inf}",
        "environment: ['']",
        "attach: maybe",
        "blkio_config: {weight: '10'}",
        "blkio_config: {weight: 70000}",
        "configs: [{source: c, mode: 2.5}]",
        "deploy: {resources: {limits: {pids: many}}}",
        "deploy: {update_config: {parallelism: -1}}",
        "env_file: ['']",
        "group_add: [2.5]",
        "healthcheck: {retries: -1}",
        "pid:",
        "ports: [0]",
        "ports: [{target: -1}]",
        "post_start: [{command: a, privileged: maybe}]",
        "storage_opt: {size: [1]}",
        "volumes: [{type: bind, source: /a, target: /a, bind: {create_host_path: maybe}}]",
        "volumes: [{type: bind, target: /a}]",
        "volumes: ['']",
        "build: {context: ., ulimits: {nofile: '1'}}",
        "build: {context: ., ssh: [key]}",
        "build: {context: ., additional_contexts: [a]}",
        "build: {context: ., additional_contexts: {a: 1}}",
        "build: {context: ., secrets: [nobody]}",
    ],
)
def test_what_compose_refuses_is_refused_at_its_place(tmp_path: Path, body: str) -> None:
    with pytest.raises(BundleError, match=r"compose\.yaml:[0-9]+: services\.web") as caught:
        read(tmp_path, body, "  web2: {image: i}\nconfigs: {c: {content: c}}\n")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("include", "message"),
    [
        ("''", "compose.yaml:4: include: must be a list"),
        ("1", "compose.yaml:4: include: must be a list"),
        ("[1]", "compose.yaml:4: include.0: must be a text or a mapping"),
        ("[{path: [1]}]", "compose.yaml:4: include.0.path: must be a text or a list of texts"),
        ("[{env_file: {}}]", "compose.yaml:4: include.0.env_file: must be a text or a list of texts"),
        ("[{env_file: none.env}]", "compose.yaml:4: include.0: "),
        ("[{project_directory: []}]", "compose.yaml:4: include.0.project_directory: must be a text"),
    ],
)
def test_an_include_of_another_form_is_refused(tmp_path: Path, include: str, message: str) -> None:
    with pytest.raises(BundleError) as caught:
        read(tmp_path, "", f"include: {include}\n")
    assert caught.value.message.startswith(message)
    assert caught.value.hint


@pytest.mark.parametrize("include", ["", "[]", "[{}]", "[ ]", "[{path: []}]"])
def test_an_include_without_a_path_includes_nothing(tmp_path: Path, include: str) -> None:
    assert today(tmp_path, "", f"include: {include}\n")["image"] == "i"


@pytest.mark.parametrize(
    "body",
    [
        "command: 'a \"b c\" # d'",
        "stop_grace_period: 1h2m3.5s",
        "healthcheck: {interval: 1w2d}",
        "mem_limit: 1.5 gb",
        "mem_limit: 100",
        "memswap_limit: -1",
        "deploy: {resources: {reservations: {devices: [{capabilities: [gpu], count: ALL}]}}}",
        "extra_hosts: ['a:::1', 'b=1.1.1.1']",
        "cpus: 1\nmem_limit: 1g\ndeploy: {resources: {limits: {cpus: '1.0', memory: 1024m}}}",
        "volumes: ['./a::/b']",
    ],
)
def test_what_compose_accepts_is_accepted(tmp_path: Path, body: str) -> None:
    if "::" in body and "volumes" in body:
        with pytest.raises(BundleError, match="empty section"):
            read(tmp_path, body)
    else:
        read(tmp_path, body)


@pytest.mark.parametrize(
    ("body", "key", "site"),
    [
        ("labels: ['r.${R:-r}.rule=${H:-h}']", "labels", {"r.r.rule": "${H:-h}"}),
        ("environment: ['${K:-KEY}=${V:-v}']", "environment", {"KEY": "${V:-v}"}),
        ("devices: ['${D:-/dev/a:/dev/b}']", "devices", [("/dev/a", "/dev/b")]),
        ("networks: ['${N:-n}']", "networks", {"n": None}),
    ],
)
def test_a_variable_that_is_a_part_of_a_key_is_bound(
    tmp_path: Path, body: str, key: str, site: object
) -> None:
    readings = read(tmp_path, body, "networks: {n: }\n")
    found = shown(readings, readings.site.data["services"]["web"][key])
    assert site == ([(each["source"], each["target"]) for each in found] if key == "devices" else found)


def test_a_range_in_a_variable_keeps_the_short_form(tmp_path: Path) -> None:
    readings = read(tmp_path, "ports: ['${R:-3000-3001}:3000-3001', {target: 80, published: '${P}'}]")
    assert shown(readings, readings.site.data["services"]["web"]["ports"]) == [
        "${R:-3000-3001}:3000-3001",
        {"target": 80, "published": "${P}", "protocol": "tcp", "mode": "ingress"},
    ]


def test_the_name_of_the_project_is_a_variable_of_its_documents(tmp_path: Path) -> None:
    readings = read(tmp_path, "labels: {n: '${COMPOSE_PROJECT_NAME}'}", "name: '${STACK:-My.App}'\n")
    for project in (readings.today, readings.site):
        assert project.name == "myapp"
        assert project.data["services"]["web"]["labels"] == {"n": "myapp"}


@pytest.mark.parametrize(
    ("body", "samples"),
    [
        ("ports: ['${P:?port}:80']", {"P": "8080"}),
        ("ports: ['${A:?address}:${P:?port}:80']", {"A": "127.0.0.1", "P": "8080"}),
        ("mem_limit: '${M:?size}'\ncpus: '${C:?number}'\ntty: '${T:?}'", {"M": "1", "C": "1", "T": "true"}),
        ("stop_grace_period: '${G:?time}'\nlabels: {a: '${G}'}", {"G": "1s"}),
    ],
)
def test_a_required_value_has_a_sample_that_fits(
    tmp_path: Path, body: str, samples: Mapping[str, str]
) -> None:
    assert read(tmp_path, body).site.samples == samples


def test_published_numbers_and_texts_are_two_ports(tmp_path: Path) -> None:
    body = "ports: ['80:80', '80:80', {target: 80, published: 80}]"
    assert [port["published"] for port in today(tmp_path, body)["ports"]] == ["80", 80]


def test_an_entry_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"compose\.yaml:4: services.web.environment.0: '=e' has no name"):
        read(tmp_path, "environment: ['=e']")


def test_every_keyword_of_the_schema_is_known() -> None:
    text = Path(schema_module.__file__).with_name("compose-spec.json").read_bytes()
    keywords: set[str] = set()

    def walk(schema: Any) -> None:  # noqa: ANN401 any JSON value
        if not isinstance(schema, dict):
            return
        keywords.update(schema)
        for key, value in schema.items():
            if key in {"properties", "patternProperties", "$defs"}:
                for each in value.values():
                    walk(each)
            elif key in {"oneOf", "anyOf", "allOf"}:
                for each in value:
                    walk(each)
            elif key in {"items", "additionalProperties"}:
                walk(value)

    walk(json.loads(text))
    assert keywords == set(CHECKS) | SILENT


@pytest.mark.parametrize(
    ("service", "keys", "message"),
    [
        (
            {"ulimits": {"a": True}},
            ("services", "a", "ulimits", "a"),
            "must be a whole number or a text or a mapping",
        ),
        ({"cap_add": ["A", "A"]}, ("services", "a", "cap_add", 1), "stands twice in the list"),
        ({"oom_score_adj": 2000}, ("services", "a", "oom_score_adj"), "must not be more than 1000"),
        ({"ports": [{"target": "a"}]}, ("services", "a", "ports", 0, "target"), None),
    ],
)
def test_a_problem_has_its_keys_and_says_what_is_allowed(
    service: Mapping[str, Any], keys: tuple[str | int, ...], message: str | None
) -> None:
    document = {"services": {"a": service}}
    if message is None:
        check_values(document)
        return
    with pytest.raises(FormError) as caught:
        check_values(document)
    assert (caught.value.keys, caught.value.message) == (keys, message)
    assert caught.value.hint or "must" in message


@pytest.mark.parametrize(
    ("rest", "dotenv", "name"),
    [
        ("", "", "from-profile"),
        ("name: own\n", "", "own"),
        ("name: own\n", "COMPOSE_PROJECT_NAME=env\n", "env"),
    ],
)
def test_the_profile_names_a_project_that_has_no_name(
    tmp_path: Path, rest: str, dotenv: str, name: str
) -> None:
    (tmp_path / ".env").write_text(dotenv)
    (tmp_path / "compose.yaml").write_text(
        f"{rest}services: {{web: {{image: i, labels: {{a: '${{COMPOSE_PROJECT_NAME}}'}}}}}}\n"
    )
    with Templates({}) as templates:
        readings = read_project(Source(tmp_path, name="from-profile"), templates)
    for project in (readings.today, readings.site):
        assert project.name == name
        assert project.data["services"]["web"]["labels"] == {"a": name}


def test_the_protocol_of_a_port_is_the_same_at_every_site(tmp_path: Path) -> None:
    readings = read(tmp_path, "ports: ['${P:-53}:53/${PROTO:-udp}', {target: 80, protocol: '${PROTO:-udp}'}]")
    assert [port["protocol"] for port in readings.site.data["services"]["web"]["ports"]] == ["udp", "udp"]
    assert "PROTO" in readings.site.bound
    assert "P" not in readings.site.bound


def test_a_tab_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"compose\.yaml:4: .*t'") as error:
        read(tmp_path, "user: a\t")
    assert "tab" in str(error.value.hint)
