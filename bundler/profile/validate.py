"""Validates profiles with pydantic models, and reports errors in terms of the profile's text."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from pydantic import BaseModel, ValidationError

from bundler.errors import ProfileError, did_you_mean
from bundler.language import tr, tr_later
from bundler.profile.marked_yaml import KeyPath, Node
from bundler.profile.merge import show_key

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)

_EXPECTED: Final = (
    {
        "bool_type": tr_later("true or false"),
        "bool_parsing": tr_later("true or false"),
        "path_type": tr_later("a path"),
    }
    | {"string_type": tr_later("a string"), "none_required": tr_later("left out")}
    | dict.fromkeys(("int_type", "int_parsing", "int_from_float"), tr_later("a whole number"))
    | dict.fromkeys(("float_type", "float_parsing"), tr_later("a number"))
    | dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), tr_later("a list"))
    | dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), tr_later("a mapping"))
)
"""pydantic's error types -> the type that the model requires."""
_LIMITS: Final = {
    "greater_than": ("gt", tr_later("must be greater than {limit}")),
    "greater_than_equal": ("ge", tr_later("must be greater than or equal to {limit}")),
    "less_than": ("lt", tr_later("must be less than {limit}")),
    "less_than_equal": ("le", tr_later("must be less than or equal to {limit}")),
    "string_pattern_mismatch": ("pattern", tr_later("must match the pattern '{limit}'")),
    "string_too_short": ("min_length", tr_later("is too short; characters at least: {limit}")),
    "string_too_long": ("max_length", tr_later("is too long; characters at most: {limit}")),
    "too_short": ("min_length", tr_later("has too few entries; at least: {limit}")),
    "too_long": ("max_length", tr_later("has too many entries; at most: {limit}")),
}
"""pydantic's error types -> the name of the limit, and what is wrong."""
_WANTS_TEXT: Final = frozenset({"string_type", "path_type", "literal_error", "enum"})
_OPENING = re.compile(r"^[A-Z][A-Za-z]* should ")


def validate(model: type[M], tree: Node, base: Path, prefix: tuple[str, ...] = ()) -> M:
    """Validate the part of the profile at `prefix` and return it as `model`.

    Values of type `Path` from files in other folders than `base` are rewritten to be relative to `base`.

    Raises:
        ProfileError: there are errors; the message lists all of them by file and line.
    """
    part = tree.find(prefix) or Node(tree.mark, {})
    part, nulls = _without_nulls(part)
    if nulls:
        _refuse_unknown(model, part, nulls, prefix)
    while True:
        try:
            valid = model.model_validate_json(json.dumps(part.plain()))
        except ValidationError as error:
            details = error.errors(include_url=False)
            quoted = _quote(part, details)
            if quoted is None:
                raise _report(details, model, part, prefix) from error
            part = quoted
        else:
            return cast("M", _rebase(valid, part, base))


# ---------------------------------------------------------------- before


def _without_nulls(node: Node, path: tuple[str, ...] = ()) -> tuple[Node, dict[tuple[str, ...], Node]]:
    """Split the tree into itself without the nulls that removed nothing, and those nulls."""
    if not isinstance(node.value, dict):
        return node, {}
    kept: dict[str, Node] = {}
    nulls: dict[tuple[str, ...], Node] = {}
    for key, child in node.value.items():
        if child.value is None:
            nulls[*path, key] = child
        else:
            kept[key], deeper = _without_nulls(child, (*path, key))
            nulls |= deeper
    return replace(node, value=kept), nulls


def _refuse_unknown(
    model: type[BaseModel],
    part: Node,
    nulls: dict[tuple[str, ...], Node],
    prefix: tuple[str, ...],
) -> None:
    """Report a null under a key that the model does not have: it is a misspelt key."""
    for path, null in nulls.items():
        part = _put(part, path, null)
    try:
        model.model_validate_json(json.dumps(part.plain()))
    except ValidationError as error:
        unknown = [
            detail
            for detail in error.errors(include_url=False)
            if detail["type"] == "extra_forbidden" and detail["loc"] in nulls
        ]
        if unknown:
            raise _report(unknown, model, part, prefix) from error


def _quote(part: Node, details: list[ErrorDetails]) -> Node | None:
    """Convert numbers and booleans of `--set` to text where the model requires it; None if there are none."""
    changed = None
    for detail in details:
        path, node = _locate(part, detail["loc"])
        if (
            detail["type"] in _WANTS_TEXT
            and node.mark.key is not None
            and node.text is not None
            and not isinstance(node.value, str)
        ):
            changed = _put(changed or part, path, replace(node, value=node.text))
    return changed


