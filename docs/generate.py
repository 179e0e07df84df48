"""Generates pages of docs/reference from models, commands and tables: profile, commands, preflight, keys.

`python docs/generate.py` writes them; with `--check`, it only reports whether they are up to date.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import inspect
import json
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

DOCS: Final = Path(__file__).resolve().parent
ROOT: Final = DOCS.parent
REFERENCE: Final = DOCS / "reference"
COMMAND: Final = "python docs/generate.py"
NOTICE: Final = f"<!-- Written by `{COMMAND}`. Edit the docstrings and help texts instead. -->"

for _folder in (ROOT / "plugins", ROOT):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

import click  # noqa: E402 after sys.path
from pydantic import BaseModel  # noqa: E402 after sys.path

from bundler.profile.configuration import Configuration  # noqa: E402 after sys.path
from bundler.profile.schema import file_model  # noqa: E402 after sys.path
from bundler.profile.values import parse_duration, parse_mode, parse_moment, parse_size  # noqa: E402 after sys.path
from docs.compose_page import key_tables  # noqa: E402 after sys.path
from docs.kubernetes_page import mapping_table  # noqa: E402 after sys.path

RULES: Final = """\
A profile is a YAML file. `bundle build --profile finance` looks for `finance.yaml` in `./profiles`, then in
`$XDG_CONFIG_HOME/bundle/profiles` (`~/.config/bundle/profiles`), then among the built-in profiles. A name
with a `/`, or one that ends in `.yaml` or `.yml`, is a path. `bundle profiles` lists the profiles that can
be named.

```yaml
# profiles/our-bank.yaml
extends: finance
version: "1.17.1"
settings:
  replicas: 3
sources+: [archive]
```

## Inheriting

`extends` names one profile or a list of them, by name or by a path relative to the folder of the file.
Later profiles in the list take precedence over earlier ones, and the file itself over all of them; a file
that is reached in two ways counts once, at its first place. A profile that extends its own name extends the
next one of that name on the search path, so `./profiles/finance.yaml` can extend the built-in `finance`.

| written | effect on the inherited value |
|---|---|
| `key: {a: 1}` | mappings merge, key by key, by the same rules |
| `key: 1`, `key: [a]` | scalars and lists are replaced |
| `key+: [a]` | appended to the inherited list; `sources+` also to its default |
| `key: null` | removed: the default applies again |

`name`, `title` and `description` are not inherited. The rules do not apply inside lists: an item is
replaced or kept as a whole. A key without a value is an error, because it may be a slip: write `null`
or `""`.

## On the command line

`--set key=value` takes precedence over all files. Parts of the key are separated by dots; a part with a dot
is quoted: `--set 'registries.mirrors."docker.io"=mirror.example:5000'`. The value is a scalar, a list
`[a, b]` or a mapping `{a: 1}`; for a text field, a number stays text: `--set version=1.10`.
`--set key+=value` appends, `--set key=null` removes, and `--set key=` sets the empty text.

## Paths

A relative path is relative to the folder of the file that has it, also if it is inherited; in `--set`, to
the working folder. This applies to every field of type *path*, also in the settings of applications.

## Values

Quote text that YAML would read as something else: unquoted, `1.10` is the number 1.1, and `yes`, `no`,
`on`, `off` are true and false. Dates and numbers with a leading zero are text. Anchors, aliases and `<<`
work within a file; tags are not supported. A file has at most 1 MiB.
"""

CONFIGURATION: Final = """\
What holds for many profiles stands in one of two files with the same keys: `~/.config/bundle/config.toml`
(`$XDG_CONFIG_HOME/bundle/config.toml`, or the file that `$BUNDLE_CONFIG` names; empty for none), and the
table `[tool.bundle]` of a project's `pyproject.toml`. The project is the folder of the profile, or the one
above it if that is named `profiles`; for built-in profiles and for commands without a profile, it is the
working folder.

```toml
# ~/.config/bundle/config.toml
keys = ["~/keys/bundle.key"]
trusted_keys = ["~/keys/bundle.pub"]

[registries.mirrors]
"docker.io" = "mirror.example:5000"
```

A value comes from the first of: command line, environment (`BUNDLE_KEY`, `BUNDLE_CACHE`), profile, project,
user, default. This holds for mirrors host by host; `registries.insecure` adds up. Relative paths start from
the folder of the file. `bundle config` shows what holds, and where each value comes from. An unknown key is
an error.
"""


# ---------------------------------------------------------------- profiles


def profile_reference() -> str:
    """Return the page about profiles, with the settings of this repository's applications."""
    values = [
        f"- **{name}**: {' '.join(_paragraphs(parser))}"
        for name, parser in (
            ("size", parse_size),
            ("duration", parse_duration),
            ("date", parse_moment),
            ("file mode", parse_mode),
        )
    ]
    parts = ["# Profile reference", NOTICE, RULES.strip(), "\n".join(values), "## Keys"]
    parts += _model_sections(file_model(packer_models()), "", level=3)
    for name, model in sorted(application_models().items()):
        parts += [f"## Settings of `{name}`", _docstring(model)]
        parts += _model_sections(model, "settings", level=3)
    parts += ["## Configuration of users and projects", CONFIGURATION.strip()]
    parts += _model_sections(Configuration, "", level=3)
    return "\n\n".join(part for part in parts if part) + "\n"


