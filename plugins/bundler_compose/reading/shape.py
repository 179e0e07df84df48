"""Checks the types of the parts of a Compose document that this program reads.

Source: compose-spec/schema/compose-spec.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bundler.language import tr, tr_later

_WORDS: Final[Mapping[type, str]] = {
    dict: tr_later("a mapping"),
    list: tr_later("a list"),
    str: tr_later("a text"),
    int: tr_later("a number"),
}


@dataclass(frozen=True)
class Shape:
    """The allowed types of a value; null is always allowed.

    Attributes:
        types: allowed types.
        keys: shapes of a mapping's values, by key.
        each: shape of all other values of a mapping.
        items: shape of a list's items.
    """

    types: tuple[type, ...]
    keys: Mapping[str, Shape] = field(default_factory=dict)
    each: Shape | None = None
    items: Shape | None = None

    def words(self) -> str:
        """The allowed types in words, for example `a mapping or a list`."""
        return tr(" or ").join(tr(_WORDS[kind]) for kind in self.types if kind in _WORDS)


TEXT: Final = Shape((str,))
NUMBER: Final = Shape((str, int, float))
SCALAR: Final = Shape((str, int, float, bool))
TEXTS: Final = Shape((list,), items=TEXT)
MAPPING: Final = Shape((dict,))
MAPPINGS: Final = Shape((dict,), each=MAPPING)
FILE: Final = Shape((dict,), keys={"file": TEXT, "environment": TEXT, "name": TEXT})
ENV_FILE: Final = Shape((str, dict), keys={"path": TEXT, "format": TEXT})
SERVICE: Final = Shape(
    (dict,),
    keys={
        "configs": Shape((list,), items=Shape((str, dict))),
        "depends_on": Shape((list, dict), items=TEXT, each=Shape((dict,), keys={"condition": TEXT})),
        "deploy": Shape((dict,), keys={"replicas": NUMBER}),
        "env_file": Shape((str, list, dict), items=ENV_FILE, keys=ENV_FILE.keys),
        "environment": Shape((dict, list), items=SCALAR, each=SCALAR),
        "healthcheck": MAPPING,
        "image": TEXT,
        "network_mode": TEXT,
        "networks": Shape((list, dict), items=TEXT, each=MAPPING),
        "ports": Shape(
            (list,),
            items=Shape(
                (str, int, float, dict),
                keys={"host_ip": TEXT, "published": NUMBER, "protocol": TEXT, "target": NUMBER},
            ),
        ),
        "profiles": TEXTS,
        "scale": NUMBER,
        "secrets": Shape((list,), items=Shape((str, dict))),
        "volumes": Shape(
            (list,),
            items=Shape((str, dict), keys={"type": TEXT, "source": TEXT, "target": TEXT, "bind": MAPPING}),
        ),
        "x-bundle-expect": TEXT,
    },
)
IPAM: Final = Shape((dict,), keys={"config": Shape((list,), items=Shape((dict,), keys={"subnet": TEXT}))})
DOCUMENT: Final = Shape(
    (dict,),
    keys={
        "name": TEXT,
        "services": Shape((dict,), each=SERVICE),
        "configs": Shape((dict,), each=FILE),
        "secrets": Shape((dict,), each=FILE),
        "networks": Shape((dict,), each=Shape((dict,), keys={"ipam": IPAM})),
        "volumes": MAPPINGS,
    },
)


def find_misshapen(
    value: Any,  # noqa: ANN401 any YAML value
    shape: Shape = DOCUMENT,
    keys: tuple[str | int, ...] = (),
) -> tuple[tuple[str | int, ...], str] | None:
    """Return the first location whose type is not allowed and the types that are, or None."""
    if value is None:
        return None
    if not isinstance(value, shape.types) or (isinstance(value, bool) and bool not in shape.types):
        return keys, shape.words()
    below: list[tuple[str | int, Any, Shape | None]] = []
    if isinstance(value, dict):
        below = [(key, item, shape.keys.get(key, shape.each)) for key, item in value.items()]
    elif isinstance(value, list):
        below = [(index, item, shape.items) for index, item in enumerate(value)]
    for key, item, inner in below:
        found = find_misshapen(item, inner, (*keys, key)) if inner is not None else None
        if found is not None:
            return found
    return None


def wrong_include(entry: Any) -> str | None:  # noqa: ANN401 likewise
    """Return the end of the error about an entry of `include` that Compose does not decode, or None."""
    if not isinstance(entry, dict):
        return ": " + tr("must be a text or a mapping")
    for key in ("path", "env_file"):
        value = entry.get(key)
        texts = value if isinstance(value, list) else [] if value is None else [value]
        if not all(isinstance(text, str) for text in texts):
            return f".{key}: " + tr("must be a text or a list of texts")
    folder = entry.get("project_directory")
    if isinstance(folder, bool) or not isinstance(folder, str | int | None):
        return ".project_directory: " + tr("must be a text")
    return None