def _put(tree: Node, path: KeyPath, node: Node) -> Node:
    if not path:
        return node
    head, rest = path[0], path[1:]
    if isinstance(tree.value, dict):
        child = tree.value.get(str(head), node)
        return replace(tree, value=tree.value | {str(head): _put(child, rest, node)})
    if isinstance(tree.value, list):
        items = list(tree.value)
        items[int(head)] = _put(items[int(head)], rest, node)
        return replace(tree, value=items)
    return tree


# ---------------------------------------------------------------- after


def _rebase(value: Any, node: Node, base: Path) -> Any:  # noqa: ANN401 any value in a model
    """Make relative paths relative to `base` instead of the folder of the file that contains them."""
    if isinstance(value, Path):
        if value.is_absolute() or node.mark.folder == base:
            return value
        return Path(os.path.relpath(node.mark.folder / value, base))
    if isinstance(value, BaseModel):
        changed = {}
        for name, field in type(value).model_fields.items():
            child = node.find((field.alias or name,))
            if child is not None:
                old = getattr(value, name)
                new = _rebase(old, child, base)
                if new is not old:
                    changed[name] = new
        return value.model_copy(update=changed) if changed else value
    if isinstance(value, dict) and isinstance(node.value, dict):
        new = {k: _rebase(v, node.value.get(str(k), node), base) for k, v in value.items()}
        return new if any(new[key] is not value[key] for key in value) else value
    if isinstance(value, list | tuple) and isinstance(node.value, list):
        pairs = zip(value, node.value, strict=False)
        items = [_rebase(item, child, base) for item, child in pairs]
        if len(items) == len(value) and any(new is not old for new, old in zip(items, value, strict=True)):
            return items if isinstance(value, list) else tuple(items)
    return value


# ---------------------------------------------------------------- what is wrong


@dataclass(frozen=True)
class _Problem:
    where: str
    key: str
    text: str
    hint: str | None
    own: bool
    """Whether the `--set` that caused it names exactly this key."""

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key and not self.own else ""
        return f"{self.where}: {key}{self.text}"


def _locate(part: Node, loc: KeyPath) -> tuple[tuple[str | int, ...], Node]:
    """Return the key path of a pydantic location, and the deepest node on it; tags of unions are skipped."""
    path: tuple[str | int, ...] = ()
    node = part
    for step in loc:
        child = node.find((step,))
        if child is not None:
            path, node = (*path, step), child
    return path, node


def _report(
    details: list[ErrorDetails], model: type[BaseModel], part: Node, prefix: tuple[str, ...]
) -> ProfileError:
    grouped: dict[tuple[str | int, ...], list[ErrorDetails]] = {}
    for detail in details:
        at = getattr(detail.get("ctx", {}).get("error"), "at", ())
        path, _ = _locate(part, (*detail["loc"], *at))
        if detail["type"] == "missing":
            path = (*path, detail["loc"][-1])
        grouped.setdefault(path, []).append(detail)
    problems = [
        _describe(path, same, model, part, prefix)
        for path, same in sorted(grouped.items(), key=lambda item: _order(part, item[0]))
    ]
    hints = [(problem.key, problem.hint) for problem in problems if problem.hint]
    if len(problems) == 1:
        hint = hints[0][1] if hints else None
    else:
        hint = "\n".join(f"{key}: {text}" for key, text in hints) or None
    return ProfileError("\n".join(map(str, problems)), hint=hint)


def _order(part: Node, path: KeyPath) -> tuple[str, int, str]:
    """Return a sort key: by file, then by line."""
    file, _, line = _locate(part, path)[1].mark.where.rpartition(":")
    return file, int(line) if line.isdigit() else 0, show_key(path)


def _describe(
    path: tuple[str | int, ...],
    details: list[ErrorDetails],
    model: type[BaseModel],
    part: Node,
    prefix: tuple[str, ...],
) -> _Problem:
    _, node = _locate(part, path)
    text, hint = _explain(path, details, model, node)
    full = (*prefix, *path)
    key = node.mark.key
    if key is not None and len(key) > len(full) and hint is None:
        hint = tr("quote a part of the key that contains a dot: --set 'a.\"b.c\"=...'")
    own = key is not None and tuple(part.removesuffix("+") for part in key) == full
    return _Problem(node.mark.where, show_key(full), text, hint, own)


