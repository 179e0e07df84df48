"""Values of the site that containers read: each stands in a ConfigMap or a Secret, never in the pod itself.

Kubernetes replaces `$(NAME)` and `$$` in the arguments and the environment of a container, once
(k8s.io/kubernetes, third_party/forked/golang/expansion/expand.go). A value of the site could contain either,
so it comes from an object, where nothing is replaced.
"""

from __future__ import annotations

from bundler.language import tr
from bundler_kubernetes.context import Context, Workload
from bundler_kubernetes.names import VARIABLE
from bundler_kubernetes.objects import Body, KubeObject, Stage
from bundler_kubernetes.text import SiteText, Text


class HeldValues:
    """The environment of one container.

    Attributes:
        env: as the container has it.
    """

    def __init__(self, context: Context, workload: Workload) -> None:
        self._context = context
        self._workload = workload
        self._plain: dict[str, Text] = {}
        self._secret: dict[str, Text] = {}
        self.env: list[Body] = []

    def add(self, name: str, value: Text) -> None:
        """Add a variable of the environment."""
        if not VARIABLE.fullmatch(name):
            self._context.findings.refuse(
                self._workload.subject, "environment", tr("{name!r} is not a name of a variable", name=name)
            )
            return
        if isinstance(value, str):
            self.env.append({"name": name, "value": escape_dollars(value)})
            return
        secret = self._context.is_secret(value)
        (self._secret if secret else self._plain)[name] = value
        kind = "secretKeyRef" if secret else "configMapKeyRef"
        self.env.append({"name": name, "valueFrom": {kind: {"name": self.object_name, "key": name}}})

    def word(self, word: str | SiteText, name: str) -> str:
        """Return a word of `command` or `args`; a value of the site becomes `$(NAME)` of the environment."""
        if isinstance(word, str):
            return escape_dollars(word)
        self.add(name, word)
        return f"$({name})"

    @property
    def object_name(self) -> str:
        """Return the name of the ConfigMap and of the Secret."""
        return f"{self._workload.name}-values"

    def write(self) -> list[KubeObject]:
        """Add the objects, and return them."""
        made = []
        for kind, key, values in (("ConfigMap", "data", self._plain), ("Secret", "stringData", self._secret)):
            if values:
                content = {"type": "Opaque", key: values} if kind == "Secret" else {key: values}
                made.append(
                    self._context.add(Stage.CONFIGURATION, kind, self.object_name, content, of=self._workload)
                )
        return made


def escape_dollars(text: str) -> str:
    """Return a text that Kubernetes reads as it is meant."""
    return text.replace("$", "$$") if "$$" in text or "$(" in text else text
