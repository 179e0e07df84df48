"""Site values in templates: a parser of the format reads what was typed, or the value is refused."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import socket
import subprocess
import tempfile
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from tests.support.filling import fill, generate
from tests.support.installer import SHELLS, shells
from tests.support.programs import need_program

COUNT = 1200
"""Number of values for each of three shells, besides those that are always tried."""


def rows(count: int, *forms: str) -> str:
    """Return a line for each value, with the forms in turn; `N` is replaced by the value's number."""
    return "".join(forms[n % len(forms)].replace("N", str(n)) for n in range(count))


@pytest.mark.parametrize("shell", shells())
def test_json(shell: str, tmp_path: Path) -> None:
    values = generate(f"json{shell}", COUNT)
    body = rows(len(values), '"kN": "@@VN@@",\n', '"kN": "a\\"@@VN@@\\\\ b", \n', '"kN":["é@@VN@@"],\n')
    filled = fill(shell, "json", "{" + body + '"end": 0}', values, tmp_path / "fill")
    assert filled.refused == {}
    found = json.loads(filled.content)
    for number, value in enumerate(values):
        assert found[f"k{number}"] == [value, f'a"{value}\\ b', [f"é{value}"]][number % 3]


@pytest.mark.parametrize("shell", shells())
def test_json_without_quotes(shell: str, tmp_path: Path) -> None:
    values = generate(f"bare{shell}", 300)
    filled = fill(shell, "json", rows(len(values), '{"k": @@VN@@}\n'), values, tmp_path / "fill")
    for number, (value, line) in enumerate(zip(values, filled.content.decode().split("\n"), strict=False)):
        if f"V{number}" in filled.refused:
            assert filled.refused[f"V{number}"] == "literal"
        else:
            assert json.loads(line)["k"] == json.loads(value)
            assert not isinstance(json.loads(value), str)
    assert {"0", "-1", "1.5", "true", "null"} <= {
        v for n, v in enumerate(values) if f"V{n}" not in filled.refused
    }


YAML = {
    'kN: "@@VN@@"\n': "{}",
    'kN: "a\\t@@VN@@ b" # it\'s\n': "a\t{} b",
    "kN: '@@VN@@'\n": "{}",
    "kN: 'it''s @@VN@@' # \"\n": "it's {}",
    "kN: [x, '@@VN@@', y]\n": ["x", "{}", "y"],
    "kN:\n  - @@VN@@\n  - don't\n": ["{}", "don't"],
    "kN: @@VN@@ # comment\n": "{}",
    "kN: [ x, @@VN@@ , y]\n": ["x", "{}", "y"],
    'kN: {a: @@VN@@,\n  b: "@@VN@@"}\n': {"a": "{}", "b": "{}"},
    "kN: x@@VN@@\n": "x{}",
    "kN: don't @@VN@@ it's\n": "don't {} it's",
    "kN: http://@@VN@@:80/\n": "http://{}:80/",
    "kN: |\n  a: '\n  x @@VN@@ y\n": "a: '\nx {} y\n",
    'kN:\n  - a: |+\n      x @@VN@@\n    b: "@@VN@@"\n': [{"a": "x {}\n", "b": "{}"}],
    'kN: # @@VN@@\n  "@@VN@@"\n': "{}",
    "kN: a\n  b 'c @@VN@@\n": "a b 'c {}",
    "? kN\n: - - @@VN@@\n": [["{}"]],
    "kN:\n- a: b\n  c: @@VN@@\n": [{"a": "b", "c": "{}"}],
    "kN: !!str @@VN@@\n": "{}",
    'kN: "a\n  @@VN@@b"\n': "a {}b",
}  # fmt: skip


def put(pattern: object, value: str) -> object:
    if isinstance(pattern, dict):
        return {key: put(item, value) for key, item in pattern.items()}
    if isinstance(pattern, list):
        return [put(item, value) for item in pattern]
    return str(pattern).replace("{}", value)


