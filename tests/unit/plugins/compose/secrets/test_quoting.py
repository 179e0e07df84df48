"""Values in quotes and with escapes: read to their end, decoded, and found in every spelling."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bundler_compose.secrets.positions import find_spans
from bundler_compose.secrets.quoting import read_literal, written_forms

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("text", "written", "value"),
    [
        (r'{"password":"ab\"cdefgh1","x":1}', r"ab\"cdefgh1", 'ab"cdefgh1'),
        (r'{"password":"\u0061b\/c\\d1","x":1}', r"\u0061b\/c\\d1", r"ab/c\d1"),
        (r'{"conf": "{\"password\": \"ab\\\"cd\"}"}', r"ab\\\"cd", 'ab"cd'),
        ("password: 'it''s12345'", "it''s12345", "it's12345"),
        (r"""sh -c "export PASSWORD='it'\''s98765'" """, r"it'\''s98765", "it's98765"),
        ("""PASSWORD='it'"'"'s98765' run""", """it'"'"'s98765""", "it's98765"),
        (r"PASSWORD=it\'s\ 98765 run", r"it\'s\ 98765", "it's 98765"),
        ('PASSWORD=ab"c d"ef run', 'ab"c d"ef', "abc def"),
        ('PASSWORD="ab"cd run', '"ab"cd', "abcd"),
        (r'mysql -u root -p"a\$b c" x', r"a\$b c", "a$b c"),
        ("ALTER USER a PASSWORD 'it''s1';", "it''s1", "it's1"),
        ('{"a": "Server=db;Password=ab1;X=1"}', "ab1", "ab1"),
        ("sh -c 'mysql --password=abc'", "abc", "abc"),
        (r"amqp://u:a\"b1@mq", r"a\"b1", 'a"b1'),
    ],
)
def test_a_value_is_read_to_its_end(text: str, written: str, value: str) -> None:
    (span,) = find_spans("", text)
    assert (text[span.start : span.end], span.value, span.closed) == (written, value, True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("password: it's12345 # comment\n", "it's12345"),
        ("password: correct horse\nuser: a\n", "correct horse"),
        ("password = ab,cd;ef\n", "ab,cd;ef"),
        ("- password: abc1,\n", "abc1"),
        ("password = ab1;user=x\n", "ab1"),
        ("password=abc run\n", "abc"),
        ("{password: abc, user: x}\n", "abc"),
    ],
)
def test_a_value_without_quotes_ends_with_its_line_or_at_a_separator(text: str, value: str) -> None:
    (span,) = find_spans("", text, is_file=True)
    assert span.value == value


@pytest.mark.parametrize("text", ["password: 'abc\nuser: x\n", 'password: "abc\n'])
def test_quotes_that_are_not_closed_are_marked(text: str) -> None:
    (span,) = find_spans("", text, is_file=True)
    assert not span.closed


@pytest.mark.parametrize(
    "text",
    [
        'read -p "Password: " x\necho "a"\n',
        'echo "password: " && echo "x"\n',
        "the 'default password': see below\n",
        'if [ "$password" == "x" ]; then\n',
        'password: ""\nuser: "x"\n',
    ],
)
def test_a_quote_that_ends_a_text_begins_no_value(text: str) -> None:
    assert not find_spans("", text, is_file=True)


@given(TEXTS)
def test_json_and_yaml_are_decoded(value: str) -> None:
    for text in (
        json.dumps(value),
        json.dumps(value, ensure_ascii=False),
        json.dumps(json.dumps(value))[1:-1],
    ):
        literal = read_literal(text, 0)
        assert literal is not None
        assert literal.value == value
    text = "'" + value.replace("'", "''") + "'"
    if not set(value) & set("\\\n\r\x85\u2028\u2029\ufeff") and value.isprintable():
        literal = read_literal(text, 0)
        assert literal is not None
        assert literal.value == value == yaml.safe_load(text)


@given(TEXTS)
def test_the_spellings_of_a_value_are_distinct_and_begin_with_itself(value: str) -> None:
    forms = written_forms(value)
    assert forms[0] == value
    assert len(set(forms)) == len(forms)
    assert json.dumps(value)[1:-1] in forms