def _explain(
    path: KeyPath, details: list[ErrorDetails], model: type[BaseModel], node: Node
) -> tuple[str, str | None]:
    telling = [detail for detail in details if detail["type"] not in _EXPECTED]
    if not telling:
        wanted = tr(" or ").join(dict.fromkeys(tr(_EXPECTED[detail["type"]]) for detail in details))
        return tr("must be {wanted}, {node}", wanted=wanted, node=_but_is(node)), _retype(details, node)
    detail = telling[0]
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            return _unknown(model, path, node)
        case "missing":
            about = _keys(model, path[:-1]).get(str(path[-1]), "")
            return tr("is missing"), tr("add `{key}:`", key=path[-1]) + (f" ({about})" if about else "")
        case "literal_error" | "enum":
            return _choose(re.findall(r"'([^']*)'", str(context.get("expected", ""))), node)
        case "value_error" if isinstance(context.get("error"), ValueError):
            cause = context["error"]
            return str(cause), getattr(cause, "hint", None) or None
    return _limit(detail), None


def _unknown(model: type[BaseModel], path: KeyPath, node: Node) -> tuple[str, str | None]:
    instead = getattr(model, "renamed", {}).get(str(path[-1])) if len(path) == 1 else None
    if instead:
        text = instead.format(value=node.text)
        return tr("is no key any more"), tr("write `{text}` in its place", text=text)
    return tr("unknown key"), did_you_mean(str(path[-1]), _keys(model, path[:-1]), tr("keys here"), quote="`")


def _limit(detail: ErrorDetails) -> str:
    """Return what is wrong with a value beyond a limit; in pydantic's words, where there are no others."""
    name, text = _LIMITS.get(detail["type"], ("", ""))
    return tr(text, limit=detail["ctx"][name]) if text else _OPENING.sub("must ", detail["msg"])


def _choose(expected: list[str], node: Node) -> tuple[str, str | None]:
    if node.text in expected and not isinstance(node.value, str):
        return tr("must be a string, {node}", node=_but_is(node)), tr(
            'write "{text}" in quotes', text=node.text
        )
    return (
        tr("must be one of {expected}, {node}", expected=", ".join(expected), node=_but_is(node)),
        did_you_mean(str(node.value), expected),
    )


def _but_is(node: Node) -> str:
    value, text = node.value, node.text
    if isinstance(value, dict):
        return tr("not a mapping")
    if isinstance(value, list):
        return tr("not a list")
    if isinstance(value, bool):
        meaning = "true" if value else "false"
        return (
            tr("not {meaning}", meaning=meaning)
            if text == meaning
            else tr("not {text}, which means {meaning}", text=text, meaning=meaning)
        )
    if isinstance(value, int | float):
        same = text in {None, str(value)}
        return (
            tr("not the number {value}", value=value)
            if same
            else tr("not {text}, which is the number {value}", text=text, value=value)
        )
    return tr("not null") if value is None else tr("not the string {value!r}", value=str(value)[:60])


def _retype(details: list[ErrorDetails], node: Node) -> str | None:
    kinds = {detail["type"] for detail in details}
    value, text = node.value, node.text
    if kinds & _WANTS_TEXT and text is not None:
        return tr('write "{text}" in quotes', text=text)
    if isinstance(value, str) and text is None and re.fullmatch(r"[0-9.]+|true|false", value):
        return tr("write {value} without quotes", value=value)
    if "a list" in {_EXPECTED[kind] for kind in kinds} and isinstance(value, str | int | float):
        return tr(
            "write [{value}]", value=text if text is not None else json.dumps(value, ensure_ascii=False)
        )
    return None


def _keys(model: type[BaseModel], path: KeyPath) -> dict[str, str]:
    """Return the keys that the model has at `path`, with their descriptions."""
    schema = model.model_json_schema()
    places = [schema]
    for step in path:
        places = [below for place in places for one in _variants(place, schema) for below in _down(one, step)]
    found: dict[str, str] = {}
    for place in places:
        for one in _variants(place, schema):
            for name, field in one.get("properties", {}).items():
                found[name] = str(field.get("description", ""))
    return found


def _variants(place: dict[str, Any], root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schema, the one that it refers to, or its alternatives."""
    if "$ref" in place:
        yield from _variants(root["$defs"][place["$ref"].rpartition("/")[2]], root)
    yield place
    for word in ("anyOf", "oneOf", "allOf"):
        for one in place.get(word, ()):
            yield from _variants(one, root)


def _down(place: dict[str, Any], step: str | int) -> Iterator[dict[str, Any]]:
    if isinstance(step, int):
        if isinstance(place.get("items"), dict):
            yield place["items"]
        yield from place.get("prefixItems", [])[step : step + 1]
    elif step in place.get("properties", {}):
        yield place["properties"][step]
    elif isinstance(place.get("additionalProperties"), dict):
        yield place["additionalProperties"]
