"""Licences as packages state them, as SPDX license expressions (SPDX 2.3, annex D)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_WORDS: Final = re.compile(r"(\(|\)|,?\s+and\s+(?=\S)|,?\s+or\s+(?=\S))", re.IGNORECASE)
_GNU: Final = re.compile(
    r"(A?GPL|LGPL|GFDL|FDL)-?v?\.?\s?(\d(?:\.\d)?)(?:\.0)?(\+|-only|-or-later)?", re.IGNORECASE
)
_NAMES: Final = """
Apache-2.0: asl 2.0; apache 2.0; apache-2; apache 2; apache license 2.0; apache license, version 2.0
Apache-2.0: the apache license, version 2.0; the apache software license, version 2.0
Apache-2.0: apache license version 2.0; apache-2.0 license
BSD-2-Clause: the bsd 2-clause license; bsd 2-clause license; bsd 2-clause; simplified bsd license
BSD-3-Clause: the bsd 3-clause license; bsd 3-clause license; bsd 3-clause; bsd license 3; new bsd license
BSD-3-Clause: the 3-clause bsd license; 3-clause bsd license
BSL-1.0: boost; boost software license 1.0 (bsl-1.0)
EPL-1.0: eclipse public license 1.0; eclipse public license - v 1.0
EPL-2.0: eclipse public license 2.0; eclipse public license v2.0; eclipse public license v. 2.0
EPL-2.0: eclipse public license - v 2.0
GPL-2.0-only: gnu general public license v2 (gplv2)
GPL-2.0-or-later: gnu general public license v2 or later (gplv2+)
GPL-3.0-only: gnu general public license v3 (gplv3)
GPL-3.0-or-later: gnu general public license v3 or later (gplv3+)
ISC: isc license; isc license (iscl)
LGPL-2.0-or-later: gnu lesser general public license v2 or later (lgplv2+)
LGPL-3.0-only: gnu lesser general public license v3 (lgplv3)
LGPL-3.0-or-later: gnu lesser general public license v3 or later (lgplv3+)
MIT: expat; mit license; the mit license; the mit license (mit)
MPL-1.1: mplv1.1
MPL-2.0: mplv2.0; mozilla public license 2.0; mozilla public license 2.0 (mpl 2.0)
MPL-2.0: mozilla public license, version 2.0
PSF-2.0: python software foundation license
Unlicense: the unlicense (unlicense)
Zlib: zlib license
"""
_ALIASES: Final = {
    alias.strip(): known
    for known, _, aliases in (line.partition(":") for line in _NAMES.split("\n"))
    for alias in aliases.split(";")
}
"""Name in lower case that packages use -> SPDX identifier. Names of several licences (`BSD`) are missing."""


@dataclass(frozen=True)
class License:
    """A licence.

    Attributes:
        expression: valid SPDX license expression.
        names: reference (`LicenseRef-...`) -> how the package names a licence that SPDX does not list.
    """

    expression: str
    names: tuple[tuple[str, str], ...]

    @property
    def is_id(self) -> bool:
        """Whether the expression is one identifier of SPDX's list."""
        return not self.names and re.fullmatch(r"[^\s()]+(?<!\+)", self.expression) is not None


@lru_cache(4096)
def read_license(stated: str) -> License | None:
    """Return a stated licence; None if nothing is stated.

    The licences of an expression that SPDX does not list become references with their stated names.
    """
    stated = " ".join(stated.split())
    if not stated or stated.upper() in {"UNKNOWN", "NONE", "NOASSERTION", "(NONE)"}:
        return None
    whole = _canonical(_known(stated))
    if whole is not None:
        return License(whole, ())
    names: dict[str, str] = {}
    made: list[str] = []
    for part in _WORDS.split(stated):
        word = part.strip(" ,").lower()
        if word in {"and", "or"}:
            made.append(word.upper())
        elif part in {"(", ")"}:
            made.append(part)
        elif part.strip():
            made.append(_term(part.strip(), names))
    expression = _canonical(" ".join(made))
    if expression is not None:
        return License(expression, tuple(sorted((key, names[key]) for key in names if key in expression)))
    names = {}
    return License(_term(stated, names, whole=True), tuple(names.items()))


def _term(name: str, names: dict[str, str], *, whole: bool = False) -> str:
    known = None if whole else _canonical(_known(name))
    if known is not None:
        return f"({known})" if " " in known and " WITH " not in known else known
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")[:80]
    reference = f"LicenseRef-{slug or 'unnamed'}"
    if slug != name:  # so that no two names have one reference
        reference += f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    names[reference] = name
    return reference


def _known(name: str) -> str:
    """Return SPDX's identifier for a name of Debian (DEP-5), Fedora, PyPI or Maven; or the name itself."""
    gnu = _GNU.fullmatch(name)
    if gnu:
        family = gnu[1].upper()
        version = gnu[2] if "." in gnu[2] else f"{gnu[2]}.0"
        if family == "GFDL" and version.endswith(".0"):
            return name
        return f"{family}-{version}-{'or-later' if gnu[3] in {'+', '-or-later'} else 'only'}"
    return _ALIASES.get(name.lower(), name)


def _canonical(expression: str) -> str | None:
    from packaging.licenses import (  # noqa: PLC0415 SPDX's list: loaded only where packages are
        InvalidLicenseExpression,
        canonicalize_license_expression,
    )

    if len(expression) > 10_000 or expression.count("(") > 50:  # noqa: PLR2004 nothing that nests is evaluated
        return None
    try:
        return str(canonicalize_license_expression(expression))
    except (InvalidLicenseExpression, ValueError, SyntaxError, RecursionError, MemoryError):
        return None
