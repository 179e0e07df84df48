"""Services as Deployments and Jobs: how they start, restart, and are told to be well."""

from __future__ import annotations

import pytest

from bundler.api.output import ImageFacts
from bundler.errors import BundleError
from bundler_kubernetes.objects import ImageName
from tests.support.kube_objects import application, container, find, mapped, notes, pod

WEB_AND_DB = """
services:
  web:
    image: nginx:1.22
    restart: always
    depends_on: {db: {condition: service_healthy}}
    ports: ["8080:80"]
  db:
    image: postgres:15
    restart: unless-stopped
    environment: {POSTGRES_PASSWORD: "${DB_PASSWORD}", POSTGRES_USER: shop}
    healthcheck: {test: [CMD, pg_isready, -U, shop], interval: 5s, timeout: 3s, retries: 4, start_period: 20m}
    volumes: [db:/var/lib/postgresql/data]
volumes: {db: }
"""


def test_a_web_service_and_its_database() -> None:
    found = mapped(application(WEB_AND_DB, secrets=["DB_PASSWORD"]))
    assert [each.stage for each in found.objects] == sorted(each.stage for each in found.objects)
    db = find(found, "Deployment", "db")["spec"]
    assert db["strategy"] == {"type": "Recreate"}
    web = find(found, "Deployment", "web")["spec"]
    assert web["strategy"]["type"] == "RollingUpdate"
    for name in ("web", "db"):
        spec = pod(found, name)
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert spec["nodeSelector"] == {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        assert spec["terminationGracePeriodSeconds"] == 10
        assert container(found, name)["imagePullPolicy"] == "IfNotPresent"
    assert container(found, "db")["image"] == ImageName("docker.io/library/postgres:15")
    [wait] = pod(found, "web")["initContainers"]
    assert wait["command"][1:] == ["/var/run/bundle-wait/wait.sh", "resolves", "db-ready"]
    assert find(found, "Service", "db-ready")["spec"]["publishNotReadyAddresses"] is False
    assert not [each for each in found.objects if each.kind in {"Role", "PodDisruptionBudget"}]


def test_a_health_check_is_a_readiness_and_a_startup_probe() -> None:
    found = container(mapped(application(WEB_AND_DB, secrets=["DB_PASSWORD"])), "db")
    assert found["readinessProbe"] == {
        "exec": {"command": ["pg_isready", "-U", "shop"]},
        "periodSeconds": 5,
        "timeoutSeconds": 3,
        "failureThreshold": 4,
    }
    assert found["startupProbe"]["periodSeconds"] == 5  # Docker's start_interval
    assert found["startupProbe"]["failureThreshold"] * 5 == 20 * 60 + 4 * 5
    assert "livenessProbe" not in found


@pytest.mark.parametrize(
    ("check", "command", "period", "timeout", "failures", "starting"),
    [
        ("{test: curl -f localhost}", ["/bin/sh", "-c", "curl -f localhost"], 30, 30, 3, (30, 20)),
        ("{test: [CMD-SHELL, 'a $$B'], interval: 1m30s}", ["/bin/sh", "-c", "a $B"], 90, 30, 3, (90, 7)),
        (
            """{test: [CMD, a], interval: 500ms, timeout: 1500ms, retries: 1, start_period: 1s,
            start_interval: 2s}""",
            ["a"], 1, 2, 1, (2, 300),
        ),
    ],
)  # fmt: skip
def test_times_of_health_checks(
    check: str, command: list[str], period: int, timeout: int, failures: int, starting: tuple[int, int]
) -> None:
    compose = f"services: {{a: {{image: a, restart: always, x-bundle-liveness: true, healthcheck: {check}}}}}"
    found = container(mapped(application(compose)), "a")
    assert found["livenessProbe"] == found["readinessProbe"]
    probe = found["readinessProbe"]
    assert probe["exec"]["command"] == command
    assert (probe["periodSeconds"], probe["timeoutSeconds"], probe["failureThreshold"]) == (
        period, timeout, failures,
    )  # fmt: skip
    startup = found["startupProbe"]
    assert (startup["periodSeconds"], startup["failureThreshold"]) == starting


@pytest.mark.parametrize("check", ["{disable: true, test: a}", "{test: NONE}", "{test: [NONE]}"])
def test_a_check_that_is_off_is_no_probe(check: str) -> None:
    compose = f"services: {{a: {{image: a, restart: always, healthcheck: {check}}}}}"
    assert "readinessProbe" not in container(mapped(application(compose)), "a")


def test_a_check_with_a_secret_reads_it_from_the_environment() -> None:
    compose = """
services:
  a: {image: a, restart: always, healthcheck: {test: 'redis-cli -a ${PW} ping'}}
  b: {image: b, restart: always, healthcheck: {test: [CMD, redis-cli, -a, '${PW}', it's]}}
"""
    found = mapped(application(compose, secrets=["PW"]))
    shell = container(found, "a")
    assert shell["readinessProbe"]["exec"]["command"] == ["/bin/sh", "-c", 'eval "$BUNDLE_PROBE"']
    words = container(found, "b")["readinessProbe"]["exec"]["command"]
    assert words == ["/bin/sh", "-c", """exec redis-cli -a "$BUNDLE_PROBE_2" 'it'"'"'s'"""]
    assert find(found, "Secret", "a-values")["stringData"]["BUNDLE_PROBE"].names == {"PW"}


@pytest.mark.parametrize(
    ("service", "kind", "policy", "limit"),
    [
        ("{image: a, restart: 'no'}", "Job", "Never", 0),
        ("{image: a, restart: on-failure}", "Job", "OnFailure", 2147483647),
        ("{image: a, restart: 'on-failure:4'}", "Job", "OnFailure", 4),
        (
            "{image: a, deploy: {restart_policy: {condition: on-failure, max_attempts: 2}}}",
            "Job",
            "OnFailure",
            2,
        ),
        ("{image: a, x-bundle-expect: completed, restart: always}", "Job", "OnFailure", 2147483647),
        ("{image: a, restart: always}", "Deployment", None, None),
        ("{image: a, restart: unless-stopped}", "Deployment", None, None),
        ("{image: a, ports: ['80:80']}", "Deployment", None, None),
        ("{image: a, healthcheck: {test: b}}", "Deployment", None, None),
    ],
)
def test_what_ends_is_a_job(service: str, kind: str, policy: str | None, limit: int | None) -> None:
    found = mapped(application(f"services: {{a: {service}}}"))
    name = "a-1-0" if kind == "Job" else "a"
    body = find(found, kind, name)["spec"]
    assert body["template"]["spec"].get("restartPolicy") == policy
    assert body.get("backoffLimit") == limit


def test_who_waits_for_a_job_may_get_that_job_and_nothing_else() -> None:
    compose = """
services:
  migrate: {image: a}
  app: {image: b, restart: always, depends_on: {migrate: {condition: service_completed_successfully}}}
"""
    found = mapped(application(compose))
    assert find(found, "Role", "app-waits")["rules"] == [
        {"apiGroups": ["batch"], "resources": ["jobs"], "resourceNames": ["migrate-1-0"], "verbs": ["get"]}
    ]
    spec = pod(found, "app")
    assert spec["serviceAccountName"] == "app-waits"
    assert spec["automountServiceAccountToken"] is False
    [wait] = spec["initContainers"]
    assert wait["command"][2:] == ["completed", "migrate-1-0"]
    assert "bundle-api" in {each["name"] for each in wait["volumeMounts"]}
    assert "volumeMounts" not in spec["containers"][0]
    assert pod(found, "migrate-1-0", "Job")["serviceAccountName"] == "bundle"


def test_commands_are_words_and_kubernetes_replaces_nothing_in_them() -> None:
    compose = """
services:
  a:
    image: a
    restart: always
    entrypoint: [sh, -c]
    command: echo "a b" $$(date) $$$$HOME --pw ${PW} ${PLAIN}
    environment: {X: $$(date), Y: "${PLAIN}", Z: , "N": 3, B: true}
"""
    found = mapped(application(compose, secrets=["PW"], variables=["PLAIN", "Z"]))
    made = container(found, "a")
    assert made["command"] == ["sh", "-c"]
    assert made["args"] == [
        "echo", "a b", "$$(date)", "$$$$HOME", "--pw", "$(BUNDLE_ARGS_5)", "$(BUNDLE_ARGS_6)",
    ]  # fmt: skip
    env = {each["name"]: each for each in made["env"]}
    assert env["X"]["value"] == "$$(date)"
    assert env["N"]["value"] == "3"
    assert env["B"]["value"] == "true"
    assert env["Y"]["valueFrom"] == {"configMapKeyRef": {"name": "a-values", "key": "Y"}}
    assert env["BUNDLE_ARGS_5"]["valueFrom"] == {"secretKeyRef": {"name": "a-values", "key": "BUNDLE_ARGS_5"}}
    assert set(find(found, "Secret", "a-values")["stringData"]) == {"BUNDLE_ARGS_5"}
    assert set(find(found, "ConfigMap", "a-values")["data"]) == {"BUNDLE_ARGS_6", "Y", "Z"}
    assert "service a: environment: Z is empty where it would not be set" in notes(found)


def test_replicas_are_spread_and_drained_one_by_one() -> None:
    compose = (
        "services: {a: {image: a, restart: always, deploy: {replicas: 3}}, b: {image: b, restart: always}}"
    )
    found = mapped(application(compose))
    assert find(found, "Deployment", "a")["spec"]["replicas"] == 3
    [spread] = pod(found, "a")["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert find(found, "PodDisruptionBudget", "a")["spec"]["maxUnavailable"] == 1
    assert [each.name for each in found.objects if each.kind == "PodDisruptionBudget"] == ["a"]


def test_limits_and_reservations() -> None:
    compose = """
services:
  a: {image: a, restart: always, mem_limit: 512m, cpus: 1.5, mem_reservation: 256m, gpus: [{count: 2}]}
  b:
    image: b
    restart: always
    deploy:
      resources:
        limits: {cpus: '2', memory: 1G}
        reservations: {cpus: '0.25', memory: 100000000, devices: [{capabilities: [gpu], count: 1}]}
  c: {image: c, restart: always, cpu_quota: 50000}
"""
    found = mapped(application(compose))
    assert container(found, "a")["resources"] == {
        "limits": {"cpu": "1500m", "memory": "512Mi", "nvidia.com/gpu": "2"}, "requests": {"memory": "256Mi"},
    }  # fmt: skip
    assert container(found, "b")["resources"] == {
        "limits": {"cpu": "2", "memory": "1Gi", "nvidia.com/gpu": "1"},
        "requests": {"cpu": "250m", "memory": "100000000"},
    }
    assert container(found, "c")["resources"] == {"limits": {"cpu": "500m"}}


class Contents:
    """The files of an image."""

    def __init__(self, *programs: str, passwd: str = "", group: str = "") -> None:
        self._programs = programs
        self._files = {"etc/passwd": passwd.encode(), "etc/group": group.encode()}

    def programs(self, names: object) -> frozenset[str]:
        return frozenset(name for name in self._programs if name in names)  # type: ignore[operator]

    def read(self, path: str) -> bytes | None:
        return self._files[path] or None


def test_users_have_numbers_and_restricted_pods_no_rights() -> None:
    compose = """
services:
  a: {image: a, restart: always, user: app, ports: ["80:80"]}
  b: {image: b, restart: always}
  c: {image: c, restart: always, user: "0", cap_drop: [ALL], cap_add: [CAP_CHOWN], read_only: true,
      security_opt: ["no-new-privileges:true", "seccomp=unconfined"]}
"""
    users = Contents(passwd="root:x:0:0::/:/bin/sh\napp:x:1001:1002::/:/bin/sh\n")
    facts = {"a": ImageFacts(contents=users), "b": ImageFacts(user="1001", contents=users), "c": ImageFacts()}
    found = mapped(application(compose), facts)
    for name in ("a", "b"):
        assert pod(found, name)["securityContext"].items() >= {
            "runAsUser": 1001, "runAsGroup": 1002, "runAsNonRoot": True, "fsGroup": 1002,
            "seccompProfile": {"type": "RuntimeDefault"},
        }.items()  # fmt: skip
        rights = container(found, name)["securityContext"]
        assert rights == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    sysctl = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
    assert pod(found, "a")["securityContext"]["sysctls"] == [sysctl]
    assert pod(found, "c")["securityContext"] == {
        "runAsUser": 0, "runAsNonRoot": False, "seccompProfile": {"type": "Unconfined"},
    }  # fmt: skip
    assert container(found, "c")["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"add": ["CHOWN"], "drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def test_who_waits_takes_an_image_that_has_the_programs() -> None:
    compose = """
services:
  app: {image: app, restart: always, depends_on: [db]}
  db: {image: db, restart: always}
"""
    bare, whole = (
        ImageFacts(contents=Contents("sh")),
        ImageFacts(contents=Contents("sh", "date", "sleep", "getent")),
    )
    found = mapped(application(compose), {"app": bare, "db": whole})
    assert pod(found, "app")["initContainers"][0]["image"] == ImageName("docker.io/library/db:latest")
    with pytest.raises(BundleError, match="no image has the programs to wait: sh, date, sleep, getent"):
        mapped(application(compose), {"app": bare, "db": bare})
    jobs = compose.replace("[db]", "{db: {condition: service_completed_successfully}}")
    with pytest.raises(BundleError, match="to wait for a job: sh, date, sleep, cat, curl or python3"):
        mapped(application(jobs), {"app": whole, "db": whole})


def test_what_else_a_pod_has() -> None:
    compose = """
services:
  a:
    image: a
    restart: always
    init: true
    hostname: mailer
    extra_hosts: ["ldap.example.com:10.0.0.5", "db=10.0.0.5"]
    stop_grace_period: 1m30s
    working_dir: /srv
    stdin_open: true
    tty: true
    group_add: ["44"]
    labels: {com.example.a: "1"}
"""
    found = mapped(application(compose))
    spec = pod(found, "a")
    assert spec["shareProcessNamespace"] is True
    assert spec["hostname"] == "mailer"
    assert spec["hostAliases"] == [{"ip": "10.0.0.5", "hostnames": ["ldap.example.com", "db"]}]
    assert spec["terminationGracePeriodSeconds"] == 90
    assert spec["securityContext"]["supplementalGroups"] == [44]
    made = container(found, "a")
    assert (made["workingDir"], made["stdin"], made["tty"]) == ("/srv", True, True)
    metadata = find(found, "Deployment", "a")["spec"]["template"]["metadata"]
    assert metadata["annotations"] == {"com.example.a": "1"}


def test_kubernetes_replaces_nothing_in_probes() -> None:
    compose = """
services:
  a: {image: a, restart: always, healthcheck: {test: "a $$(NAME) $$$$ b"}}
  b: {image: b, restart: always, healthcheck: {test: [CMD, "$$(NAME)", "$$$$x"]}}
  c: {image: c, restart: always, healthcheck: {test: [CMD, "$$(NAME)", "${PW}"]}}
"""
    found = mapped(application(compose, secrets=["PW"]))
    commands = [container(found, name)["readinessProbe"]["exec"]["command"] for name in "abc"]
    assert commands[0][2] == "a $$(NAME) $$$$ b"
    assert commands[1] == ["$$(NAME)", "$$$$x"]
    assert commands[2][2] == """exec '$$(NAME)' "$$BUNDLE_PROBE_1\""""


def test_the_health_check_of_an_image_holds_unless_the_document_says_otherwise() -> None:
    compose = """
services:
  a: {image: a, restart: always}
  b: {image: b, restart: always, healthcheck: {interval: 5s}}
  c: {image: c, restart: always, healthcheck: {test: own}}
  d: {image: d, restart: always, healthcheck: {disable: true}}
  e: {image: e, restart: always}
"""
    image = ImageFacts(
        healthcheck={
            "Test": ["CMD-SHELL", "x $A ${B}"],
            "Interval": 7 * 10**9,
            "Timeout": 10**9,
            "Retries": 9,
        }
    )
    found = mapped(
        application(compose),
        {**dict.fromkeys("abcd", image), "e": ImageFacts(healthcheck={"Test": ["NONE"]})},
    )
    probes = {name: container(found, name).get("readinessProbe") for name in "abcde"}
    assert probes["a"] == {
        "exec": {"command": ["/bin/sh", "-c", "x $A ${B}"]},
        "periodSeconds": 7,
        "timeoutSeconds": 1,
        "failureThreshold": 9,
    }
    assert probes["b"] == {**probes["a"], "periodSeconds": 5}
    assert probes["c"] == {**probes["a"], "exec": {"command": ["/bin/sh", "-c", "own"]}}
    assert (probes["d"], probes["e"]) == (None, None)
    assert [line for line in notes(found) if "it is that of the image" in line] == [
        f"service {name}: healthcheck: it is that of the image" for name in "ab"
    ]


def test_who_is_no_job_for_certain_is_told_from_its_image_and_reported() -> None:
    compose = """
services:
  cache: {image: redis}
  once: {image: a}
  checked: {image: b, restart: "no", healthcheck: {test: x}}
"""
    found = mapped(application(compose), {"cache": ImageFacts(exposed=("6379/tcp",))})
    assert find(found, "Service", "cache")["spec"]["ports"][0]["port"] == 6379
    restarted = "no lasting policy, and it is restarted here; a job says `x-bundle-expect: completed`"
    job = "no lasting policy and no port, so it is a Job; what stays says `restart: always`"
    assert [line for line in notes(found) if ": restart: " in line] == [
        f"service cache: restart: {restarted}",
        f"service once: restart: {job}",
        f"service checked: restart: {restarted}",
    ]


@pytest.mark.parametrize("name", ["1A", ".", "..", "..a", "a b"])
def test_names_that_no_variable_of_a_pod_has_are_refused(name: str) -> None:
    compose = f"services: {{a: {{image: a, restart: always, environment: {{'{name}': x}}}}}}"
    with pytest.raises(BundleError, match="is not a name of a variable"):
        mapped(application(compose))


@pytest.mark.parametrize("key", ["ключ", "_x", "-x", "my_org/x", "a/b/c", "/x", "x" * 64])
def test_labels_that_no_annotation_has_are_left_out(key: str) -> None:
    labels = f"{{'{key}': x, Example.com/_y: z, a.B/c_d: e}}"
    compose = f"services: {{a: {{image: a, restart: always, labels: {labels}}}}}"
    found = mapped(application(compose))
    metadata = find(found, "Deployment", "a")["spec"]["template"]["metadata"]
    assert metadata["annotations"] == {"a.B/c_d": "e"}
    assert any(f"{key} is no key of an annotation" in line for line in notes(found))
