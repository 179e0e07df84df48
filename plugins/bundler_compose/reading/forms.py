"""Turns the short forms of a document into the long ones, and sets what Compose takes by default.

Source: compose-go v2.16.1, `transform/canonical.go`, `transform/defaults.go` and the files beside them,
`loader/omitEmpty.go`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.reading.merge import STARTED, into_items, into_map
from bundler_compose.reading.mount_forms import parse_device, parse_port, parse_volume
from bundler_compose.reading.tree import ITEM, FormError, Items, Map, Path, Patterns, go_text

Form = Callable[[Any, Path], Any]


def canonical(value: Any, path: Path = ()) -> Any:  # noqa: ANN401 any YAML value
    """Return a document in which each value has its long form.

    Raises:
        FormError: Compose refuses the form of a value.
    """
    form: Form | None = _FORMS.find(path)
    if form is not None:
        try:
            return form(value, path)
        except FormError:
            raise
        except BundleError as error:
            raise FormError(path, error.message, error.hint) from error
    return _below(value, path, canonical)


def with_defaults(value: Any, path: Path = ()) -> Any:  # noqa: ANN401 likewise
    """Return a canonical document with the defaults that Compose sets.

    Raises:
        FormError: a value has no form that a default fits.
    """
    form: Form | None = _DEFAULTS.find(path)
    return form(value, path) if form is not None else _below(value, path, with_defaults)


def without_empty(value: Any, path: Path = ()) -> Any:  # noqa: ANN401 likewise
    """Return a document without empty name servers, as Compose drops them."""
    if isinstance(value, Items) and path[:1] == ("services",) and path[2:] == ("dns",):
        kept = [(item, place) for item, place in value.pairs() if item not in {None, ""}]
        return Items([item for item, _ in kept], [place for _, place in kept])
    return _below(value, path, without_empty)


def _below(value: Any, path: Path, change: Form) -> Any:  # noqa: ANN401 likewise
    if isinstance(value, Map):
        for key, item in value.items():
            value[key] = change(item, (*path, key))
    elif isinstance(value, Items):
        for index, item in enumerate(value):
            try:
                value[index] = change(item, (*path, ITEM))
            except FormError as error:
                raise error.of_item(path, index) from error
    return value


def _refuse(path: Path, what: str) -> FormError:
    return FormError(path, tr("must be {what}", what=what))


def _ports(value: Any, path: Path) -> Any:  # noqa: ANN401 likewise
    if not isinstance(value, Items):
        raise _refuse(path, tr("a list"))
    found = Items()
    for index, (port, place) in enumerate(value.pairs()):
        if isinstance(port, Map):
            found.add(port, place)
            continue
        if isinstance(port, bool) or not isinstance(port, str | int | float):
            raise _refuse(path, tr("a list of ports"))
        text = go_text(port)
        try:
            longs: list[Any] = [*(parse_port(text) or ())] or [text]
        except BundleError as error:
            raise FormError((*path, index), error.message, error.hint) from error
        for each in longs:
            found.add(each, place)
    return found


def _long(parse: Callable[[str], Map]) -> Form:
    """Return the form of a value that is a mapping, or a text that `parse` makes one of."""

    def run(value: Any, path: Path) -> Any:  # noqa: ANN401 likewise
        if isinstance(value, str):
            return parse(value)
        if not isinstance(value, Map):
            raise _refuse(path, tr("a text or a mapping"))
        return value

    return run


_volume: Final = _long(parse_volume)
_device: Final = _long(parse_device)
_file_mount: Final = _long(lambda text: Map({"source": text}))


def _depends_on(value: Any, path: Path) -> Any:  # noqa: ANN401 likewise
    found = into_map(value, STARTED, path)
    for name, how in found.items():
        if not isinstance(how, Map):
            raise _refuse((*path, name), tr("a mapping"))
        for key, default in STARTED.items():
            how.setdefault(key, default)
    return found


def _env_file(value: Any, path: Path) -> Any:  # noqa: ANN401 likewise
    if not isinstance(value, str | Items):
        raise _refuse(path, tr("a text or a list"))
    files = into_items(value)
    for index, item in enumerate(list(files)):
        if isinstance(item, str):
            files[index] = Map({"path": item, "required": True})
        elif isinstance(item, Map):
            item.setdefault("required", True)
        else:
            raise _refuse(path, tr("a list of texts or mappings"))
    return files


def _text_list(value: Any, _path: Path) -> Any:  # noqa: ANN401 likewise
    return Items([value]) if isinstance(value, str) else value


def _names(value: Any, path: Path) -> Any:  # noqa: ANN401 likewise
    return into_map(value, None, path) if isinstance(value, Items) else value


def _gpus(value: Any, path: Path) -> Any:  # noqa: ANN401 likewise
    if isinstance(value, str):
        return Items([Map({"count": "all"})])
    if not isinstance(value, Items):
        raise _refuse(path, tr("`all`, or a list"))
    return value


def _ulimit(value: Any, path: Path) -> Any:  # noqa: ANN401 likewise
    if isinstance(value, bool) or not isinstance(value, Map | int | str):
        raise _refuse(path, tr("a number or a mapping"))
    return value


def _external(value: Any, path: Path) -> Any:  # noqa: ANN401 likewise
    if value is None:
        return None
    if not isinstance(value, Map):
        raise _refuse(path, tr("a mapping"))
    if not isinstance(value.get("external"), Map):
        return value
    name = value["external"].get("name")
    value["external"] = True
    if name is not None and value.setdefault("name", name) != name:
        raise FormError(path, tr("`name` and `external: name` differ"), tr("remove `external: name`"))
    return value


def _build(value: Any, path: Path) -> Any:  # noqa: ANN401 likewise
    return Map({"context": value}) if isinstance(value, str) else _below(value, path, canonical)


_FORMS: Final = Patterns(
    {
        "services.*.env_file": _env_file,
        "services.*.label_file": _text_list,
        "services.*.gpus": _gpus,
        "services.*.networks": _names,
        "services.*.models": _names,
        "services.*.volumes.*": _volume,
        "services.*.dns": _text_list,
        "services.*.devices.*": _device,
        "services.*.secrets.*": _file_mount,
        "services.*.configs.*": _file_mount,
        "services.*.ulimits.*": _ulimit,
        "services.*.build": _build,
        "services.*.depends_on": _depends_on,
        "services.*.ports": _ports,
        "services.*.pre_start.*.volumes.*": _volume,
        "services.*.pre_start.*.env_file": _env_file,
        "services.*.pre_start.*.secrets.*": _file_mount,
        "services.*.pre_start.*.configs.*": _file_mount,
        "services.*.pre_start.*.devices.*": _device,
        "services.*.pre_start.*.networks": _names,
        "volumes.*": _external,
        "networks.*": _external,
        "secrets.*": _external,
        "configs.*": _external,
    }
)


def _default_secret(value: Any, _path: Path) -> Any:  # noqa: ANN401 likewise
    if isinstance(value, Map):
        value.setdefault("target", f"/run/secrets/{value.get('source')}")
    return value


def _default_port(value: Any, _path: Path) -> Any:  # noqa: ANN401 likewise
    if isinstance(value, Map):
        value.setdefault("protocol", "tcp")
        value.setdefault("mode", "ingress")
    return value


def _default_device(value: Any, path: Path) -> Any:  # noqa: ANN401 likewise
    if not isinstance(value, Map):
        raise _refuse(path, tr("a mapping"))
    if "count" not in value and "device_ids" not in value:
        value["count"] = "all"
    return value


def _default_bind(value: Any, _path: Path) -> Any:  # noqa: ANN401 likewise
    if isinstance(value, Map):
        value.setdefault("create_host_path", True)
    return value


_DEFAULTS: Final = Patterns(
    {
        "services.*.secrets.*": _default_secret,
        "services.*.ports.*": _default_port,
        "services.*.gpus.*": _default_device,
        "services.*.deploy.resources.reservations.devices.*": _default_device,
        "services.*.volumes.*.bind": _default_bind,
    }
)