def application_models() -> dict[str, type[BaseModel]]:
    """Return the settings models of this repository's applications, by name."""
    return {each.name: each.settings_model for each in _provided("bundler_applications")}


def packer_models() -> list[type[BaseModel]]:
    """Return the profile models with the sections of this repository's packers."""
    return [packer.profile_model for packer in _provided("bundler_packers")]


def _provided(hook: str) -> Iterator[Any]:
    """Yield what the plugins of this repository's distribution provide for a hook.

    The plugins are read from pyproject.toml, so that the page does not depend on other installed plugins. A
    plugin that is missing or incomplete is skipped.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for name in project["entry-points"]["bundler.plugins"].values():
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] == name.partition(".")[0]:
                continue
            raise
        yield from getattr(module, hook, list)()


def _paragraphs(function: object) -> list[str]:
    """Return the paragraphs of a parser's docstring, without its `Raises:` section."""
    text = (inspect.getdoc(function) or "").partition("\nRaises:")[0]
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def _docstring(model: type[BaseModel]) -> str:
    return inspect.getdoc(model) or ""


def _model_sections(model: type[BaseModel], prefix: str, level: int) -> Iterator[str]:
    """Yield a table of the model's keys, then one for each nested model."""
    schema = model.model_json_schema()
    definitions: dict[str, dict[str, Any]] = schema.get("$defs", {})
    places: dict[str, list[str]] = {}
    queue: list[tuple[str, str | None]] = [(prefix, None)]
    for path, name in queue:  # grows during the iteration
        for key, field in (definitions[name] if name else schema).get("properties", {}).items():
            for below, reference in _references(field, f"{path}.{key}" if path else key):
                if reference not in places:
                    queue.append((below, reference))
                places.setdefault(reference, []).append(below)
    yield _table(schema, definitions)
    for _, name in queue[1:]:
        definition = definitions[str(name)]
        if definition.get("properties"):
            paths = ", ".join(f"`{path}`" for path in dict.fromkeys(places[str(name)]))
            yield f"{'#' * level} {paths}"
            yield str(definition.get("description", ""))
            yield _table(definition, definitions)


