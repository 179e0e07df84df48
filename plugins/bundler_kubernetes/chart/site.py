"""The site variables of an application as values of a chart; secrets are made in the cluster instead."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from bundler.api.variable import SiteVariable
from bundler_kubernetes.chart.declared import Declarations, Schema
from bundler_kubernetes.chart.expressions import Texts
from bundler_kubernetes.files import SAFE_VALUE

_KINDS: Final[Mapping[str, Schema]] = {
    "port": {"type": ["string", "integer"], "pattern": "^[0-9]{1,5}$", "minimum": 1, "maximum": 65535},
    "integer": {"type": ["string", "integer"], "pattern": "^-?[0-9]+$"},
    "boolean": {"type": ["string", "boolean"], "enum": ["true", "false", True, False]},
    "path": {"type": "string", "pattern": "^/"},
    "host": {"type": "string", "pattern": "^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+)$"},
}
_UNDERSCORES: Final = "^([A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:]+)$"
_SAFE: Final = f"^{SAFE_VALUE}$"
SECRETS: Final = (
    "Passwords and keys of the application are made in the cluster at the first installation, and kept "
    "in the Secret site-secrets. None of them stands in these values."
)


def made_in_cluster(variable: SiteVariable) -> bool:
    """Whether the value of a variable is made once, and kept in a Secret; a name of a host is not."""
    return variable.kind == "secret" or variable.generator not in {None, "fqdn"}


class SiteValues:
    """The site variables that occur in a chart.

    Attributes:
        texts: writes texts with them.
    """

    def __init__(
        self, variables: Sequence[SiteVariable], names: Collection[str], in_files: Mapping[str, Sequence[str]]
    ) -> None:
        """Take the variables with these names; those of `in_files` stand in files with a format."""
        self._variables = [each for each in variables if each.name in names]
        self._in_files = in_files
        self._secrets = [each for each in self._variables if made_in_cluster(each)]
        required = {
            each.name: f"site.{each.name}: {self._about(each)}: give a value"
            for each in self._variables
            if not made_in_cluster(each) and self._is_required(each)
        }
        needed = {
            each.name: f"secrets.existingSecret: {self._about(each)}: the Secret needs the key {each.name}"
            for each in self._secrets
            if each.required and each.generator is None
        }
        self.texts = Texts(frozenset(each.name for each in self._secrets), {**required, **needed})

    def declare(self, declarations: Declarations) -> None:
        """Declare what the site can say."""
        plain = [each for each in self._variables if not made_in_cluster(each)]
        if plain:
            declarations.group(("site",), "What the application asks of the site.")
        for each in plain:
            default = self._default(each)
            declarations.add(("site", each.name), default, self._schema(each), self._about(each))
        if self._secrets:
            declarations.group(("secrets",), SECRETS)
            names = ", ".join(each.name for each in self._secrets)
            declarations.add(
                ("secrets", "existingSecret"), "", {"type": "string"},
                f"A Secret of the namespace whose keys are taken instead, any of: {names}.",
            )  # fmt: skip

    def declared_secrets(self) -> str:
        """Return the template that says how each secret is made."""
        how = {}
        for each in self._secrets:
            kind, _, amount = (each.generator or "given").partition(":")
            pattern = f"^(?:{each.pattern})$" if each.pattern else ""
            if each.name in self._in_files:
                pattern = _SAFE
            how[each.name] = {"kind": kind, "amount": int(amount or 0), "pattern": pattern}
        listed = "".join(f"{json.dumps(name)}: {json.dumps(each)}\n" for name, each in how.items())
        return f'{{{{- define "bundle.declared" -}}}}\n{listed.replace("{{", "{ {")}{{{{- end -}}}}\n'

    @property
    def has_secrets(self) -> bool:
        """Whether there are any."""
        return bool(self._secrets)

    def _schema(self, variable: SiteVariable) -> Schema:
        schema: Schema = dict(_KINDS.get(variable.kind, {"type": "string"}))
        if variable.kind == "host" and variable.pattern and "_" in variable.pattern:
            schema["pattern"] = _UNDERSCORES
        if variable.choices:
            schema["enum"] = list(variable.choices)
        rules: list[Any] = [{"pattern": "^[^\\n]*$"}] if schema.get("type") == "string" else []
        if variable.pattern:
            rules.append({"pattern": f"^(?:{variable.pattern})$"})
        if variable.name in self._in_files:
            rules.append({"pattern": _SAFE})
        if rules:
            schema["allOf"] = rules
        return schema if self._default(variable) else {"anyOf": [{"enum": ["", None]}, schema]}

    def _default(self, variable: SiteVariable) -> str | None:
        """Return the default; empty if there is none, and null if the variable is then not set."""
        if self._is_required(variable):
            return ""
        return variable.default if variable.default is not None else None if variable.unset else ""

    def _is_required(self, variable: SiteVariable) -> bool:
        """Whether the site must say something: there is no default, or none that its files can have."""
        if variable.default is None:
            return variable.required or variable.generator == "fqdn"
        return variable.name in self._in_files and not re.fullmatch(SAFE_VALUE, variable.default)

    def _about(self, variable: SiteVariable) -> str:
        text = variable.prompt.en if variable.prompt else variable.name
        more = ["required"] if self._is_required(variable) else []
        if variable.choices:
            more.append(f"one of {', '.join(variable.choices)}")
        if variable.default_is:
            more.append(f"without it: {variable.default_is}")
        if variable.name in self._in_files and not made_in_cluster(variable):
            more.append("without blanks and quotes, since configuration files have it")
        return re.sub(r"\s+", " ", text + (f" ({'; '.join(more)})" if more else ""))