@pytest.mark.parametrize("shell", shells())
def test_yaml(shell: str, tmp_path: Path) -> None:
    values = generate(f"yaml{shell}", COUNT * 2)
    forms = list(YAML)
    template = "---\n" + rows(len(values), *forms)
    filled = fill(shell, "yaml", template, values, tmp_path / "fill")
    found = yaml.load(filled.content, yaml.BaseLoader)  # noqa: S506 strings only
    assert found == yaml.load(filled.content, yaml.CBaseLoader)  # noqa: S506 strings only
    kept = dict.fromkeys(forms, 0)
    for number, value in enumerate(values):
        form = forms[number % len(forms)]
        if f"V{number}" not in filled.refused:
            expected = put(YAML[form], value)
            assert found[f"k{number}"] == expected, (form, value)
            kept[form] += 1
    assert all(kept.values()), kept
    assert sum(kept.values()) > len(values) / 2


TOML = {
    'kN = "@@VN@@"\n': "{}",
    "kN = '@@VN@@' # \"\n": "{}",
    'kN = """a\n@@VN@@ "x\\\n"""\n': 'a\n{} "x',
    "kN = '''it's @@VN@@'''\n": "it's {}",
    "kN = @@VN@@ # it's\n": "{}",
    'kN = [ "a", @@VN@@ , "b",\n  "@@VN@@" ]\n': ["a", "{}", "b", "{}"],
    'kN = {a = @@VN@@, b = "@@VN@@"}\n': {"a": "{}", "b": "{}"},
    '# it\'s @@VN@@\nkN.x = "@@VN@@"\n': {"x": "{}"},
}


