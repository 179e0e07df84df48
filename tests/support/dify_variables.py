"""List the variables that Dify's programs read, with their defaults and with upstream's deployed values.

    python -m tests.support.dify_variables DIFY PLUGIN_DAEMON SANDBOX

writes `tests/oracles/dify/variables.tsv` from checkouts of the three public repositories. The list contains
facts only, none of their text. A reader stands for the settings classes, entry points and configuration code
that read a service's environment; `deployed` is the value in upstream's example env files and Compose file.
"""

from __future__ import annotations

import ast
import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parents[1] / "oracles/dify/variables.tsv"
UNKNOWN = "?"
"""A default that is computed or defined elsewhere."""
NONE = "-"

SHARED = ("core-services/shared", "security", "databases/db-postgres", "databases/redis")
STORES = ("weaviate", "qdrant", "pgvector", "milvus")
ENV_FILES = {
    # reader: service of the Compose file, and its env files in the order in which they are read
    "api": ("api", (*SHARED, "core-services/api", *(f"vectorstores/{one}" for one in STORES))),
    "web": ("web", ("core-services/web", "security")),
    "plugin_daemon": ("plugin_daemon", (*SHARED, "core-services/plugin-daemon")),
    "agent_backend": ("agent_backend", ("core-services/dify-agent", "security", "databases/redis")),
    "local_sandbox": ("local_sandbox", ("core-services/local-sandbox",)),
    "sandbox": ("sandbox", ("core-services/sandbox", "security")),
}


@dataclass(frozen=True)
class Variable:
    """A variable that a program reads."""

    reader: str
    name: str
    default: str
    alias_of: str = NONE


def main(dify: Path, daemon: Path, sandbox: Path) -> None:
    """Write the list."""
    found: dict[tuple[str, str], Variable] = {}
    readers = (
        _settings("api", dify / "api/configs"),
        _shell("api", dify / "api/docker/entrypoint.sh"),
        _web(dify / "web"),
        _settings("agent_backend", dify / "dify-agent/src/dify_agent/server", "DIFY_AGENT_"),
        _constants("local_sandbox", dify / "dify-agent-runtime/internal", r'= "(SHELLCTL_[A-Z_]+)"'),
        _daemon(daemon / "internal/types/app"),
        _constants("sandbox", sandbox / "internal/static", r'os\.Getenv\("([A-Z0-9_]+)"\)'),
    )
    for variable in chain(*readers):
        found.setdefault((variable.reader, variable.name), variable)
    deployed = {reader: _deployed(dify / "docker", *files) for reader, files in ENV_FILES.items()}
    FILE.parent.mkdir(parents=True, exist_ok=True)
    rows = ["#reader\tvariable\tdefault\tdeployed\talias_of"]
    for (reader, name), variable in sorted(found.items()):
        says = deployed[reader].get(name)
        rows.append("\t".join((reader, name, variable.default, _cell(says), variable.alias_of)))
    FILE.write_text("\n".join(rows) + "\n", encoding="utf-8")


def _cell(value: str | None) -> str:
    """Format a value for the list: `""` if it is empty, `-` if there is none."""
    if value is None:
        return NONE
    return re.sub(r"\s+", " ", value) or '""'


