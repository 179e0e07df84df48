"""Finds keys and passwords in files that would travel: private keys, password files, configuration."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import Final

from bundler.language import tr, tr_later
from bundler_compose.secrets.forms import LOGINS, find_encoded_key, is_secret_value
from bundler_compose.secrets.names import is_secret_name
from bundler_compose.secrets.positions import find_spans
from bundler_compose.secrets.project import Problem, in_files
from bundler_compose.secrets.span import Span
from bundler_compose.secrets.words import CODE, LOCKS, SOURCE

_LINES: Final = (
    (re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"), tr_later("a private key")),
    (re.compile(r"\bAGE-SECRET-KEY-1[0-9A-Z]{20,}"), tr_later("a private key")),
    (re.compile(r"^PuTTY-User-Key-File-\d", re.MULTILINE), tr_later("a private key")),
    (
        re.compile(r"^[^\s:#]+:(?:\$(?:apr1|2[abxy]?|[156y])\$|\{SHA\})", re.MULTILINE),
        tr_later("the hash of a password"),
    ),
    (
        re.compile(r"\$(?:2[abxy]|apr1|argon2(?:id|i|d)|5|6|7|y)\$[^\s'\"]{8,}|\{S?SHA\}[A-Za-z0-9+/=]{20,}"),
        tr_later("the hash of a password"),
    ),
    (re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"), tr_later("a signed token")),
    (LOGINS, tr_later("logins of registries")),
    (
        re.compile(r"^[ \t]*(?:client-key-data|token):[ \t]*[\w+/=.-]{16,}", re.MULTILINE),
        tr_later("a key of a cluster"),
    ),
    (
        re.compile(r"^[ \t]*aws_secret_access_key[ \t]*=[ \t]*\S", re.MULTILINE | re.IGNORECASE),
        tr_later("a key of AWS"),
    ),
    (
        re.compile(r"^[ \t]*(?:machine[ \t]+\S+|default)\s[\s\S]{0,200}?\bpassword\s+\S+", re.MULTILINE),
        tr_later("a login (.netrc)"),
    ),
    (
        re.compile(
            r"(?im)\bauthorization[\"']?[ \t]*(?:[:=][ \t]*)?[\"']?basic[ \t]+[A-Za-z0-9+/]{8,}={0,2}"
        ),
        tr_later("user and password in base64"),
    ),
)
"""What a text file must not have, with the words for it."""
_BYTES: Final = (
    (
        re.compile(rb"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----\s{1,4}[A-Za-z0-9+/]{16}"),
        tr_later("a private key"),
    ),
    (re.compile(rb"\A(?:\xfe\xed\xfe\xed|\xce\xce\xce\xce)"), tr_later("a key store of Java")),
    (re.compile(rb"\A\x30[\x80-\x84].{0,4}\x02\x01\x03\x30", re.DOTALL), tr_later("a key store (PKCS#12)")),
    (
        re.compile(
            rb"\A\x30[\x81-\x83].{1,3}\x02\x01[\x00\x01](?:\x02\x82|\x30.{1,6}\x06|\x04\x20)", re.DOTALL
        ),
        tr_later("a private key (DER)"),
    ),
    (re.compile(rb"\A\x05\x02\x00\x00"), tr_later("a keytab of Kerberos")),
    (re.compile(rb"\A\x03\xd9\xa2\x9a"), tr_later("a password store (KeePass)")),
)
_NAMES: Final = {
    ".pgpass": tr_later("passwords of PostgreSQL"),
    ".htpasswd": tr_later("hashes of passwords"),
    ".netrc": tr_later("logins"),
    "_netrc": tr_later("logins"),
    "id_rsa": tr_later("a private key of SSH"),
    "id_ed25519": tr_later("a private key of SSH"),
    "id_ecdsa": tr_later("a private key of SSH"),
    "id_dsa": tr_later("a private key of SSH"),
}
_COMMENTS: Final = ("#", ";", "//", "--", "*", "<!--")
_INDENT: Final = 200
"""Characters of a line that are looked at to tell whether it is a comment."""
_LONG_WORD: Final = 8
_WORD: Final = re.compile(r"[^\s=:]{4,1024}|[A-Za-z0-9+/=\s]{16,2048}")
_SECRET_FILE: Final = re.compile(r"(?i)key[-_.]?file\b|\.(?:key|secret|token|pass|passwd|password)$")
_PLACEHOLDER: Final = re.compile(
    r"(?i)string|text|bytes|password|passwd|secret|token|str|object|number|integer|boolean|int|varchar|char|bytea|blob|uuid|hidden|input|"
    r"env|file|field|"
    r"[\w.-]*(?:config|settings|args|self|options|process|os)\.[\w.\[\]'\"-]+|x{3,}|\.{3}|-+|\|[-+]?|>[-+]?|&\w+|\*\w+"
)


def find_material(
    path: str, text: str | None, known: Collection[str], content: bytes = b""
) -> Iterator[Problem]:
    """Yield the secrets in a file that no group has, each with its line.

    Args:
        path: below `config/`.
        text: the file as a text, or None if it is none.
        known: values of groups, which are replaced.
        content: the bytes of a file that is no text.
    """
    if text is None:
        words = next((words for pattern, words in _BYTES if pattern.search(content)), None)
        if words is not None:
            yield _problem(path, tr("has {what}", what=tr(words)), path)
        return
    whole = _find_whole(path, text)
    if whole is not None:
        yield whole
        return
    name = PurePosixPath(path)
    is_code = name.suffix.lower() in CODE
    if (name.suffix.lower() in SOURCE and not is_code) or name.name in LOCKS:
        return
    places = [span for span in _plain(text, known) if not is_code or _is_text_of_code(text, span)]
    if places:
        named = f" ({places[0].name})" if places[0].name else ""
        more = tr(", and {count} more", count=len(places) - 1) if places[1:] else ""
        where = _line(path, text, places[0].start)
        yield _problem(where, tr("has a secret in plain text{named}{more}", named=named, more=more), path)


def _is_text_of_code(text: str, span: Span) -> bool:
    """Whether a place is a text in quotes under the name of a secret, and no label or name of a field."""
    if text[span.start - 1 : span.start] not in {'"', "'", "`"} or not span.name:
        return False
    digit = any(char.isdigit() for char in span.value)
    if " " in span.value:
        return span.name.isupper() and digit
    return span.name.isupper() or (len(span.value) >= _LONG_WORD and digit)


def _plain(text: str, known: Collection[str]) -> Iterator[Span]:
    """Yield the places of secrets that no group has, outside comments."""
    line = seen = 0
    for span in find_spans("", text, is_file=True):
        line = text.rfind("\n", seen, span.start) + 1 or line
        seen = span.start
        before = text[line : min(span.start, line + _INDENT)].lstrip()
        comment = before.startswith(_COMMENTS) and "/:_" not in before  # `//registry/:_authToken=` of npm
        placeholder = _PLACEHOLDER.fullmatch(span.value) or not is_secret_value("KEY", span.value)
        if not (span.value in known or placeholder or comment):
            yield span


def _find_whole(path: str, text: str) -> Problem | None:
    """Return what makes the whole file one that does not travel."""
    name = PurePosixPath(path).name
    if name in _NAMES and text.strip():
        return _problem(path, tr("has {what}", what=tr(_NAMES[name])), path)
    stem = name.removesuffix(".txt")
    if _SECRET_FILE.search(stem) or is_secret_name(stem):
        value = text.strip()
        if _WORD.fullmatch(value) and is_secret_value("KEY", value) and not _PLACEHOLDER.fullmatch(value):
            return _problem(path, tr("is a secret by its name, and has one word"), path)
    for pattern, words in _LINES:
        found = pattern.search(text)
        if found is not None:
            start = found.start() + len(found[0]) - len(found[0].lstrip())
            return _problem(_line(path, text, start), tr("has {what}", what=tr(words)), path)
    encoded = find_encoded_key(text)
    if encoded is not None:
        return _problem(_line(path, text, encoded), tr("has a private key in base64"), path)
    return None


def _line(path: str, text: str, offset: int) -> str:
    return f"{path}:{text.count(chr(10), 0, offset) + 1}"


def _problem(where: str, message: str, path: str) -> Problem:
    return Problem(where, message, "carry", path, in_files())