def _references(field: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    if "$ref" in field:
        yield path, field["$ref"].rpartition("/")[2]
    for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for one in field.get(word, ()):
            yield from _references(one, path)
    if isinstance(field.get("items"), dict):
        yield from _references(field["items"], path + "[]")
    if isinstance(field.get("additionalProperties"), dict):
        yield from _references(field["additionalProperties"], path + ".*")


def _table(definition: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    required = definition.get("required", ())
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, field in definition["properties"].items():
        default = "required" if key in required else _default(field)
        cells = (f"`{key}`", _type(field, definitions), default, field.get("description", ""))
        rows.append("| " + " | ".join(map(_cell, cells)) + " |")
    return "\n".join(rows)


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    if default is None or default in ({}, [], "") or isinstance(default, dict):
        return ""
    if field.get("format") == "file mode":
        return f"`{default:04o}`"
    return f"`{default}`" if isinstance(default, str) else f"`{json.dumps(default)}`"


def _type(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return a field's type in words."""
    kind = field.get("type", "any value")
    words = {"string": "text", "boolean": "true/false"}.get(str(kind), str(kind))
    alternatives = [one for word in ("anyOf", "oneOf", "allOf") for one in field.get(word, ())]
    if "$ref" in field:
        target = definitions[field["$ref"].rpartition("/")[2]]
        words = "mapping" if target.get("properties") else _type(target, definitions)
    elif alternatives:
        kinds = [_type(one, definitions) for one in alternatives if one.get("type") != "null"]
        words = " or ".join(dict.fromkeys(kinds))
    elif "const" in field or "enum" in field:
        words = ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    elif "format" in field:
        words = str(field["format"])
    elif kind == "array":
        items = field.get("items")
        words = f"list of {_type(items, definitions)}" if isinstance(items, dict) else "list"
    elif kind == "object":
        values = field.get("additionalProperties")
        words = "mapping"
        if isinstance(values, dict) and values:
            words = f"mapping to {_type(values, definitions)}"
    return words


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# ---------------------------------------------------------------- commands


def command_reference() -> str:
    """Return the page about the commands, from click's definitions."""
    from bundler.cli.language import localised  # noqa: PLC0415 only for this page
    from bundler.cli.main import bundle  # noqa: PLC0415 likewise

    parts = ["# Command reference", NOTICE, *_command(localised(bundle), "bundle", None)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _command(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    yield f"## {context.command_path}"
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"```\n{usage}\n```"
    yield _prose(command.help)
    records = [
        record
        for param in command.get_params(context)
        if (record := param.get_help_record(context)) is not None
    ]
    if records:
        rows = [f"| `{_cell(options)}` | {_cell(text)} |" for options, text in records]
        yield "\n".join(["| option | meaning |", "|---|---|", *rows])
    yield _prose(command.epilog)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None and not found.hidden:
                yield from _command(found, below, context)


def _prose(text: str | None) -> str:
    r"""Convert a help text of click to prose: `\b` keeps the lines of its paragraph, `\f` ends the text."""
    clean = inspect.cleandoc((text or "").partition("\f")[0])
    paragraphs = []
    for paragraph in clean.split("\n\n"):
        lines = paragraph.strip("\n").splitlines()
        if lines and lines[0].strip() == "\b":
            paragraphs.append("\n".join(["```", *lines[1:], "```"]))
        else:
            paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


# ---------------------------------------------------------------- preflight

MARK: Final = f"<!-- What follows is written by `{COMMAND}` from the installer's catalogue. -->"
KEYS: Final = f"<!-- What follows is written by `{COMMAND}` from the table of keys in plugins/"
MAPPING_MARK: Final = f"{KEYS}bundler_kubernetes/keys.py. -->"
KEYS_MARK: Final = f"{KEYS}bundler_compose/keys. -->"


def preflight_reference() -> str:
    """Return the page about the preflight: the part written by hand, then all checks of the installer."""
    from bundler_installer.assemble import catalogue  # noqa: PLC0415 the other pages do not need it
    from bundler_installer.checks import CHECKS, PROBES  # noqa: PLC0415 likewise

    texts = catalogue("en")
    rows = ["| id | check | required | recommended | remedy |", "|---|---|---|---|---|"]
    for check in (*CHECKS, *PROBES):
        cells = (
            f"`{check.id}`",
            texts[f"check.{check.id}"],
            check.asks or check.required or "",
            check.advises or check.recommended or "",
            texts.get(f"remedy.{check.id}", "").replace("%s", "..."),
        )
        rows.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return _after_what_is_written("preflight.md", rows)


def preflight_reference_in_chinese() -> str:
    """Return the same page in Chinese. Only the English page lists required and recommended values."""
    from bundler_installer.assemble import catalogue  # noqa: PLC0415 the other pages do not need it
    from bundler_installer.checks import CHECKS, PROBES  # noqa: PLC0415 likewise

    texts = catalogue("zh")
    rows = ["| id | 检查项 | 处理办法 |", "|---|---|---|"]
    for check in (*CHECKS, *PROBES):
        remedy = texts.get(f"remedy.{check.id}", "").replace("%s", "...")
        rows.append(f"| `{check.id}` | {_cell(texts[f'check.{check.id}'])} | {_cell(remedy)} |")
    return _after_what_is_written("preflight.zh.md", rows)


def _after_what_is_written(page: str, rows: Iterable[str], mark: str = MARK) -> str:
    """Return the part of a page that is written by hand, followed by tables."""
    written = (REFERENCE / page).read_text("utf-8").partition(mark)[0]
    return f"{written}{mark}\n\n" + "\n".join(rows) + "\n"


# ---------------------------------------------------------------- files


def pages() -> dict[Path, str]:
    """Return the expected content of each generated page, by path."""
    return {
        REFERENCE / "profile.md": profile_reference(),
        REFERENCE / "commands.md": command_reference(),
        REFERENCE / "preflight.md": preflight_reference(),
        REFERENCE / "preflight.zh.md": preflight_reference_in_chinese(),
        **{
            REFERENCE / page: _after_what_is_written(page, mapping_table(language), MAPPING_MARK)
            for page, language in (("kubernetes.md", "en"), ("kubernetes.zh.md", "zh"))
        },
        REFERENCE / "compose.md": _after_what_is_written("compose.md", key_tables(), KEYS_MARK),
        REFERENCE / "compose.zh.md": _after_what_is_written(
            "compose.zh.md", key_tables(chinese=True), KEYS_MARK
        ),
    }


def stale() -> dict[Path, str]:
    """Return the diffs of the outdated pages, by path."""
    found = {}
    for path, text in pages().items():
        there = path.read_text("utf-8") if path.exists() else ""
        if there != text:
            lines = difflib.unified_diff(
                there.splitlines(), text.splitlines(), "is", "should be", lineterm="", n=0
            )
            found[path] = "\n".join(lines)
    return found


def main() -> int:
    """Write or check the pages, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is outdated")
    arguments = parser.parse_args()
    outdated = stale()
    for path, difference in outdated.items():
        if arguments.check:
            sys.stderr.write(f"{path.name} is outdated:\n{difference}\nrun: {COMMAND}\n")
        else:
            path.write_text(pages()[path], "utf-8")
            sys.stdout.write(f"wrote {path.name}\n")
    return 1 if outdated and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
