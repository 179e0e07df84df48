"""What a secret's value is: which generator makes another of its form, and which cannot be generated."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from bundler.language import tr_later
from bundler_compose.secrets.names import is_password_name
from bundler_compose.secrets.tokens import is_token
from bundler_compose.secrets.words import COMMON

GENERATOR: Final = "random:32"
"""Generator of secrets: 190 bits, with characters that require no quoting anywhere."""
_SHORTEST_KEPT: Final = 16
"""A shorter secret gets the length of `GENERATOR`, because its length is a matter of chance."""
LONGEST: Final = 512
"""Maximum length of a value that can be generated, in characters."""
_LONG: Final = 20
_LONG_WORD: Final = 8
_LONG_MIXED: Final = 6
_HEX: Final = re.compile(r"(?=.*\d)(?=.*[a-f])(?:[0-9a-f]{2}){16,128}")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BASE64: Final = re.compile(r"(?:base64:)?(?=.*[0-9+/=_-])(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9+/_-]{21,}={0,2}")
_KINDS: Final = 3
_RANDOM: Final = re.compile(r"[A-Za-z0-9!#%+=@^_~-]+")
_WORD: Final = re.compile(r"[A-Za-z0-9]+")

LOGINS: Final = re.compile(r"\"auths?\\*+\"\s*+:\s*+(?:\{\s*+\\*+\"|\\*+\"[A-Za-z0-9+/]{6,}={0,2}\\*\")")
"""What the configuration of a registry's client has, also where it is a text in JSON or of a shell."""
_PRIVATE_KEY: Final = tr_later("is a private key, which cannot be generated")
_FOREIGN: Final = tr_later("is a key of a service outside the project")
_OBSTACLES: Final = (
    (
        re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----|PuTTY-User-Key-File"),
        _PRIVATE_KEY,
    ),
    (
        re.compile(
            r"\$(?:2[abxy]?|1|5|6|7|y|gy|apr1|argon2(?:id|i|d)|scrypt|pbkdf2[\w-]*|P|H|S)\$\S{8,}"
            r"|\{(?:S?SHA|S?MD5|CRYPT|SSHA\d+|ARGON2|PBKDF2[\w-]*)\}\S{8,}"
            r"|pbkdf2_sha(?:1|256|512)\$\d+\$|md5[0-9a-f]{32}$|SCRAM-SHA-(?:1|256)\$",
        ),
        tr_later("has the hash of a password, which must match the password itself"),
    ),
    (
        re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"),
        tr_later("is a signed token (JWT), which only its signer makes"),
    ),
    (re.compile(r"(?i)\bbasic\s+[A-Za-z0-9+/]{8,}={0,2}"), tr_later("has user and password in base64")),
    (LOGINS, tr_later("has logins of registries in base64")),
    (
        re.compile(
            r"\b(?:sk-[\w-]{16,}|(?:gh[pousr]_|github_pat_)\w{16,}|glpat-[\w-]{16,}|xox[abpr]-[\w-]{10,}|"
            r"AKIA[0-9A-Z]{16}|"
            r"AIza[\w-]{30,}|SG\.[\w-]{16,}\.[\w-]{16,}|hf_\w{20,}|[rs]k_(?:live|test)_\w{16,}|tskey-[\w-]{10,}|"
            r"\d{8,10}:AA[\w-]{30,})"
        ),
        _FOREIGN,
    ),
)
"""Values that only one other place can make, each with the words after the name of its place."""


@dataclass(frozen=True)
class Form:
    """How a site makes a value of the same form: constant text, generated text, constant text.

    Attributes:
        generator: as `SiteVariable.generator`.
        prefix: constant text before it, such as `base64:`.
        suffix: constant text after it: the end of base64 that no random character can be.
    """

    generator: str = GENERATOR
    prefix: str = ""
    suffix: str = ""


_ENCODED: Final = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/_-]{18,}")
"""Base64 of a PEM block (RFC 7468): of `-----BEGIN`."""
_ENCODED_START: Final = 96


