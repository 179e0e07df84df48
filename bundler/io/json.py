"""Parses untrusted JSON, where any invalid input is a `ValueError`; and writes canonical JSON."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

from bundler.language import tr

MAX_VALUES: Final = 500_000
"""Commas and brackets allowed in a document; a manifest has about 100. 4 MiB of `[],` would take 90 MB."""


def parse_json(raw: bytes, most: int = MAX_VALUES) -> Any:  # noqa: ANN401 a document may be anything
    """Parse a document: RFC 8259, in UTF-8, with finite numbers and text that can be encoded.

    Args:
        raw: the document.
        most: number of commas and brackets that it may have.

    Raises:
        ValueError: it is invalid; the message is a reason that can follow a colon.
    """
    if sum(map(raw.count, (b",", b"[", b"{"))) > most:
        raise ValueError(tr("it contains too many values"))
    try:
        document = json.loads(raw.decode("utf-8"), parse_constant=_refuse, parse_float=_finite)
        if b"\\u" in raw:  # the only way to write a lone surrogate
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except RecursionError as error:
        raise ValueError(tr("it is nested too deeply")) from error
    except MemoryError as error:
        raise ValueError(tr("it needs more memory than is available")) from error
    except UnicodeDecodeError as error:
        raise ValueError(tr("it is not UTF-8 at byte {start}", start=error.start)) from error
    except UnicodeEncodeError as error:
        raise ValueError(tr("it has a lone surrogate")) from error
    return document


def format_json(document: object) -> bytes:
    """Return a document as bytes, always the same: indented, keys sorted, one line break at the end."""
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(tr("it has an invalid number: {constant}", constant=constant))


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(tr("it contains a number that is too large: {digits}", digits=digits[:20]))
    return number
