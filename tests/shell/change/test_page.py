"""The page of a first installation: its lines, what is open, what is refused, and how words are quoted."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from typing import Final

import pytest

from bundler.api.text import Text
from bundler.api.variable import SiteVariable
from bundler_installer import forms
from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())
VARIABLES: Final = (
    SiteVariable(name="NAME", kind="host", required=True, prompt=Text(en="Name", zh="名称")),
    SiteVariable(name="PORT", kind="port", default="8080"),
    SiteVariable(name="CERT", kind="path"),
    SiteVariable(name="CERT_KEY", kind="path"),
    SiteVariable(name="OWN", kind="boolean", default="false"),
    SiteVariable(name="MADE", kind="secret", generator="hex:4"),
    SiteVariable(name="WORD", kind="secret", required=True),
)
TYPED: Final = """
kind=''
read_given() { printf '%s\\n' "$1" >&2; IFS= read -r given || return 1; }
collect_variables
end_at_mistakes
list_items
"""
"""Takes what is typed from standard input."""


def tables(folder: Path) -> None:
    here = folder / "here"
    here.mkdir()
    rows = "".join(forms.row("variables.tsv", each) for each in VARIABLES)
    (here / "variables.tsv").write_text(forms.header("variables.tsv") + rows)
    (here / "certificates.tsv").write_text(
        forms.header("certificates.tsv") + "NAME\tCERT\tCERT_KEY\tOWN\ttls/tls.crt\ttls/tls.key\n"
    )
    (here / "ports.tsv").write_text(forms.header("ports.tsv") + "web\t-\t${PORT:-8080}\ttcp\n")


def run(
    shell: str, folder: Path, script: str, *typed: str, **options: str
) -> subprocess.CompletedProcess[str]:
    """Run a script that is typed these lines."""
    tables(folder)
    text = "".join(f"{line}\n" for line in typed)
    return call(shell, f"rm -rf \"$ROOT/state\"\n{TYPED}exec <<'EOT'\n{text}EOT\n{script}", folder, **options)


@shell
def test_a_program_that_reads_json_gets_no_page(shell: str, tmp_path: Path) -> None:
    done = run(shell, tmp_path, "TERMINAL=yes; wants_page && echo page; JSON=yes; wants_page || echo none")
    assert done.stdout == "page\nnone\n", done.stderr


@shell
def test_lines_in_their_order(shell: str, tmp_path: Path) -> None:
    done = run(shell, tmp_path, 'cat "$SCRATCH/page"')
    assert done.stdout == (
        "language\t-\nfolder\t-\nvariable\tNAME\nvariable\tPORT\ncertificate\tCERT\nvariable\tWORD\n"
    )


@shell
def test_only_what_is_open_is_asked(shell: str, tmp_path: Path) -> None:
    done = run(shell, tmp_path, "answer_open; has_open || echo none", "a.example", "self-signed", "word")
    assert done.stderr.splitlines() == [
        "3. Name: ",
        "5. TLS certificate: path of a PEM file, or self-signed: ",
        "6. WORD: ",
    ]
    assert done.stdout == "none\n"


@shell
def test_a_certificate_that_does_not_exist(shell: str, tmp_path: Path) -> None:
    script = "what=certificate name=CERT number=5; ask_certificate; value OWN"
    done = run(shell, tmp_path, script, "/none.pem", "/none.key", "自签名")
    assert "/none.pem does not exist" in done.stderr
    assert done.stdout == "true"


@shell
@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("admin\t-\t${ADMIN}\ttcp", True),
        ("admin\t127.0.0.1\t${ADMIN}\ttcp", True),
        ("admin\t-\t18080\ttcp", True),
        ("admin\t-\t${ADMIN}\tudp", False),
        ("admin\t-\t18081\ttcp", False),
    ],
)
def test_two_ports_of_the_application_differ(shell: str, tmp_path: Path, other: str, *, same: bool) -> None:
    script = (
        f'printf \'{other}\\n\' >>"$FACTS/ports.tsv"; printf 18080 >"$VALUES/ADMIN"; '
        'judge_port PORT 18080; echo "$objection"'
    )
    done = run(shell, tmp_path, script)
    objection = (
        f"Port 18080/tcp (web) would also be that of admin ({other.split(chr(9))[2]}). Choose another one.\n"
    )
    assert done.stdout == (objection if same else "\n"), done.stderr


@shell
def test_a_taken_port_is_objected_to(shell: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = 'judge_port PORT %s; echo "$objection"; judge_port NAME x; echo "[$objection]"'
        done = run(shell, tmp_path, script % port)
    first, second = done.stdout.splitlines()
    assert first.startswith(f"Port {port}/tcp (web) is already in use")
    assert second == "[]"


@shell
def test_the_end_of_the_typed_lines_ends_the_run(shell: str, tmp_path: Path) -> None:
    done = run(shell, tmp_path, "answer_open")
    assert done.returncode == 1
    assert "The terminal was closed" in done.stderr


@shell
@pytest.mark.parametrize("word", ["plain-1.0", "two words", "it's", "$HOME `x` \\", "", "你好", "a;b"])
def test_a_quoted_word_is_read_as_it_was(shell: str, tmp_path: Path, word: str) -> None:
    quoted = "'" + word.replace("'", "'\\''") + "'"
    done = run(shell, tmp_path, f'eval "set -- $(quote_word {quoted})"; printf "%s|%s" "$#" "$1"')
    assert done.stdout == f"1|{word}"


@shell
@pytest.mark.parametrize(("language", "said"), [("en", "Name (NAME): needs an answer."), ("zh", "名称")])
def test_a_line_names_its_option(shell: str, tmp_path: Path, language: str, said: str) -> None:
    done = run(shell, tmp_path, "what=variable name=NAME; describe_item", language=language)
    assert done.stdout.startswith(said)
    assert done.stdout.endswith("--set NAME=app.example.com")