def find_encoded_key(text: str) -> int | None:
    """Return the offset of a private key that stands in base64 of its PEM block, or None if there is none."""
    for found in _ENCODED.finditer(text):
        block = found[0][:_ENCODED_START].replace("-", "+").replace("_", "/")
        if b" PRIVATE KEY" in base64.b64decode(block[: len(block) // 4 * 4]):
            return found.start()
    return None


def obstacle(value: str) -> str | None:
    """Return why a value cannot be generated, or None.

    The reason is a template of words after the name of its place; `{longest}` stands for `LONGEST`.
    """
    for pattern, words in _OBSTACLES:
        if pattern.search(value):
            return words
    if is_token(value) or find_encoded_key(value) is not None:
        return _FOREIGN if is_token(value) else _PRIVATE_KEY
    if "\n" in value.strip():
        return tr_later("has several lines, like a key or certificate, and cannot be generated")
    if value[:1] in {"{", "["} and value[-1:] in {"}", "]"}:
        return tr_later("is a structure, of which only parts are secret")
    if len(value) > LONGEST:
        return tr_later("is longer than {longest} characters, and cannot be generated")
    return None


def form_of(value: str) -> Form:
    """Return how a site makes a value of the form and length of `value`.

    A value without a form of its own becomes a word of letters and digits, with the same length if that is
    long enough: programs refuse keys of another length.
    """
    if _UUID.fullmatch(value):
        return Form("uuid")
    if _HEX.fullmatch(value):
        return Form(f"hex:{len(value) // 2}")
    if _BASE64.fullmatch(value) and (form := _base64(value)):
        return form
    return Form(f"random:{len(value)}") if len(value) >= _SHORTEST_KEPT else Form()


def _base64(value: str) -> Form | None:
    """Return the form of base64, whose last character holds fewer than six bits: the rest is zero."""
    prefix = "base64:" if value.startswith("base64:") else ""
    text = value.removeprefix(prefix)
    if len(text) % 4 or (not prefix and not text.endswith("=")):
        return None
    try:
        count = len(base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True))
    except binascii.Error:
        return None
    padding = {0: "", 1: "A==", 2: "A="}[count % 3]
    return Form(f"random:{len(text) - len(padding)}", prefix, padding)


_SWITCH: Final = re.compile(
    r"true|false|yes|no|on|off|none|null|nil|enabled?|disabled?|required|optional|auto|default", re.IGNORECASE
)
_NUMBER: Final = re.compile(r"[0-9]{1,5}(?:\.[0-9]+)?")
_DURATION: Final = re.compile(
    r"(?:\d+ ?(?:ns|us|ms|s|m|h|d|w|y|sec|min|hours?|days?|weeks?|months?|years?))+"
)
_PATH: Final = re.compile(
    r"%[\w.]+%/.*|(?:[\w.-]+/)+[\w.-]+\.(?:pem|key|crt|cer|json|ya?ml|txt|secret|p12|jks)"
    r"|(?:\.{1,2}|~)?/(?:[\w.@-]+/)*[\w.@-]*|file:.*|[A-Za-z]:\\.*"
)
_PUBLIC: Final = re.compile(
    r"(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-\S+|sk-\S+@openssh\.com) AAAA"
    r"|-----BEGIN (?:CERTIFICATE|(?:RSA )?PUBLIC KEY)"
)
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*")
_REFERENCE: Final = re.compile(
    r"\$\{[^}]*\}|\$\(.*\)|\$[A-Z_][A-Z0-9_]*|\$|\{\{.*\}\}|@@\w+@@|%\(\w+\)s|%\w+%|<[^>]*>|!\w+ .*"
    r"|(?:ENV|env)[\[(:].*|\*+|__\w+__"
)


def is_secret_value(name: str, value: str) -> bool:
    """Return whether a value under a name that suggests a secret is one in plain text.

    A switch, a duration, a short number, a path, a public key, an address or a reference to something else is
    none. Passwords may be numbers.
    """
    text = value.strip()
    if not text or _SWITCH.fullmatch(text) or _REFERENCE.fullmatch(text) or _PUBLIC.match(text):
        return False
    if _ADDRESS.fullmatch(text):
        return False
    if _PATH.fullmatch(text) and not _is_base64_of_slash(text):
        return False
    return is_password_name(name) or not (_NUMBER.fullmatch(text) or _DURATION.fullmatch(text))


def _is_base64_of_slash(text: str) -> bool:
    """Whether a text that begins with `/` is a random word rather than a path."""
    mixed = any(c.isdigit() for c in text) and any(c.isupper() for c in text)
    return len(text) >= _LONG and "." not in text and mixed


def is_random(value: str) -> bool:
    """Return whether a value looks random, as programs make it: hex, base64, a UUID, or a mixed word."""
    if _UUID.fullmatch(value) or _HEX.fullmatch(value) or _BASE64.fullmatch(value):
        return True
    kinds = sum(any(test(char) for char in value) for test in (str.isdigit, str.isupper, str.islower))
    return len(value) >= _SHORTEST_KEPT and kinds == _KINDS and bool(_RANDOM.fullmatch(value))


def is_distinctive(value: str) -> bool:
    """Return whether a value hardly stands anywhere by chance: eight characters, or six with a digit."""
    if value.lower() in COMMON:
        return False
    mixed = bool(re.search(r"\d|[^A-Za-z0-9]", value))
    return len(value) >= (_LONG_MIXED if mixed else _LONG_WORD)
