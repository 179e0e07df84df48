"""What travels has no value of a secret that the site generates, in whatever form it may be."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from bundler.api.application import ApplicationModel, ConfigFile, Dump, Lifecycle
from bundler.api.variable import SiteVariable
from bundler.errors import BundleError
from bundler_compose.secrets.forms import Form
from bundler_compose.secrets.places import Keys
from bundler_compose.secrets.project import Group
from bundler_compose.secrets.protect import check_protected

VALUE = "hunter22!"
GROUP = Group("DB_PASSWORD", VALUE, frozenset(), (), (), "generate", Form(), frozenset())


def place(keys: Keys) -> str:
    return "compose.yaml:1: " + ".".join(map(str, keys))


def model(**parts: Any) -> ApplicationModel:  # noqa: ANN401 any part
    return ApplicationModel("shop", "1", "Shop", **{"compose": {"services": {}}, **parts})


@pytest.mark.parametrize(
    "parts",
    [
        {"compose": {"services": {"web": {"user": VALUE}}}},
        {"compose": {"x-a": [f"a {VALUE}"]}},
        {"files": (ConfigFile("a", f"x={VALUE}".encode()),)},
        {"files": (ConfigFile("a", b"\0\xff" + VALUE.encode() + b"\xff"),)},
        {"files": (ConfigFile("a", base64.b64encode(f"user:{VALUE}".encode())),)},
        {"files": (ConfigFile("a", base64.b64encode(f"u:{VALUE}x".encode())),)},
        {"files": (ConfigFile("a", base64.b64encode(f"us:{VALUE}xy".encode())),)},
        {"files": (ConfigFile("a", b"https://u:hunter22%21@h"),)},
        {"carried": (ConfigFile("a", VALUE.encode()),)},
        {"variables": (SiteVariable(name="A", default=f"x {VALUE}"),)},
        {"lifecycle": Lifecycle(dumps=(Dump("d", "db", f"dump -p {VALUE}", "load"),))},
    ],
)
def test_a_value_that_is_left_is_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match="the secret DB_PASSWORD would travel") as caught:
        check_protected(model(**parts), [GROUP], frozenset(), place)
    assert VALUE not in str(caught.value)


def test_other_texts_travel() -> None:
    files = (ConfigFile("a", b"hunter22!x @@DB_PASSWORD@@"), ConfigFile("b", b"x" * 1000))
    check_protected(model(files=files), [GROUP], frozenset(), place)
    check_protected(model(files=(ConfigFile("a", VALUE.encode()),)), [GROUP], frozenset({VALUE}), place)


def test_a_short_value_is_refused_in_the_position_of_a_secret() -> None:
    short = Group("P", "ab", frozenset(), (), (), "generate", Form(), frozenset())
    document = {"services": {"ab": {"user": "ab", "x": "postgres://ab:{}@ab"}}}
    check_protected(model(compose=document), [short], frozenset(), place)
    document["services"]["ab"]["x"] = "postgres://u:ab@ab"
    with pytest.raises(BundleError, match="would travel"):
        check_protected(model(compose=document), [short], frozenset(), place)