def _settings(reader: str, folder: Path, prefix: str = "") -> Iterator[Variable]:
    """Yield the fields of pydantic settings classes."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                for field in node.body:
                    if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                        yield from _field(reader, field.target.id, field.value, prefix)


def _field(reader: str, name: str, value: ast.expr | None, prefix: str) -> Iterator[Variable]:
    own = prefix + name.upper()
    read = name.isupper() or (bool(prefix) and name.islower() and name != "model_config")
    default, names = _default(value), [own] if read else []
    if isinstance(value, ast.Call):
        words = {word.arg: word.value for word in value.keywords}
        default = _default(words.get("default", value.args[0] if value.args else None))
        alias = words.get("validation_alias", words.get("alias"))
        if isinstance(alias, ast.Call):
            names = [str(ast.literal_eval(choice)) for choice in alias.args]
        elif alias is not None:
            names = [str(ast.literal_eval(alias))]
    for one in names:
        yield Variable(reader, one, default, NONE if one == names[0] else names[0])


def _default(value: ast.expr | None) -> str:
    try:
        found: Any = ast.literal_eval(value) if value is not None else None
    except ValueError:
        return _product(ast.unparse(value)) if value is not None else UNKNOWN
    if found is None or found is Ellipsis:
        return NONE
    return _cell(str(found).lower() if isinstance(found, bool) else str(found))


def _product(text: str) -> str:
    """Evaluate a product such as `50 * 1024 * 1024`."""
    if re.fullmatch(r"\d+(?: \* \d+)+", text) is None:
        return UNKNOWN
    return str(math.prod(map(int, text.split(" * "))))


def _shell(reader: str, path: Path) -> Iterator[Variable]:
    """Yield the variables that an entry point expands and does not set itself."""
    text = re.sub(r"^\s*#.*$", "", path.read_text(), flags=re.MULTILINE)
    own = set(re.findall(r"^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)=", text, re.MULTILINE))
    for name, default in re.findall(r"\$\{([A-Z][A-Z0-9_]*)(?:,,)?(?::-([^${}]*))?\}?", text):
        if name not in own or f"{name}=${{{name}" in text:
            yield Variable(reader, name, _cell(default) if default else NONE)


def _web(folder: Path) -> Iterator[Variable]:
    """Yield the variables of the page, and those from which its entry point sets them."""
    schema = {
        found[1]: _cell(found[2].strip("'\"")) if found[2] else NONE
        for line in (folder / "env.ts").read_text(encoding="utf-8").splitlines()
        if (found := re.match(r"\s*([A-Z][A-Z0-9_]+): (?:z\.|coerced).*?(?:\.default\(([^)]*)\))?,?$", line))
    }
    for name, default in schema.items():
        yield Variable("web", name, default)
    entry = folder / "docker/entrypoint.sh"
    made = dict(re.findall(r"^export (NEXT_PUBLIC_\w+)=\$\{([A-Z]\w+)\}$", entry.read_text(), re.MULTILINE))
    for public, name in made.items():
        yield Variable("web", name, schema.get(public, NONE))
    yield from _shell("web", entry)


def _constants(reader: str, folder: Path, pattern: str) -> Iterator[Variable]:
    for path in sorted(folder.rglob("*.go")):
        if not path.name.endswith("_test.go"):
            for name in re.findall(pattern, path.read_text(encoding="utf-8")):
                yield Variable(reader, name, UNKNOWN)


def _daemon(folder: Path) -> Iterator[Variable]:
    """Yield the variables named by field tags of the configuration, with defaults that are set later."""
    later = dict(
        re.findall(r"setDefault\w+\(&config\.(\w+), ([^)\n]+)\)", (folder / "default.go").read_text())
    )
    tags = re.compile(r'^\s*(\w+)\s+\S+\s+`envconfig:"(\w+)"(?:\s+default:"([^"]*)")?', re.MULTILINE)
    for field, name, default in tags.findall((folder / "config.go").read_text()):
        value = later.get(field, "").strip('"')
        yield Variable("plugin_daemon", name, default or (_cell(value) if value else NONE))


def _deployed(folder: Path, service: str, files: tuple[str, ...]) -> dict[str, str]:
    """Return what upstream's examples and Compose file set for a service, including secrets."""
    found: dict[str, str] = {}
    for name in files:
        for line in (folder / f"envs/{name}.env.example").read_text(encoding="utf-8").splitlines():
            if "=" in line and not line.startswith("#"):
                key, _, value = line.partition("=")
                found[key] = value
    for line in (folder / ".env.example").read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[key] = value
    document = yaml.safe_load((folder / "docker-compose.yaml").read_text(encoding="utf-8"))
    said = document["services"][service].get("environment", {})
    pairs = said.items() if isinstance(said, dict) else (word.split("=", 1) for word in said)
    for key, value in pairs:
        found[key] = _expanded(str(value), found)
    return found


def _expanded(value: str, known: dict[str, str]) -> str:
    """Expand `${NAME:-default}` from the inside out, as Compose does."""
    innermost = re.compile(r"\$\{(\w+):-([^${}]*)\}")
    while found := innermost.search(value):
        value = value[: found.start()] + (known.get(found[1]) or found[2]) + value[found.end() :]
    return value


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
