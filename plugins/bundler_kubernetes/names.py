"""Names of objects: labels of DNS, each once."""

from __future__ import annotations

import hashlib
import re
from typing import Final

LONGEST: Final = 63
"""Characters of a DNS label: RFC 1123, and the longest value of a label of Kubernetes."""
LABEL: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
"""RFC 1035: what a Service can be called."""
VARIABLE: Final = re.compile(r"(?!\.$|\.\.)[-._A-Za-z][-._A-Za-z0-9]{0,252}", re.ASCII)
"""Name of a variable in a container, which is a key of a ConfigMap too: apimachinery, pkg/util/validation,
`IsEnvVarName` and `IsConfigMapKey`."""
ANNOTATION: Final = re.compile(
    r"(?:(?=[^/]{1,253}/)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*/)?"
    r"(?=.{1,63}$)[a-z0-9](?:[-._a-z0-9]*[a-z0-9])?",
    re.ASCII | re.IGNORECASE,
)
"""Key of an annotation: apimachinery, pkg/util/validation, `IsQualifiedName`."""


def object_name(text: str) -> str:
    """Return a name of the Compose document as Kubernetes writes it: lower case, other characters as `-`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def is_label(name: str) -> bool:
    """Whether a name can be that of a Service and of a host."""
    return len(name) <= LONGEST and LABEL.fullmatch(name) is not None


def is_annotation(key: str) -> bool:
    """Whether a text can be the key of an annotation."""
    return key.isascii() and ANNOTATION.fullmatch(key) is not None


def short_name(text: str, longest: int = LONGEST) -> str:
    """Return an object's name for a text such as a path; with a digest if it is too long."""
    name = object_name(text) or "x"
    if len(name) <= longest:
        return name
    return f"{name[: longest - 9].rstrip('-')}-{digest(text)}"


def digest(text: str) -> str:
    """Return the first eight hex digits of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def variable_name(*words: str) -> str:
    """Return the name of a setting as a site variable."""
    return "_".join(("KUBE", *(re.sub(r"[^A-Z0-9]+", "_", word.upper()).strip("_") for word in words)))


def release_label(version: str) -> str:
    """Return a version as the value of a label."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", version)[:LONGEST].strip("-._") or "0"
