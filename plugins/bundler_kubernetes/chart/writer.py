"""Writes the chart of an application: a template for each object, the values, their schema, and README.md."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

from bundler.api.variable import SiteVariable
from bundler_kubernetes.chart.declared import MAPS, SWITCH, TEXT, Declarations, Schema
from bundler_kubernetes.chart.documents import table, values_schema, values_yaml
from bundler_kubernetes.chart.expressions import literal, values
from bundler_kubernetes.chart.images import pushed_name
from bundler_kubernetes.chart.leaves import Expression, Only
from bundler_kubernetes.chart.page import page
from bundler_kubernetes.chart.site import SiteValues
from bundler_kubernetes.chart.text import scalar, write
from bundler_kubernetes.chart.workloads import SERVICE, Workloads, take_budget, take_scaler
from bundler_kubernetes.objects import Body, Checksum, ImageName, KubeObject, Mapped, Setting
from bundler_kubernetes.text import SiteText, names_in

OLDEST: Final = 25
"""The oldest Kubernetes 1.x with all kinds of the objects, and nearly all fields."""
_NEWER: Final[Mapping[str, int]] = {
    "net.ipv4.ip_local_reserved_ports": 27,
    "net.ipv4.tcp_fin_timeout": 29,
    "net.ipv4.tcp_keepalive_intvl": 29,
    "net.ipv4.tcp_keepalive_probes": 29,
    "net.ipv4.tcp_keepalive_time": 29,
    "appArmorProfile": 30,
    "net.ipv4.tcp_rmem": 32,
    "net.ipv4.tcp_wmem": 32,
}
"""Fields and sysctls that only a newer Kubernetes 1.x knows or allows. An older one drops the field."""
KEEP: Final = {"helm.sh/resource-policy": "keep"}
"""Annotation of what `helm uninstall` leaves: data, and the secrets that belong to them."""
_VERSION: Final = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[-+.](.*))?")
_SETTINGS: Final[Mapping[str, Schema]] = {
    "size": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?([EPTGMk]i?)?$"},
    "port": {"type": ["integer", "null"], "minimum": 1, "maximum": 65535},
    "class": {"type": ["string", "null"]},
    "certificate": {"type": ["string", "null"]},
    "host": {"type": "string", "pattern": "^[a-z0-9*]([a-z0-9.-]*[a-z0-9])?$"},
}


def write_chart(mapped: Mapped, variables: Sequence[SiteVariable]) -> dict[str, str]:
    """Return the files of the chart by their paths in it."""
    return _Chart(mapped, variables).write()


def chart_version(version: str) -> str:
    """Return a version as Helm wants it, in three numbers; what is no number stands after a `+`."""
    found = _VERSION.fullmatch(version)
    numbers = [int(each or 0) for each in found.groups()[:3]] if found else [0, 0, 0]
    rest = (found[4] if found else version) or ""
    more = ".".join(part for part in re.sub(r"[^0-9A-Za-z.-]", "-", rest).split(".") if part)
    return ".".join(map(str, numbers)) + (f"+{more}" if more else "")


class _Chart:
    def __init__(self, mapped: Mapped, variables: Sequence[SiteVariable]) -> None:
        self._mapped = mapped
        self._values = Declarations()
        self._site = SiteValues(variables, _used(mapped), mapped.in_files)
        defaults = {each.name: each.default for each in variables if each.default is not None}
        self._workloads = Workloads(self._values, mapped.objects, defaults)

    def write(self) -> dict[str, str]:
        self._declare_common()
        templates: dict[str, str] = {}
        for made in self._mapped.objects:
            templates |= self._templates(made)
        if self._site.has_secrets:
            templates["templates/20-secret-site-secrets.yaml"] = self._secrets()
        helpers = files("bundler_kubernetes.chart").joinpath("helpers.tpl").read_text("utf-8")
        if self._site.has_secrets:
            helpers += f"\n{self._site.declared_secrets()}"
        return {
            "Chart.yaml": self._chart("".join(templates.values())),
            "values.yaml": values_yaml(self._values, self._head()),
            "values.schema.json": values_schema(self._values),
            "README.md": page(self._mapped, table(self._values), has_secrets=self._site.has_secrets),
            "templates/_helpers.tpl": helpers,
            **templates,
        }

    def _chart(self, templates: str) -> str:
        mapped = self._mapped
        oldest = max([OLDEST, *(version for word, version in _NEWER.items() if f" {word}" in templates)])
        described = {
            "apiVersion": "v2",
            "name": mapped.name,
            "description": mapped.title or mapped.name,
            "type": "application",
            "version": chart_version(mapped.version),
            "appVersion": mapped.version,
            "kubeVersion": f">=1.{oldest}.0-0",
        }
        return "".join(f"{key}: {_quoted(value)}\n" for key, value in described.items())

    def _head(self) -> str:
        title = self._mapped.title or self._mapped.name
        return f"Values of {title} {self._mapped.version}. A key that does not stand here is refused."

    def _declare_common(self) -> None:
        add = self._values.add
        self._values.group(("image",), "Where images come from.")
        add(
            ("image", "registry"), "", {"type": "string", "pattern": "^$|^[a-z0-9][a-z0-9.:/_-]*$"},
            "Registry of the site and the folder in it, such as harbor.bank.example/apps, to which the "
            "images were pushed; empty where the nodes have the images.",
        )  # fmt: skip
        add(
            ("image", "pullSecrets"), [],
            {**MAPS, "items": {"type": "object", "required": ["name"], "properties": {"name": TEXT}}},
            "Secrets with logins for the registry: a list of `name: NAME`.",
        )  # fmt: skip
        self._site.declare(self._values)
        kinds = {each.kind for each in self._mapped.objects}
        if any(each.path[0] == "expose" for each in self._mapped.settings):
            self._values.group(("expose",), "How published ports are reached from outside.")
        if "Ingress" in kinds:
            self._values.group(
                ("ingress",), "Published ports by names, through the Ingress controller of the cluster."
            )
            add(("ingress", "enabled"), default=False, schema=SWITCH, about="Whether there are Ingresses.")
        if "NetworkPolicy" in kinds:
            about = "Whether only services of a common network reach each other."
            add(("networkPolicy", "enabled"), default=True, schema=SWITCH, about=about)
        if "PersistentVolumeClaim" in kinds:
            self._values.group(("persistence",), "Volumes. `helm uninstall` leaves them.")
        for setting in self._mapped.settings:
            self._declare_setting(setting)
        self._values.group(("services",), "Each service of the application.")

    def _declare_setting(self, setting: Setting) -> None:
        if setting.kind == "namespace":
            return
        schema = (
            {"type": "string", "enum": list(setting.choices)} if setting.choices else _SETTINGS[setting.kind]
        )
        default = None if setting.default == "null" else setting.default
        about = setting.about[:1].upper() + setting.about[1:] + "."
        self._values.add(setting.path, default, schema, about)

    def _templates(self, made: KubeObject) -> list[tuple[str, str]]:
        """Return the templates of an object, and of those that only a chart has beside it."""
        conditions = []
        body, extra = made.body, list[Body]()
        if made.when == "ingress":
            conditions.append("$.Values.ingress.enabled")
        if made.kind in {"Deployment", "Job"}:
            body, extra = self._workloads.take(made)
        elif made.kind == "NetworkPolicy":
            conditions.append("$.Values.networkPolicy.enabled")
        elif made.kind == "PodDisruptionBudget":
            body = take_budget(body)
            conditions.append(f"{SERVICE}.podDisruptionBudget.enabled")
        elif made.kind == "HorizontalPodAutoscaler":
            body = take_scaler(body)
            conditions.append(f"{SERVICE}.autoscaling.enabled")
        elif made.kind == "PersistentVolumeClaim":
            body = {**body, "metadata": {**body["metadata"], "annotations": KEEP}}
        found = [(_path(made), self._template(body, made.service, conditions))]
        for each in extra:
            part = "autoscaling" if each["kind"] == "HorizontalPodAutoscaler" else "podDisruptionBudget"
            beside = KubeObject(made.stage, each, made.service)
            found.append((_path(beside), self._template(each, made.service, [f"{SERVICE}.{part}.enabled"])))
        return found

    def _template(self, body: Body, service: str, conditions: Sequence[str]) -> str:
        text = write(self._leaves(body))
        if conditions:
            both = f"and {' '.join(conditions)}" if len(conditions) > 1 else conditions[0]
            text = f"{{{{- if {both} }}}}\n{text}{{{{- end }}}}\n"
        if service and f"{SERVICE}." in text:
            text = f"{{{{- {SERVICE} := {values(('services', service))[1:-1]} -}}}}\n{text}"
        return text

    def _leaves(self, value: Any) -> Any:  # noqa: ANN401 any part of an object
        """Return a part of an object with each leaf as the chart writes it."""
        if isinstance(value, Only):
            return Only(value.condition, self._leaves(value.value))
        if isinstance(value, Mapping):
            return {key: self._leaf_of(key, item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._leaves(item) for item in value]
        return self._leaf(value)

    def _leaf(self, value: Any) -> Any:  # noqa: ANN401 any leaf
        if isinstance(value, SiteText):
            text = self._site.texts.write(value)
            return Expression(f"int {text}", bare=True) if value.bare else Expression(text)
        if isinstance(value, Checksum):
            return Expression(self._checksum(value))
        if isinstance(value, ImageName):
            names = f"{literal(value.tag)} {literal(pushed_name(value.tag))}"
            return Expression(f'include "bundle.image" (list $ {names})')
        return self._setting(value) if isinstance(value, Setting) else value

    def _leaf_of(self, key: str, value: Any) -> Any:  # noqa: ANN401 any part of an object
        if isinstance(value, Setting) and value.default == "null" and value.kind != "namespace":
            return Only(values(value.path)[1:-1], self._setting(value))
        if key == "app.kubernetes.io/managed-by":
            return Expression("$.Release.Service")
        return self._leaves(value)

    def _setting(self, setting: Setting) -> Expression:
        if setting.kind == "namespace":
            return Expression("$.Release.Namespace")
        if setting.kind == "port":
            return Expression(f"int {values(setting.path)}", bare=True)
        return Expression(values(setting.path)[1:-1])

    def _checksum(self, value: Checksum) -> str:
        """Return the checksum of the templates that a pod reads."""
        wanted = set(value.objects)
        read = [
            f"(include (print $.Template.BasePath {literal(_path(each).removeprefix('templates'))}) $)"
            for each in self._mapped.objects
            if (each.kind, each.name) in wanted
        ]
        return f"print {' '.join(read)} | sha256sum"

    def _secrets(self) -> str:
        """Return the Secret that keeps what the chart made."""
        labels = "".join(
            f"    {scalar(key)}: {{{{ $.Release.Service }}}}\n"
            if key.endswith("/managed-by")
            else f"    {scalar(key)}: {scalar(value)}\n"
            for key, value in self._mapped.objects[0].body["metadata"]["labels"].items()
        )
        return (
            '{{- include "bundle.all" $ -}}\n{{- if $.Values.made }}\napiVersion: v1\nkind: Secret\n'
            f"metadata:\n  name: site-secrets\n  labels:\n{labels}"
            "  annotations:\n    helm.sh/resource-policy: keep\n"
            "type: Opaque\ndata:\n{{- range $name, $value := $.Values.made }}\n"
            "  {{ $name }}: {{ $value | b64enc }}\n{{- end }}\n{{- end }}\n"
        )


def _used(mapped: Mapped) -> frozenset[str]:
    """Return the site variables that templates have: for a number of replicas there is a value of its own."""
    found: frozenset[str] = frozenset()
    for made in mapped.objects:
        body = made.body
        if made.kind == "Deployment":
            body = {**body, "spec": {key: each for key, each in body["spec"].items() if key != "replicas"}}
        found |= names_in(body)
    return found


def _path(made: KubeObject) -> str:
    return f"templates/{made.stage:02d}-{made.kind.lower()}-{made.name}.yaml"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
