"""The catalogue of translations: `python tools/messages.py` updates it, `--check` says if it is up to date.

The templates come from the code: `tr("...")`, `tr.plural("...", "...", ...)` and `tr_later("...")`; from the
commands, with their options and their help; from the descriptions of the built-in profiles; and from click.
Translations are written by hand into the `.po`.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
for _folder in (ROOT / "plugins", ROOT):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

import babel.messages.catalog  # noqa: E402 after sys.path
import click  # noqa: E402 likewise
import yaml  # noqa: E402 likewise
from babel.messages.catalog import Catalog  # noqa: E402 likewise
from babel.messages.mofile import write_mo  # noqa: E402 likewise
from babel.messages.pofile import read_po, write_po  # noqa: E402 likewise

from bundler.cli.language import lang_option  # noqa: E402 likewise
from bundler.cli.main import COMMANDS, bundle  # noqa: E402 likewise

PO: Final = ROOT / "bundler/locale/zh/LC_MESSAGES/bundler.po"
CLICK: Final = ("core", "decorators", "exceptions", "formatting", "parser", "termui", "types")
HEAD: Final = """\
# Chinese texts of the builder. `python tools/messages.py` adds new templates and removes old ones;
# translations are written here by hand. Then run it again: it writes the .mo."""

HEADERS: Final = """\
Language: zh
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit
Plural-Forms: nplurals=1; plural=0;
"""


@dataclass(frozen=True)
class Message:
    """A template.

    Attributes:
        text: in English; for a number of things, for one thing.
        many: for any other number; None if it has only one form.
        where: the file, from the root of the repository.
    """

    text: str
    many: str | None
    where: str


def sources() -> list[Path]:
    """Return the files of the program and of its plugins."""
    return [path for folder in ("bundler", "plugins") for path in sorted((ROOT / folder).rglob("*.py"))]


def in_code(tree: ast.AST, where: str, names: tuple[str, ...] = ("tr", "tr_later")) -> Iterator[Message]:
    """Yield the templates of a module."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if isinstance(function, ast.Name) and function.id in names and texts:
            yield Message(texts[0], None, where)
        elif isinstance(function, ast.Attribute) and function.attr == "plural" and len(texts) == 2:  # noqa: PLR2004
            yield Message(texts[0], texts[1], where)


def in_help() -> Iterator[Message]:
    """Yield the texts of `bundle --help` and of the help of each command."""
    for text in COMMANDS.values():
        yield Message(text, None, "bundler/cli/main.py")
    commands = {"main": bundle}
    for name in COMMANDS:
        commands[name] = getattr(importlib.import_module(f"bundler.cli.{name}"), f"{name}_command")
    for name, command in commands.items():
        options = [p.help for p in [*command.params, lang_option()] if isinstance(p, click.Option)]
        for text in filter(None, [command.help, command.epilog, *options]):
            yield Message(inspect.cleandoc(text), None, f"bundler/cli/{name}.py")


def in_profiles() -> Iterator[Message]:
    """Yield the descriptions of the built-in profiles."""
    for path in sorted((ROOT / "profiles").glob("*.yaml")):
        yield Message(str(yaml.safe_load(path.read_text())["description"]), None, f"profiles/{path.name}")


def in_click() -> Iterator[Message]:
    """Yield the texts that click looks up."""
    folder = Path(click.__file__).parent
    for name in CLICK:
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in {"_", "ngettext"}
            ):
                texts = [
                    a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)
                ]
                if texts:
                    yield Message(texts[0], texts[1] if len(texts) > 1 else None, f"click/{name}.py")


def extract() -> Catalog:
    """Return a catalogue of all templates, without translations."""
    found: dict[str, tuple[str | None, set[str]]] = {}
    code = [
        message
        for path in sources()
        for message in in_code(ast.parse(path.read_text()), str(path.relative_to(ROOT)))
    ]
    for message in [*in_help(), *code, *in_profiles(), *in_click()]:
        many, places = found.get(message.text, (None, set()))
        found[message.text] = (message.many or many, places | {message.where})
    catalog = Plain(locale="zh", fuzzy=False)
    for text, (many, places) in found.items():
        catalog.add((text, many) if many else text, locations=[(place, 0) for place in sorted(places)])
    return catalog


class Plain(Catalog):
    """A catalogue whose head has nothing that changes by itself: no date, no version of babel."""

    def __iter__(self) -> Iterator[babel.messages.catalog.Message]:
        """Yield the head, and the messages."""
        _, *messages = super().__iter__()
        yield babel.messages.catalog.Message("", HEADERS)
        yield from messages


def read(path: Path) -> Catalog:
    """Read a `.po`; an empty catalogue if there is none."""
    if not path.exists():
        return Plain(locale="zh")
    with path.open("rb") as file:
        return read_po(file, locale="zh")


def updated(old: Catalog) -> Catalog:
    """Return the catalogue of today's templates with the translations that there are."""
    fresh = extract()
    for message in fresh:
        known = old.get(message.id) if message.id else None
        if known is not None and isinstance(known.string, tuple) == isinstance(message.id, tuple):
            message.string = known.string
    return fresh


def to_po(catalog: Catalog) -> bytes:
    """Return the text of a `.po`; it depends on nothing but templates and translations."""
    out = io.BytesIO()
    write_po(out, catalog, width=110, sort_by_file=True, omit_header=True)
    head = "".join(f'"{line}\\n"\n' for line in HEADERS.splitlines())
    return f'{HEAD}\nmsgid ""\nmsgstr ""\n{head}\n'.encode() + out.getvalue()


def as_tuple(text: object) -> tuple[object, ...]:
    """Return the forms of a text."""
    return text if isinstance(text, tuple) else (text,)


def to_mo(po: bytes) -> bytes:
    """Return the `.mo` of a `.po`."""
    catalog = read_po(io.BytesIO(po), locale="zh")
    found = Plain(locale="zh", fuzzy=False)
    for message in catalog:
        if message.id and "" not in as_tuple(message.string):
            found.add(message.id, message.string)
    out = io.BytesIO()
    write_mo(out, found)
    return out.getvalue()


def main() -> int:
    """Bring the catalogue up to date, or check that it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the files are up to date")
    check = parser.parse_args().check
    po = to_po(updated(read(PO)))
    written = {PO: po, PO.with_suffix(".mo"): to_mo(po)}
    stale = [path for path, data in written.items() if not path.exists() or path.read_bytes() != data]
    for path in stale:
        if check:
            sys.stderr.write(f"{path.relative_to(ROOT)} is not up to date: run python tools/messages.py\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(written[path])
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
