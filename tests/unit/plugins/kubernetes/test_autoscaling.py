"""Autoscaling, services of which there is never a second pod, and certificates of the site."""

from __future__ import annotations

import pytest

from bundler.api.application import Certificate
from bundler.errors import BundleError
from tests.support.kube_objects import application, find, mapped

COMPOSE = "services: {{a: {{image: a, restart: always, cpus: 2, {more}}}}}\nvolumes: {{v: }}"
SCALED = "x-bundle-autoscaling: {maximum: 5}, volumes: ['v:/v']"
REFUSED = {
    "x-bundle-autoscaling: 5": "5 is not `minimum`, `maximum` and `cpu` as whole numbers",
    "x-bundle-autoscaling: {minimum: 2}": "is not `minimum`",
    "x-bundle-autoscaling: {maximum: 2, memory: 3}": "is not `minimum`",
    "x-bundle-autoscaling: {maximum: '2'}": "is not `minimum`",
    "x-bundle-autoscaling: {maximum: true}": "is not `minimum`",
    "x-bundle-autoscaling: {minimum: 3, maximum: 2}": "`minimum` is above `maximum`",
    "x-bundle-autoscaling: {maximum: 2}, cpus: 0": "the service requests none",
    "x-bundle-autoscaling: {maximum: 2}, x-bundle-expect: completed": "a Job is not scaled",
    "x-bundle-single: true, scale: 2": "x-bundle-single: impossible in a cluster: it has several replicas",
    "x-bundle-single: true, x-bundle-autoscaling: {maximum: 2}": "it has several replicas",
}


def test_an_autoscaler_decides_about_replicas_and_its_pods_share_volumes() -> None:
    found = mapped(application(COMPOSE.format(more=SCALED)))
    spec = find(found, "HorizontalPodAutoscaler", "a")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (1, 5)
    deployment = find(found, "Deployment", "a")["spec"]
    assert "replicas" not in deployment
    assert deployment["strategy"]["type"] == "RollingUpdate"
    assert find(found, "PersistentVolumeClaim", "volume-v")["spec"]["accessModes"] == ["ReadWriteMany"]
    assert find(found, "PodDisruptionBudget", "a")


@pytest.mark.parametrize(("more", "reason"), REFUSED.items(), ids=REFUSED)
def test_what_makes_no_sense_is_refused(more: str, reason: str) -> None:
    text = COMPOSE.format(more=more)
    if "cpus: 0" in more:
        text = text.replace("cpus: 2, ", "")
    with pytest.raises(BundleError) as error:
        mapped(application(text))
    assert reason in error.value.message


def test_a_certificate_needs_a_folder_of_its_own() -> None:
    names = ("HOST", "CERT", "KEY", "SELF")
    two = (
        Certificate(*names, certificate_path="tls/a.crt", key_path="tls/a.key"),
        Certificate(*names, certificate_path="tls/b.crt", key_path="tls/b.key"),
    )
    text = COMPOSE.format(more="volumes: ['${BUNDLE_DATA}/tls:/tls:ro']")
    model = application(text, certificates=two)
    with pytest.raises(BundleError, match="is not the folder of one certificate and its key"):
        mapped(model)
