"""Render templates of projects; no template can exhaust the machine or escape the sandbox."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bundler.api.templates.process import LARGEST, Templates
from bundler.errors import BundleError
from bundler.language import speaking

START = (
    "{{% set n = namespace(s={}) %}}{{% for i in range(99) %}}{{% set n.s = n.s {} n.s %}}{{% endfor %}}"
    "{{{{ n.s }}}}"
)
BOMBS = {
    "long range": "{% for i in range(99999999999) %}x{% endfor %}",
    "range in a range": "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
    "long string": "{{ 'x' * 10000000000 }}",
    "long list": "{{ [1] * 10000000000 }}",
    "string doubled": START.format("'x'", "~"),
    "list doubled": START.format("[1]", "+"),
    "power": "{{ 9 ** (9 ** 9) }}",
    "power in a comparison": "{% if 9 ** (9 ** 9) > 1 %}x{% endif %}",
    "power by a filter": "{{ [9, 9, 9] | map('float') | list }}{{ 3 ** (10 ** 9) }}",
    "product": START.format("9 ** 99", "*"),
    "long number as text": "{{ 10 ** 5000000 }}",
    "macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "two macros": "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
    "recursive loop": "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "centred": "{{ 'x' | center(10 ** 11) }}",
    "ljust": "{{ 'x'.ljust(10 ** 11) }}",
    "format width": "{{ '%99999999999d' | format(1) }}",
    "new format width": "{{ '{:>99999999999}'.format(1) }}",
    "percent": "{{ '%099999999999d' % 1 }}",
    "indent": "{{ 'a\\nb' | indent(10 ** 11) }}",
    "lipsum": "{{ lipsum(10 ** 9) }}",
    "batch": "{{ [1] | batch(10 ** 11, 0) | list }}",
    "replace": "{{ ('x' * 99999).replace('x', 'y' * 99999) }}",
    "join": "{{ range(99999) | join('y' * 99999) }}",
    "nested brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "nested lists": "{{ " + "[" * 300 + "]" * 300 + " }}",
    "nested ifs": "{% if 1 %}" * 300 + "{% endif %}" * 300,
    "over the limit": "{% for i in range(5000) %}{{ 'x' * 1000 }}{% endfor %}",
    "cycle of itself": "{% set n = namespace() %}{% set n.x = n %}{{ n.x.x.x }}{% for i in range(99999) %}"
    "{% for j in range(99999) %}{% endfor %}{% endfor %}",
}
ESCAPES = {
    "mro": "{{ ''.__class__.__mro__ }}",
    "globals": "{{ cycler.__init__.__globals__ }}",
    "popen": "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "format": "{{ '{0.__class__.__init__.__globals__}'.format(cycler) }}",
    "format_map": "{{ '{a.__class__}'.format_map({'a': 1}) }}",
    "attr filter": "{{ lipsum | attr('__globals__') }}",
    "map attribute": "{{ [lipsum] | map(attribute='__globals__') | list }}",
    "include": "{% include '/etc/passwd' %}",
    "import": "{% import '/etc/passwd' as x %}",
    "extends": "{% extends '/etc/passwd' %}",
    "self": "{{ self.__init__.__globals__ }}",
    "joiner": "{{ joiner.__init__.__globals__ }}",
    "generator frame": "{{ (range(1) | map('string')).gi_frame.f_globals }}",
    "change a value": "{{ values.append(1) }}",
    "getattr by a filter": "{{ [''] | map('attr', '__class__') | list }}",
    "undefined": "{{ undefined.__init__ }}",
}


def outcome(templates: Templates, text: str) -> tuple[str, str]:
    """Return the rendered template and the error message, one of which is empty."""
    try:
        return templates.render(text, "web.conf.j2"), ""
    except BundleError as error:
        return "", error.message


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_a_template_that_takes_too_much_is_refused(text: str) -> None:
    with Templates({}, seconds=0.5) as templates:
        found, error = outcome(templates, "first line\n" + text)
        assert len(found) <= LARGEST
        assert error.startswith("web.conf.j2:") or found
        assert len(error) < 1000
        assert templates.render("still {{ 1 + 1 }}", "other.j2") == "still 2"


@pytest.mark.parametrize("text", ["{{ 9 ** (9 ** 9) }}", BOMBS["range in a range"], BOMBS["long string"]])
def test_the_line_is_named(text: str) -> None:
    with Templates({}, seconds=0.5) as templates, pytest.raises(BundleError, match=r"^web\.conf\.j2:3: "):
        templates.render("{% set a = 1 %}\n\n" + text + "\n\n", "web.conf.j2")


@pytest.mark.parametrize("text", ESCAPES.values(), ids=ESCAPES)
def test_a_template_does_not_leave_the_sandbox(text: str) -> None:
    with Templates({"values": [0]}) as templates:
        found, error = outcome(templates, text)
    assert error.startswith("web.conf.j2:1: ") or found
    assert not [word for word in ("root:", "<class", "uid=", "'os'", "__builtins__") if word in found]


def test_the_process_has_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUNDLE_KEY_PASSPHRASE", "hunter2")
    with Templates({}) as templates:
        assert templates.render("x", "a.j2") == "x"
        (child,) = [
            entry
            for entry in Path("/proc").glob("[0-9]*/stat")
            if entry.read_text().rpartition(")")[2].split()[1] == str(os.getpid())
            and b"templates.worker" in entry.with_name("cmdline").read_bytes()
        ]
        assert b"hunter2" not in child.with_name("environ").read_bytes()


def test_values_and_the_sha256_filter() -> None:
    with Templates({"name": "\u7f51\u7ad9", "ports": [80, 443], "map": {"a": 1.5, "b": None}}) as templates:
        assert (
            templates.render("{{ name }} {{ ports | join(',') }} {{ map.a }}", "a.j2")
            == "\u7f51\u7ad9 80,443 1.5"
        )
        assert templates.render("{{ 'x' | sha256 }}\n", "a.j2").startswith("2d711642b726b044")
        with pytest.raises(BundleError, match=r"^a\.j2:2: 'missing' is undefined$") as caught:
            templates.render("\n{{ missing }}", "a.j2")
        assert "available: map, name, ports" in str(caught.value.hint)
        with pytest.raises(BundleError, match=r"^a\.j2:2: unexpected '}'"):
            templates.render("\n{{ } }}", "a.j2")


def test_half_of_a_surrogate_pair_is_refused() -> None:
    with Templates({}) as templates:
        with pytest.raises(BundleError, match="surrogate"):
            templates.render("{{ '\\ud800' }}", "a.j2")
        with pytest.raises(BundleError) as caught:
            templates.render("{{ {}['\\ud800'].x }}", "a.j2")
        assert caught.value.message.encode()


def test_errors_are_in_the_language_of_the_run() -> None:
    with speaking("zh"), Templates({}) as templates, pytest.raises(BundleError) as error:
        templates.render("{{ 'x' * 5000000 }}", "own.j2")
    assert error.value.message == "own.j2\uff1a渲染后超过 4 MiB"
