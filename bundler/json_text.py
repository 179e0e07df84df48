"""JSON that comes from outside, read within bounds."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

MAX_CONTAINERS: Final = 100_000
"""Objects and arrays of one document. Each takes twenty times the memory of its two brackets."""


def read_json(raw: bytes) -> Any:  # noqa: ANN401 whatever JSON can say
    """Read UTF-8 JSON (RFC 8259), strictly: no NaN, no lone surrogates, and no key twice in one object.

    The caller limits the bytes.

    Raises:
        ValueError: it is not such JSON, nested too deeply, or of too many parts.
    """
    text = raw.decode()
    if raw.count(b"{") + raw.count(b"[") > MAX_CONTAINERS:
        raise ValueError(f"over {MAX_CONTAINERS} objects and arrays")
    try:
        data = json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if "\\ud" in text or "\\uD" in text:  # UTF-8 has no half of a surrogate pair
        json.dumps(data, ensure_ascii=False).encode()
    return data


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:80]!a} twice in one object")
        found[key] = value
    return found
