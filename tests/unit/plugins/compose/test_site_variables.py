"""Site variables from the uses in the documents: what is asked, what applies without an answer, and kinds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bundler.api.variable import SiteVariable
from bundler_compose.reading.environment import read_environment
from bundler_compose.reading.interpolation import Interpolation
from bundler_compose.site_text import Marks
from bundler_compose.site_variables import find_site_variables


def find(
    environment: Mapping[str, str | None] | None = None,
    dotenv: str = "",
    secrets: tuple[str, ...] = (),
    **service: Any,  # noqa: ANN401 a document
) -> dict[str, SiteVariable]:
    marks = Marks()
    found = read_environment({}, {".env": dotenv.encode()}.get)
    texts = Interpolation(found.for_site(marks), marks)

    def read(value: Any) -> Any:  # noqa: ANN401 likewise
        if isinstance(value, str):
            return texts.text(value, "compose.yaml:1")
        if isinstance(value, Mapping):
            return {key: read(item) for key, item in value.items()}
        return [read(item) for item in value] if isinstance(value, list) else value

    document = {"services": {"web": read({"environment": environment or {}, **service})}}
    return find_site_variables(document, marks, found, secrets)


def test_a_value_of_the_env_file_is_the_default_and_its_comment_the_prompt() -> None:
    found = find(
        {"A": "${HOST:-x}", "B": "${COLOUR:-blue}"},
        "# ---- Web ----\n# Name of the shop,\n# as users see it.\n#HOST=other\nHOST=shop\nCOLOUR=\n",
    )
    assert found.keys() == {"HOST", "COLOUR"}
    host, colour = found["HOST"], found["COLOUR"]
    assert (host.default, host.required, host.lacking, host.default_is) == ("shop", False, "default", None)
    assert host.prompt is not None
    assert host.prompt.en == "Web ---- Name of the shop, as users see it."
    assert (colour.default, colour.lacking, colour.required) == ("", "empty", False)


def test_what_has_no_value_is_optional_and_shows_what_applies() -> None:
    found = find(
        {
            "ONE": "${STORE:-http://localhost:9090}", "TWO": "${STORE:-http://store:9000}",
            "PLAIN": "${JAVA_OPTS}", "HARD": "${E-e}", "ALT": "${D:+is-set}", "PASSED": None,
            "NESTED": "${A:-${B:-${C:-c}}}",
        },
    )  # fmt: skip
    assert not any(variable.required or variable.default for variable in found.values())
    assert {name: (variable.lacking, variable.default_is) for name, variable in found.items()} == {
        "STORE": ("empty", "http://localhost:9090 | http://store:9000"),
        "JAVA_OPTS": ("empty", None),
        "E": ("unset", "e"),
        "D": ("empty", None),
        "PASSED": ("unset", None),
        "A": ("empty", "${B:-${C:-c}}"),
        "B": ("empty", "${C:-c}"),
        "C": ("empty", "c"),
    }


def test_only_what_the_documents_require_is_required() -> None:
    found = find({"F": "${F:?say F}", "G": "${G?}", "H": "${H:-${I:?in a word}}", "J": "${J:?x}",
                  "K": "${K?x}", "L": "${L:?x}", "M": "${M?x}${M:?x}"}, "J=1\nK=\nL=\nM=\n")  # fmt: skip
    assert [name for name, variable in found.items() if variable.required] == ["F", "G", "L", "M"]
    assert (found["K"].default, found["K"].lacking) == ("", "empty")
    assert found["F"].prompt is not None
    assert found["F"].prompt.en == "say F"
    assert found["G"].lacking == "unset"
    assert found["J"].default == "1"


def test_published_ports_are_ports_and_addresses_with_ports_are_checked() -> None:
    found = find(
        {},
        ports=[
            {"published": "${WEB:-80}", "target": 80},
            {"published": "${RANGE:-80-90}", "target": 80},
            {"published": "${NONE}", "target": 81},
            "${SQL:-127.0.0.1:13306}:3306",
        ],
    )
    assert {name: variable.kind for name, variable in found.items()} == {
        "WEB": "port", "RANGE": "string", "NONE": "port", "SQL": "string",
    }  # fmt: skip
    pattern = found["SQL"].pattern
    assert pattern is not None
    for good in ("127.0.0.1:13306", "[::1]:80", "80", "80-90"):
        assert re.fullmatch(pattern, good)
    for bad in ("db:80", "127.0.0.1", "", "80:80"):
        assert not re.fullmatch(pattern, bad)


def test_secrets_are_generated_where_the_project_has_a_value_and_stay_empty_otherwise() -> None:
    found = find(
        {"A": "${DB_PASSWORD:-secret}", "B": "${SMTP_PASSWORD}", "C": "${API_KEY:?x}", "D": "${TOKEN}"},
        "TOKEN=published\n",
        ("DB_PASSWORD", "SMTP_PASSWORD", "API_KEY", "TOKEN"),
    )
    assert {name: bool(variable.generator) for name, variable in found.items()} == {
        "DB_PASSWORD": True, "SMTP_PASSWORD": False, "API_KEY": True, "TOKEN": True,
    }  # fmt: skip
    assert all(variable.kind == "secret" and variable.default is None for variable in found.values())


def test_values_of_several_lines_are_constant() -> None:
    assert find({"M": "${MOTD}", "H": "${H}"}, 'MOTD="first\nsecond"\nH="a\\tb"\n') == {}


def test_values_made_of_variables_are_no_variables() -> None:
    found = find({"URL": "${BASE_URL}"}, "HOST_NAME=shop.example\nBASE_URL=https://${HOST_NAME}/shop\n")
    assert {name: variable.default for name, variable in found.items()} == {"HOST_NAME": "shop.example"}