def texts(value: object) -> object:
    if isinstance(value, dict):
        return {key: texts(item) for key, item in value.items()}
    return [texts(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("shell", shells())
def test_toml(shell: str, tmp_path: Path) -> None:
    values = generate(f"toml{shell}", COUNT)
    forms = list(TOML)
    filled = fill(shell, "toml", rows(len(values), *forms), values, tmp_path / "fill")
    found = tomllib.loads(filled.content.decode())
    kept = dict.fromkeys(forms, 0)
    for number, value in enumerate(values):
        form = forms[number % len(forms)]
        if f"V{number}" in filled.refused:
            continue
        got, expected = found[f"k{number}"], put(TOML[form], value)
        if not isinstance(got, type(expected)):  # a bare number or boolean
            assert form == forms[4], (form, value)
            assert tomllib.loads(f"x = {value}")["x"] == got
        elif not isinstance(got, str) and got != expected:  # numbers and booleans in a list
            assert (
                json.dumps(got).replace('"', "").lower() == json.dumps(expected).replace('"', "").lower()
            ), value
        else:
            assert got == expected, (form, value)
        kept[form] += 1
    assert all(kept.values()), kept


NGINX = {
    'return 200 "@@VN@@";': "{}",
    "return 200 '@@VN@@'; # it's": "{}",
    'return 200 "a\\"@@VN@@\\\\ b";': 'a"{}\\ b',
    "return 200 'it\\'s @@VN@@';": "it's {}",
    "return 200 @@VN@@;": "{}",
    "return 200 x@@VN@@;": "x{}",
    "return 200 a\"@@VN@@'b;": "a\"{}'b",
    "set $x @@VN@@; return 200 $x;": "{}",
    '# it\'s @@VN@@\n    return 200 "a\n@@VN@@";': "a\n{}",
    "set $x ${request_method}@@VN@@; return 200 $x;": "GET{}",
}
SERVER = """
daemon off; master_process off; pid nginx.pid; error_log nginx.log;
events {{ }}
http {{
    access_log off; keepalive_requests 100000; default_type text/plain;
    server {{
        listen unix:{path};
{locations}
    }}
}}
"""


def ask(path: Path, count: int) -> Iterator[bytes]:
    """Yield the server's answers to `/0`, `/1` and so on, over one connection."""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(30)
        channel.connect(str(path))
        stream = channel.makefile("rb")
        for number in range(count):
            channel.sendall(f"GET /{number} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert b" 200 " in stream.readline()
            length = 0
            while (line := stream.readline().strip()) != b"":
                key, _, text = line.partition(b": ")
                length = int(text) if key == b"Content-Length" else length
            yield stream.read(length)


@pytest.mark.parametrize("shell", shells())
def test_nginx(shell: str, tmp_path: Path) -> None:
    program = need_program("nginx")
    values = generate(f"nginx{shell}", COUNT)
    forms = list(NGINX)
    folder = Path(tempfile.mkdtemp())  # socket paths must be short
    try:
        bodies = "".join(
            f"location = /{n} {{\n{forms[n % len(forms)].replace('N', str(n))}\n}}\n"
            for n in range(len(values))
        )
        template = SERVER.format(path=folder / "socket", locations=bodies)
        filled = fill(shell, "nginx", template, values, tmp_path / "fill")
        text = filled.content
        for bare in (b"return 200 ;", b"set $x ;"):  # a refused value leaves an empty place
            text = text.replace(bare, bare.replace(b" ;", b" x;"))
        (folder / "nginx.conf").write_bytes(text)
        (folder / "logs").mkdir()
        with subprocess.Popen([program, "-p", folder, "-c", "nginx.conf"], stderr=subprocess.PIPE) as server:
            try:
                while not (folder / "socket").exists():
                    assert server.poll() is None, server.stderr and server.stderr.read()
                answers = list(ask(folder / "socket", len(values)))
            finally:
                server.terminate()
    finally:
        shutil.rmtree(folder)
    kept = dict.fromkeys(forms, 0)
    for number, (value, answer) in enumerate(zip(values, answers, strict=True)):
        form = forms[number % len(forms)]
        if f"V{number}" in filled.refused:
            assert filled.refused[f"V{number}"] == "piece"
        else:
            assert answer.decode() == NGINX[form].replace("{}", value), (form, value)
            kept[form] += 1
        if "$" in value:
            assert f"V{number}" in filled.refused
    assert all(kept.values()), kept


SCRIPT = {
    "show '@@VN@@'": ["{}"],
    'show "@@VN@@"': ["{}"],
    "show @@VN@@ b": ["{}", "b"],
    "show a@@VN@@\\'b": ["a{}'b"],
    'x=@@VN@@; show "$x"': ["{}"],
    'show "$(printf %s "@@VN@@")" b': ["{}", "b"],
    "show \"a'$(printf %s @@VN@@; echo ')')'b\"": ["a'{})'b"],
    "show 'it'\\''s @@VN@@' # it's": ["it's {}"],
    '# it\'s @@VN@@\nshow "\\"@@VN@@\\\\"': ['"{}\\'],
    'show "${HOME:+a}@@VN@@${#HOME}"': ["a{}8"],
    "show \"$(cat <<'END'\n@@VN@@.\nEND\n)\"": ["{}."],
    'show "$(cat <<-END; echo "it\'s"\n\t\'"@@VN@@.$((1 + 1))\n\tEND\n)"': None,
    'show "$(cat <<END\n\'"${EMPTY}@@VN@@.\nEND\n)"': ["'\"{}."],
    'f() { case $1 in (a) show "@@VN@@" ;; b) show @@VN@@ ;; esac }; f a; f b': ["{}", "{}"],
    'show "a\n@@VN@@"': ["a\n{}"],
    "if [ @@VN@@ = '' ]; then show; else show @@VN@@; fi": None,
}
"""None: only check that no other command runs."""


@pytest.mark.parametrize("shell", shells())
def test_shell(shell: str, tmp_path: Path) -> None:
    values = generate(f"shell{shell}", COUNT)
    forms = list(SCRIPT)
    body = "".join(
        f"echo '<{n}>'\n{forms[n % len(forms)].replace('N', str(n))}\n" for n in range(len(values))
    )
    head = "EMPTY=\nshow() { for each; do printf '[%s]\\n' \"$each\"; done; }\n"
    filled = fill(shell, "shell", head + body, values, tmp_path / "fill")
    (tmp_path / "empty").mkdir()
    for other in SHELLS:
        run = subprocess.run(
            [*SHELLS[other], tmp_path / "fill/filled"],
            env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "LC_ALL": "C"},
            cwd=tmp_path / "empty",
            capture_output=True,
            check=False,
        )
        assert (run.returncode, run.stderr) == (0, b"") or SCRIPT_NOISE in run.stderr, run.stderr[-500:]
        parts = run.stdout.decode()
        kept = dict.fromkeys(forms, 0)
        for number, value in enumerate(values):
            _, _, parts = parts.partition(f"<{number}>\n")
            form = forms[number % len(forms)]
            if f"V{number}" in filled.refused or SCRIPT[form] is None:
                kept[form] += f"V{number}" not in filled.refused
                continue
            expected = "".join(f"[{text.replace('{}', value)}]\n" for text in SCRIPT[form] or ())
            assert parts.startswith(expected), (other, form, value, parts[:200])
            kept[form] += 1
        assert all(kept.values()), kept
    assert list((tmp_path / "empty").iterdir()) == []


SCRIPT_NOISE = b"[: "
"""`[` takes some values for its own operators."""


PLACES = {
    "shell": {
        "x=`echo @@V0@@`": "place",
        'x="`echo "@@V0@@"`"': "place",
        "x=${y:-@@V0@@}": "place",
        'x="${y:-"@@V0@@"}"': "place",
        "x=$((1 + @@V0@@))": "place",
        "(( x = @@V0@@ ))": "place",
        "x=$'a\\'@@V0@@'": "place",
        'x="$(case a in a) echo "@@V0@@" ;; esac)"': "place",
        "x=\\@@V0@@": "place",
        "cat <<E\n$(echo @@V0@@)\nE": "place",
        "cat <<E\n`echo @@V0@@`\nE": "place",
        "cat <<E\n\\@@V0@@\nE": "place",
        "cat <<$E\n@@V0@@\n": "place",
        "x='@@V0@@": "unfinished",
        "x=$(echo @@V0@@": "unfinished",
        "cat <<E\n@@V0@@": "unfinished",
    },
    "nginx": {"a \\@@V0@@;": "place", 'a "@@V0@@;': "unfinished", "a x@@V0@@;": "piece"},
    "yaml": {
        'a: "\\@@V0@@"': "place",
        'a: "@@V0@@': "unfinished",
        "a: [@@V0@@": "unfinished",
        "@@V0@@: b": "piece",
        "- a: |@@V0@@": "place",
    },
    "json": {'{"a": "\\@@V0@@"}': "place", '{"a": x@@V0@@}': "place", '{"a": "@@V0@@': "unfinished"},
    "toml": {
        'a = "\\@@V0@@"': "place",
        "a = x@@V0@@": "place",
        "[@@V0@@]": "word",
        'a = "@@V0@@': "unfinished",
    },
    "properties": {"a = \\@@V0@@": "place"},
    "env": {'A="@@V0@@': "piece", "A=x@@V0@@": "word", "@@V0@@=x": "word", "A='\n@@V0@@": "unfinished"},
    "ini": {"a = @@V0@@": "piece", "[@@V0@@]": "word", "@@V0@@ = x": "word"},
    "html": {
        "<script>x = '@@V0@@'</script>": "word",
        "<a href=@@V0@@>": "word",
        "<!-- @@V0@@ -->": "piece",
        "<style>@@V0@@</style >": "word",
    },
    "xml": {
        "<![CDATA[@@V0@@]]>": "piece",
        "<a @@V0@@='x'/>": "word",
        "<?a @@V0@@?>": "word",
        "<a b='": "unfinished",
    },
}
HOSTILE = '\'; id; "$(id)" `id` --> ]]> : #'


@pytest.mark.parametrize("shell", shells())
def test_places_where_no_value_can_stand(shell: str, tmp_path: Path) -> None:
    for form, places in PLACES.items():
        for number, (template, reason) in enumerate(places.items()):
            if "@@" not in template:
                template = "<b>@@V0@@</b>" + template  # noqa: PLW2901 the value is filled in; the rest is broken
            folder = tmp_path / f"{form}{number}"
            filled = fill(shell, form, template + "\n", [HOSTILE], folder)
            assert set(filled.refused.values()) >= {reason}, (form, template, filled)
            assert b"id" not in filled.content or reason == "unfinished", (form, template)


def read_properties(text: str) -> dict[str, str]:
    """Parse the text as documented for java.util.Properties.load(InputStream)."""
    lines: list[str] = []
    going_on = False
    for raw in re.split("\r\n|\r|\n", text):
        line = raw.lstrip(" \t\f")
        if not going_on and (not line or line[0] in "#!"):
            continue
        tail = re.search(r"\\*$", line)
        odd = bool(tail) and len(tail[0]) % 2 == 1 if tail else False
        kept = line[:-1] if odd else line
        if going_on:
            lines[-1] += kept
        else:
            lines.append(kept)
        going_on = odd
    found = {}
    for line in lines:
        match = re.fullmatch(r"((?:[^\\=: \t\f]|\\.)*)[ \t\f]*(?:[=:][ \t\f]*)?(.*)", line, re.DOTALL)
        assert match
        key, value = (
            re.sub(
                r"\\(?:u([0-9a-fA-F]{4})|(.))",
                lambda m: (
                    chr(int(m[1], 16))
                    if m[1]
                    else {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}.get(m[2], m[2])
                ),
                part,
                flags=re.DOTALL,
            )
            for part in match.groups()
        )
        found[join_halves(key)] = join_halves(value)
    return found


def join_halves(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16")


PROPERTIES = {
    "kN=@@VN@@": "{}",
    "kN = a @@VN@@ b": "a {} b",
    "  kN : @@VN@@\\\n   @@VN@@": "{}{}",
    "! it's @@VN@@\nkN @@VN@@": "{}",
    "kN=a\\\n  @@VN@@": "a{}",
}


@pytest.mark.parametrize("shell", shells())
def test_properties(shell: str, tmp_path: Path) -> None:
    values = generate(f"properties{shell}", COUNT)
    forms = list(PROPERTIES)
    template = rows(len(values), *(form + "\n" for form in forms)) + "x@@V0@@y=z\n"
    filled = fill(shell, "properties", template, values, tmp_path / "fill")
    assert filled.content.replace(b"it's ", b"").isascii() or b"\n! it's" in filled.content
    found = read_properties(filled.content.decode("latin-1"))
    for number, value in enumerate(values):
        form = forms[number % len(forms)]
        if f"V{number}" in filled.refused:
            assert "\r" in value
            assert form.startswith("!")
        else:
            assert found[f"k{number}"] == PROPERTIES[form].replace("{}", value), (form, value)
    keys = fill(shell, "properties", rows(len(values), "k@@VN@@=N\n"), values, tmp_path / "keys")
    numbers = {f"k{value}": str(number) for number, value in enumerate(values)}
    assert read_properties(keys.content.decode("latin-1")) == numbers


ENV = {
    "KN=@@VN@@": "{}",
    "KN='@@VN@@'": "{}",
    "KN='a @@VN@@ b' # it's": "a {} b",
    'KN="@@VN@@"': "{}",
    "export KN=a@@VN@@.b": "a{}.b",
    "# it's @@VN@@\nKN=@@VN@@": "{}",
}


@pytest.mark.peer
@pytest.mark.root
@pytest.mark.parametrize("shell", shells())
def test_env(shell: str, docker_compose: str, tmp_path: Path) -> None:
    """Compose and shells read the same value, or it is refused."""
    values = generate(f"env{shell}", COUNT)
    forms = list(ENV)
    template = rows(len(values), *(form + "\n" for form in forms))
    filled = fill(shell, "env", template, values, tmp_path / "fill")
    (tmp_path / "x.env").write_bytes(filled.content)
    (tmp_path / "compose.yaml").write_text("services: {a: {image: x, env_file: x.env}}\n")
    shown = subprocess.run(
        [docker_compose, "--project-name", "p", "config", "--format", "json"],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr[-2000:]
    environment = json.loads(shown.stdout)["services"]["a"]["environment"]
    program = ". ./x.env; " + "".join(f'printf "%s\\n" "$K{n}";' for n in range(len(values)))
    (tmp_path / "program").write_text(program)
    run = subprocess.run(
        [*SHELLS[shell], "program"], cwd=tmp_path, env={"LC_ALL": "C"}, capture_output=True, check=True
    )
    lines = run.stdout.decode().split("\n")
    kept = dict.fromkeys(forms, 0)
    for number, value in enumerate(values):
        form = forms[number % len(forms)]
        if f"V{number}" not in filled.refused:
            expected = ENV[form].replace("{}", value)
            assert environment[f"K{number}"].replace("$$", "$") == expected, (form, value)
            assert lines[number] == expected, (form, value)
            kept[form] += 1
    assert all(kept.values()), kept


@pytest.mark.parametrize("shell", shells())
def test_ini(shell: str, tmp_path: Path) -> None:
    values = generate(f"ini{shell}", COUNT)
    template = "[a]\n" + rows(len(values), "kN = @@VN@@\n", "kN=a @@VN@@ b\n", "; @@VN@@\nkN = x\n")
    filled = fill(shell, "ini", template, values, tmp_path / "fill")
    plain = configparser.RawConfigParser(interpolation=None)
    modern = configparser.ConfigParser(inline_comment_prefixes=("#", ";"))
    kept = 0
    for parser in (plain, modern):
        parser.read_string(filled.content.decode())
        for number, value in enumerate(values):
            if f"V{number}" not in filled.refused:
                assert parser["a"][f"k{number}"] == [value, f"a {value} b", "x"][number % 3], value
                kept += 1
    assert kept > len(values) / 4


@pytest.mark.parametrize("shell", shells())
def test_xml(shell: str, tmp_path: Path) -> None:
    values = generate(f"xml{shell}", COUNT)
    template = "<t>" + rows(len(values), "<e a=\"@@VN@@\" b='x@@VN@@'>y@@VN@@</e>\n<!-- it's \" -->") + "</t>"
    filled = fill(shell, "xml", template, values, tmp_path / "fill")
    elements = ET.fromstring(filled.content)  # noqa: S314 the tests' own file
    for number, (value, element) in enumerate(zip(values, elements, strict=True)):
        if f"V{number}" in filled.refused:
            assert re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", value)
        else:
            assert element.attrib == {"a": value, "b": f"x{value}"}
            assert element.text == f"y{value}"
    inner = fill(
        shell,
        "xml",
        rows(len(values), "<a><!-- it's @@VN@@ --><![CDATA[<@@VN@@]]></a>\n"),
        values,
        tmp_path / "in",
    )
    for number, line in enumerate(inner.content.decode().split("\n")[:-1]):
        if f"V{number}" not in inner.refused:
            assert ET.fromstring(line).text == f"<{values[number]}"  # noqa: S314 the tests' own file


class Page(HTMLParser):
    """Collects the attributes and texts of the elements `e`."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "e":
            self.found.append([str(text) for _, text in attrs] + [""])

    def handle_data(self, data: str) -> None:
        if self.found and self.lasttag == "e":
            self.found[-1][-1] += data


@pytest.mark.parametrize("shell", shells())
def test_html(shell: str, tmp_path: Path) -> None:
    values = generate(f"html{shell}", COUNT)
    template = rows(len(values), "<e a=\"@@VN@@\" b='x@@VN@@'>y@@VN@@</e><script>'</script >")
    filled = fill(shell, "html", template, values, tmp_path / "fill")
    page = Page()
    page.feed(filled.content.decode())
    page.close()
    kept = 0
    for number, value in enumerate(values):
        if f"V{number}" not in filled.refused:
            assert page.found[number] == [value, f"x{value}", f"y{value}"], value
            kept += 1
    assert kept > len(values) / 3


@pytest.mark.parametrize("shell", shells())
def test_text_is_literal(shell: str, tmp_path: Path) -> None:
    values = generate(f"text{shell}", 200)
    template = rows(len(values), "a '@@VN@@' \\@@VN@@@@ @@@VN@@ @@vN@@ \r\n") + "the end"
    filled = fill(shell, "text", template, values, tmp_path / "fill")
    expected = "".join(f"a '{v}' \\{v}@@ @{v} @@v{n}@@ \r\n" for n, v in enumerate(values)) + "the end"
    assert filled.content.decode() == expected
    assert filled.refused == {}
