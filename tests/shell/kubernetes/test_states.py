"""What the cluster says about pods and Jobs, in the columns of the other target."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.support.installer import call, shells

NONE = "none - -"
CREATED = "2026-01-01T00:00:00Z"


def pod(container: str, *, job: str = "-", phase: str = "Running", init: str = NONE, more: str = "") -> str:
    """Return a line of `list_pods`; `container` is ready, restarts, state, reason and exit code."""
    return f"pod web-1 web {phase} {more or 'here'} {job} probed {container} {init} {CREATED}\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (pod("true 0 running - -"), "web running healthy 0 0 web-1 always 0"),
        (pod("false 0 running - -"), "web running starting 0 0 web-1 always 0"),
        (pod("false 0 none - -", phase="Pending"), "web created none 0 0 web-1 always 0"),
        (
            pod("false 0 waiting PodInitializing -", init="running - -"),
            "web created none 0 0 web-1 always 0",
        ),
        (
            pod("false 0 waiting ErrImagePull -", phase="Pending"),
            "web created none 0 0 web-1 always 0",
        ),
        (
            pod("false 0 waiting ImagePullBackOff -", phase="Pending"),
            "web exited none 125 0 web-1 always 0",
        ),
        (
            pod("false 0 waiting PodInitializing -", init="waiting ErrImageNeverPull -"),
            "web exited none 125 0 web-1 always 0",
        ),
        (pod("false 4 waiting CrashLoopBackOff -"), "web restarting none 0 4 web-1 always 0"),
        (pod("false 1 terminated Error 3"), "web restarting none 3 1 web-1 always 0"),
        (pod("true 0 running - -", more="gone"), ""),
        (pod("false 0 terminated Error 137", phase="Failed"), ""),
        ("job setup setup conditions\n", "setup created none 0 0 job/setup no 0"),
        ("job setup setup conditions,Complete\n", "setup exited none 0 0 job/setup no 0"),
        (
            pod("false 0 terminated Error 3", job="setup", phase="Failed") + "job setup setup conditions\n",
            "setup restarting none 3 0 job/setup no 0",
        ),
        (
            pod("false 0 terminated Error 3", job="setup", phase="Failed")
            + "job setup setup conditions,Failed\n",
            "setup exited none 3 0 job/setup no 0",
        ),
        (
            pod("false 0 terminated Completed 0", job="setup") + "job setup setup conditions\n",
            "setup running none 0 0 job/setup no 0",
        ),
    ],
)
@pytest.mark.parametrize("shell", shells())
def test_pods_in_the_columns_of_the_other_target(
    shell: str, lines: str, expected: str, tmp_path: Path
) -> None:
    script = 'use_kubernetes\nlist_pods() { cat "$ROOT/pods"; }\nlist_containers\n'
    (tmp_path / "root").mkdir()
    (tmp_path / "root/pods").write_text(lines)
    result = call(shell, script, tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == expected


@pytest.mark.parametrize("shell", shells())
def test_rights_are_asked_for_each_kind(shell: str, tmp_path: Path) -> None:
    kinds = {
        "v1 ConfigMap": " configmaps",
        "networking.k8s.io/v1 NetworkPolicy": "networking.k8s.io networkpolicies",
        "networking.k8s.io/v1 Ingress": "networking.k8s.io ingresses",
        "autoscaling/v2 HorizontalPodAutoscaler": "autoscaling horizontalpodautoscalers",
        "apps/v1 Deployment": "apps deployments",
    }
    text = "".join(
        'apiVersion: "{}"\nkind: "{}"\nmetadata:\n  name: "x"\n'.format(*each.split())
        for each in [*kinds, *kinds]
    )
    (tmp_path / "manifests").write_text(text)
    script = f'use_kubernetes; awk -v namespace=shop "$PROGRAM_KUBERNETES_RIGHTS" {tmp_path}/manifests'
    reviews = list(yaml.safe_load_all(call(shell, script, tmp_path).stdout))
    asked = [each["spec"]["resourceAttributes"] for each in reviews if each]
    for wanted in kinds.values():
        group, _, resource = wanted.partition(" ")
        verbs = [
            each["verb"]
            for each in asked
            if (each["group"], each["resource"], each.get("subresource")) == (group, resource, None)
        ]
        assert verbs == ["get", "list", "create", "patch", "delete"]
