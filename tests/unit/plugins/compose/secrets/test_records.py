"""Secrets in the forms of configuration files, and what looks like them."""

from __future__ import annotations

import pytest
import yaml

from bundler.api.application import ConfigFile
from bundler_compose.secrets.follow import follow_secrets
from bundler_compose.secrets.layout import Today
from bundler_compose.secrets.material import find_material
from bundler_compose.secrets.positions import find_spans
from bundler_compose.secrets.project import Project, Rules
from bundler_compose.site_text import Marks


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        (".npmrc", "//registry.example/:_authToken=abcd1234\n", "abcd1234"),
        (".npmrc", "_auth=YTpiY2Q=\n", "YTpiY2Q="),
        (".npmrc", "//r.example/:_password=YWJj\n", "YWJj"),
        ("a.conf", "user a\npassword     value\n", "value"),
        ("a.conf", "secret\tvalue\n", "value"),
        ("a.conf", "masterauth ab1;\n", "ab1"),
        ("a.json", '[{"name":"DB_PASSWORD","value":"ab\\"c12"}]', 'ab"c12'),
        ("a.json", r'{"a": "[{\"name\":\"DB_PASSWORD\",\"value\":\"abc12\"}]"}', "abc12"),
        ("a.yaml", "env:\n- name: DB_PASSWORD\n  value: abc 12\n", "abc 12"),
        ("a.xml", '<property name="password" value="ab1"/>', "ab1"),
        ("a.yaml", "db:\n  password:\n    abc12\n  user: x\n", "abc12"),
        ("a.yaml", "password: >-\n  abc12\n", "abc12"),
        ("a.yaml", "password: &pw abc12\n", "abc12"),
        ("a.json", '{"c":"Server=db;Password=ab1;X=2"}', "ab1"),
        ("a.txt", "url https://h/?x=1&token=abc12&y=2\n", "abc12"),
        ("n.conf", 'proxy_set_header X-Api-Key "abc12";', "abc12"),
        ("n.conf", 'proxy_set_header Authorization "Bearer abc12";', "abc12"),
        ("users.acl", "user default on >pw1 ~* +@all\n", "pw1"),
        ("logins", "db.example:5432:*:shop:pw1\n", "pw1"),
        ("logins", "# a comment\n\\:\\:1:5432:*:shop:p\\:w\\\\1\n", "p:w\\1"),
        ("wp-config.php", "define( 'DB_PASSWORD', 'ab\\'c' );", "ab'c"),
        ("settings.py", "SECRET_KEY = 'abc'\n", "abc"),
        ("config.js", "module.exports = {password: 'abc12def'}", "abc12def"),
        ("x.rb", ':password => "abc12def"\n', "abc12def"),
        ("x.lua", 'local api_key = "abc12def"\n', "abc12def"),
    ],
)
def test_forms_of_files(path: str, text: str, value: str) -> None:
    (span,) = find_spans("", text, is_file=True)
    assert span.value == value
    (problem,) = find_material(path, text, set())
    assert "has a secret in plain text" in problem.message


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("mosquitto", "a:$7$101$abcdefgh$abcdefgh==\n"),
        ("mongo-keyfile", "YWJjZGVmZ2hpamts\nYWJjZGVmZ2g=\n"),
        ("keys.txt", "# created\nAGE-SECRET-KEY-1" + "Q" * 58 + "\n"),
        ("db_password.txt", "abcd1\n"),
        ("api.token", "abcd1\n"),
    ],
)
def test_whole_files(path: str, text: str) -> None:
    assert list(find_material(path, text, set()))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.conf", "Password reset\nToken expired\n"),
        (
            "n.conf",
            "proxy_set_header X-Token $http_x;\nproxy_set_header Authorization $http_y;\n",
        ),
        ("s.sql", "create table a (\n  password   varchar(255),\n  token   text,\n  id int);\n"),
        ("a.yaml", "password:\n  min: 3\n  max: 9\ntoken:\n  - a\nsecret:\n"),
        ("a.yaml", "token: !secret api_token\n"),
        ("passwd", "root:x:0:0:root:/root:/bin/sh\n"),
        ("i18n.js", "export default {password: 'Password', PASSWORD: 'Enter the password', token: `${x}`}\n"),
        ("a.py", "password = getpass()\ntoken = 'auth_token'\nSECRET_KEY = os.environ['SECRET_KEY']\n"),
        ("tls.key", "/run/secrets/tls.key\n"),
        ("ports.txt", "web:8080:80:tcp\n"),
    ],
)
def test_what_looks_like_a_secret(path: str, text: str) -> None:
    assert not list(find_material(path, text, set()))


def test_a_file_in_the_folder_of_secrets_is_a_secret() -> None:
    document = yaml.safe_load(
        "services: {web: {environment: {DB_PASSWORD: hunter22}, volumes: ["
        "{type: bind, source: ./a, target: /run/secrets/a}, "
        "{type: bind, source: ./b, target: /run/secrets/b}]}}"
    )
    files = {"a": ConfigFile("a", b"word\n"), "b": ConfigFile("b", b"hunter22\n")}
    done = follow_secrets(Project(document, Today(Marks(), {}), files, str, Rules("generate")))
    assert [problem.where for problem in done.problems] == ["a"]
    assert done.files["b"].read() == b"@@DB_PASSWORD@@\n"
