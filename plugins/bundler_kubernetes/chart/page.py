"""README.md of a chart: how to install it, and its values."""

from __future__ import annotations

from typing import Final

from bundler_kubernetes.objects import Mapped

_START: Final = """\
# {title} {version}

A chart with the same objects as the plain manifests of the bundle. Each release of it needs a namespace
of its own.

```sh
helm install {name} ./chart --namespace {name} --create-namespace --values values.yaml
```

Your `values.yaml` holds what differs from the defaults below; any other key is refused. For example:

```yaml
{example}```

The images are on the nodes already, or in a registry of the site, which `image.registry` then names.
"""
_SECRETS: Final = """
## Secrets

No value of the chart is secret. Passwords and keys are made in the cluster at the first installation,
and kept in the Secret `site-secrets`: an upgrade takes them from there, and `helm uninstall` leaves
them, as it leaves the volumes whose data need them. A Secret that you made can give some or all of them
(`secrets.existingSecret`): each of its keys is the name of one. Like the objects of any chart, they also
stand in the Secrets in which Helm keeps its releases.

`helm template` reads nothing from a cluster, so it makes new secrets each time: apply its output once at
most.
"""
_DATA: Final = """
## Data

`helm uninstall` leaves the PersistentVolumeClaims. Remove them by name: `kubectl delete pvc NAME`. A
volume that one pod at a time can have keeps its service at one replica.
"""
_JOBS: Final = """
## Jobs

A Job runs once for each release of the bundle, and Kubernetes lets nobody change it. To run it with other
values, delete it before the upgrade: `kubectl delete job NAME`.
"""
_VALUES: Final = """
## Values

"""


def page(mapped: Mapped, table: str, *, has_secrets: bool) -> str:
    """Return the page; `table` lists the values."""
    services = [each.service for each in mapped.objects if each.kind == "Deployment"]
    example = "image: {registry: harbor.bank.example/apps}\n"
    if services:
        example += (
            f"services:\n  {services[0]}:\n    resources:\n      limits: {{memory: 3Gi}}\n"
            '    env: {JAVA_OPTS: "-Xms2g -Xmx2g -XX:+UseG1GC"}\n'
        )
    title = mapped.title or mapped.name
    parts = [_START.format(title=title, version=mapped.version, name=mapped.name, example=example)]
    if has_secrets:
        parts.append(_SECRETS)
    if any(each.kind == "PersistentVolumeClaim" for each in mapped.objects):
        parts.append(_DATA)
    if any(each.kind == "Job" for each in mapped.objects):
        parts.append(_JOBS)
    return "".join([*parts, _VALUES, table])
