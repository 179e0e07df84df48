"""What the name of a variable, a label, an option or a key of a file says about its value."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from bundler_compose.secrets.words import KEY_OF, NOT_LAST, OUTSIDE, PLAIN, SWITCHES

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_PASSWORDS: Final = frozenset(
    {"PASSWORD", "PASSWD", "PASS", "PWD", "PASSPHRASE", "PW", "PASSCODE"}
    | {"CONTRASENA", "PASSWORT", "KENNWORT", "SENHA", "密码", "密碼", "口令", "ПАРОЛЬ"}
)
_SECRETS: Final = _PASSWORDS | frozenset(
    {"SECRET", "TOKEN", "CREDENTIAL", "APIKEY", "PEPPER", "SALT", "MASTERAUTH", "AUTHKEY", "SECRETKEY"}
    | {"CRED", "CREDS", "APPKEY", "FERNET", "密钥", "密鑰", "令牌"}
)
_OF_SECRET: Final = _SECRETS | frozenset(
    {"KEY", "ACCESS", "API", "AUTH", "FILE", "ROOT", "USER", "ADMIN", "DEFAULT", "MASTER"}
)
"""Last words of names of secrets that do not say what the secret is for."""
_OF_HOST: Final = frozenset(
    {"HOST", "HOSTS", "HOSTNAME", "URL", "URLS", "URI", "ENDPOINT", "ENDPOINTS", "ADDR", "ADDRESS"}
    | {"SERVER", "SERVERS", "NODES", "BROKER", "BROKERS"}
)
"""Last words of names of hosts and addresses."""
_ENDS: Final = re.compile(r".(?:PASSWORD|PASSWD|(?<!BY)(?<!COM)PASS|PASSPHRASE|SECRET|TOKEN|API_?KEY)$")
_SHORT_FORM: Final = re.compile(r"(?:[A-Z0-9]+_)*[A-Z]{2,}PW")

_LONGEST: Final = 200
"""A longer text is no name."""


def words_of(name: str) -> list[str]:
    """Return the words of a name in upper case: DB and PASSWORD of `dbPassword` or `db-password`."""
    plain = name if name.isascii() else "".join(filter(str.isprintable, _without_accents(name)))
    return [word.upper() for word in _WORDS.findall(plain)]


def _without_accents(name: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))


def _meaning(name: str) -> list[str]:
    words = words_of(name)
    while words and (words[-1].isdigit() or words[-1] in {"B64", "BASE"}):
        words.pop()
    return [
        word[:-1] if word in {"TOKENS", "SECRETS", "KEYS", "CREDENTIALS", "PASSWORDS"} else word
        for word in words
    ]


def is_password_name(name: str) -> bool:
    """Return whether a name ends like one of a password, for which `1234` or `yes` may be the value."""
    words = _meaning(name)
    return bool(words) and (
        words[-1] in _PASSWORDS or words[-1].endswith(("PASSWORD", "PASSWD", "PASSPHRASE"))
    )


_SUGGESTIVE: Final = frozenset(
    {"SIGNING", "SIGNATURE", "COOKIE", "COOKIES", "SEED", "ENCRYPTION", "ENCRYPT", "HMAC", "JWT", "SESSION"}
)


def is_suggestive_name(name: str) -> bool:
    """Return whether a name is one under which a random value is a secret, such as `COOKIE` or `OTP_SEED`."""
    words = _meaning(name) if len(name) <= _LONGEST else []
    return bool(words) and words[-1] in _SUGGESTIVE


@lru_cache(maxsize=1 << 14)
def is_secret_name(name: str) -> bool:
    """Return whether a name suggests that its value is a secret.

    A word such as PASSWORD, TOKEN or KEY is no secret where the last word says that it is something else (a
    file, a length, a time, an address), or where the key is public.
    """
    words = _meaning(name) if len(name) <= _LONGEST else []
    if not words or {"PUBLIC", "PUB", "PUBLISHABLE"} & set(words) or words[-1] in NOT_LAST:
        return False
    if words[-1] == "KEY":
        return len(words) == 1 or words[-2] not in KEY_OF
    if words[0] in SWITCHES and len(words) > 1:
        return False
    found = any(word in _SECRETS or (word == "KEY" and "SECRET" in words) for word in words)
    return found or bool(_SHORT_FORM.fullmatch(name)) or any(_ENDS.search(word) for word in words)


def is_plain_name(name: str) -> bool:
    """Return whether a name says that its value is no secret, such as that of a user or a host."""
    words = words_of(name)
    return bool(words) and not is_secret_name(name) and (words[-1] in PLAIN or words[-1] in NOT_LAST)


def is_pair_name(name: str) -> bool:
    """Return whether a value may be USER:PASSWORD, such as that of `BASIC_AUTH`."""
    words = words_of(name)
    return bool(words) and words[-1] in {
        "AUTH",
        "USERPASS",
        "CREDENTIALS",
        "CREDENTIAL",
        "LOGIN",
        "USER",
        "USERS",
    }


def is_identifier_name(name: str) -> bool:
    """Return whether a name is that of an access key, which is the name of a user for many servers."""
    words = _meaning(name)
    return words[-2:] == ["ACCESS", "KEY"] and "SECRET" not in words


def belongs_outside(name: str) -> bool:
    """Return whether a name has a word of services that projects use and do not have, such as SMTP."""
    words = _meaning(name)
    return bool(OUTSIDE & set(words)) or words[-2:] == ["CLIENT", "SECRET"]


def comes_from_outside(name: str) -> bool:
    """Return whether a secret of this name probably belongs to a service outside the project.

    A random value for a mail server's password, or for an API key of a provider, is of no use.
    """
    words = _meaning(name)
    if belongs_outside(name):
        return True
    api = words[-2:] == ["API", "KEY"] or words[-1:] == ["APIKEY"] or words[-2:] == ["ACCESS", "TOKEN"]
    return api or words[-2:] == ["API", "TOKEN"]


def secret_stem(name: str) -> tuple[str, ...] | None:
    """Return what the name of a secret is about, such as DB of DB_ROOT_PASSWORD.

    None for the name of a key or token of which nothing says what it is for.
    """
    words = _meaning(name)
    while words and words[-1] in _OF_SECRET:
        words.pop()
    return _stem(words) if words or is_password_name(name) else None


def host_stem(name: str) -> tuple[str, ...] | None:
    """Return what the name of a host or an address is about, such as DB of DB_HOST; None for other names."""
    words = words_of(name)
    count = len(words)
    while words and words[-1] in _OF_HOST:
        words.pop()
    return _stem(words) if len(words) < count else None


def _stem(words: Iterable[str]) -> tuple[str, ...]:
    """Return the words, with one for both names of object storage."""
    text = " ".join(words).replace("S 3", "S3").replace("AWS", "S3")
    return tuple(dict.fromkeys(text.split()))


def variable_name(text: str) -> str:
    """Return a name for a site variable made of `text`, such as `DB_PASSWORD` of `db-password`."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").upper()
    if not name:
        return "SECRET"
    return f"_{name}" if name[0].isdigit() else name
