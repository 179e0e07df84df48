"""Site values on their way to the containers: Compose's env file and the files that store the values."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from tests.support import filling
from tests.support.installer import call, shells

KNOWN = [
    "it's $5", "a\\", "\\", "'", "''", "'''", '"', '""', "\\'", "a\\'b", "'\\", "\\\\'", "\\\\", '\\"', "$",
    "$$", "${", "#", " # x", " x ", "x ", "\t", "\r", "x\r", "", "a" * 4096, "'" * 500, "\\" * 501,
    "export X=1", "BUNDLE_DOLLAR", "${BUNDLE_DOLLAR}", "'${BUNDLE_QUOTE}'",
]  # fmt: skip
COUNT = 3600
"""Number of values for each of the three shells: over 10,000 in all."""

WRITE = """
draft=$SCRATCH/draft
mkdir "$draft" && begin_pairs || exit 1
number=0
while IFS= read -r line; do
    write_pair "V$number" "$line" || exit 1
    number=$((number + 1))
done <"$VALUES"
cp "$draft/compose.env" "$TARGET"
"""


def generate(seed: str, count: int) -> list[str]:
    return KNOWN + filling.generate(seed, count)


@pytest.mark.peer
@pytest.mark.root
@pytest.mark.parametrize("shell", shells())
def test_compose_reads_what_was_typed(shell: str, docker_compose: str, tmp_path: Path) -> None:
    values = generate(shell, COUNT)
    (tmp_path / "root").mkdir()
    (tmp_path / "values").write_bytes(b"".join(value.encode() + b"\n" for value in values))
    script = f"VALUES={tmp_path}/values TARGET={tmp_path}/compose.env\n{WRITE}"
    result = call(shell, script, tmp_path)
    assert result.returncode == 0, result.stderr
    names = "".join(f'      V{number}: "${{V{number}}}"\n' for number in range(len(values)))
    (tmp_path / "kept.env").write_text(
        "".join(f"V{number}=${{V{number}}}\n" for number in range(len(values)))
    )
    (tmp_path / "compose.yaml").write_text(
        f"services:\n  a:\n    image: x\n    environment:\n{names}"
        "  b:\n    image: x\n    env_file: kept.env\n"
    )
    shown = subprocess.run(
        [docker_compose, "--project-name", "p", "--env-file", "compose.env", "config", "--format", "json"],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr[-2000:]
    assert shown.stderr == b""
    services = json.loads(shown.stdout)["services"]
    for service in ("a", "b"):  # `config` doubles each dollar sign, so that Compose can read its output again
        found = {name: text.replace("$$", "$") for name, text in services[service]["environment"].items()}
        wrong = {value: found[f"V{n}"] for n, value in enumerate(values) if found[f"V{n}"] != value}
        assert wrong == {}


@pytest.mark.parametrize("shell", shells())
def test_files_of_the_site_keep_what_was_typed(shell: str, tmp_path: Path) -> None:
    """`site.env` and `secrets.env` hold literal `NAME=VALUE` lines and are read back unchanged."""
    values = generate(shell, 120)
    (tmp_path / "root").mkdir()
    (tmp_path / "here").mkdir()
    for name, table in (("variables.tsv", "V{}\t{}\tno\t-\t-\t-\t-\t-\t-\n"), ("templates.tsv", "")):
        rows = "".join(table.format(n, "secret" if n % 2 else "string") for n in range(len(values)))
        (tmp_path / "here" / name).write_text(rows)
    (tmp_path / "given").mkdir()
    for number, value in enumerate(values):
        (tmp_path / "given" / f"V{number}").write_bytes(value.encode())
    script = """
    cp "$HOME"/given/* "$VALUES/"
    RELEASE=1 draft=$SCRATCH/draft
    mkdir "$draft" && write_draft && cp "$draft/site.env" "$draft/secrets.env" "$ROOT/" || exit 1
    VALUES=$HOME/read
    mkdir "$VALUES" && load_values "$ROOT/site.env" && load_values "$ROOT/secrets.env"
    """
    result = call(shell, script, tmp_path)
    assert result.returncode == 0, result.stderr
    lines = (tmp_path / "root/site.env").read_bytes() + (tmp_path / "root/secrets.env").read_bytes()
    assert sorted(lines.split(b"\n")[:-1]) == sorted(f"V{n}={v}".encode() for n, v in enumerate(values))
    read = [(tmp_path / "read" / f"V{number}").read_bytes().decode() for number in range(len(values))]
    assert read == values


@pytest.mark.parametrize("shell", shells())
def test_a_stored_file_names_variables_only(shell: str, tmp_path: Path) -> None:
    """A file restored from a backup must not cause writes elsewhere."""
    (tmp_path / "root").mkdir()
    lines = ("A/../../../outside=x", "../outside=x", "=x", "1=x", "A B=x", "GOOD=y=z ", "#C=x")
    (tmp_path / "root/site.env").write_text("\n".join(lines) + "\n")
    result = call(shell, 'load_values "$ROOT/site.env"; cd "$VALUES" && ls -A && cat GOOD', tmp_path)
    assert result.stdout == "GOOD\ny=z ", result.stdout + result.stderr
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize("shell", shells())
def test_bytes_that_are_not_text_are_found(shell: str, tmp_path: Path) -> None:
    """Agrees with Python's decoder for sequences around every boundary of RFC 3629."""
    (tmp_path / "root").mkdir()
    source = random.Random(shell)  # noqa: S311 the same values in each run
    edges = [
        0x01,
        0x41,
        0x7F,
        0x80,
        0x8F,
        0x90,
        0x9F,
        0xA0,
        0xBF,
        0xC0,
        0xC1,
        0xC2,
        0xDF,
        0xE0,
        0xED,
        0xEE,
        0xEF,
    ]
    edges += [0xF0, 0xF3, 0xF4, 0xF5, 0xFF]
    texts = [bytes(source.choices(edges, k=source.randrange(1, 6))) for _ in range(500)]
    (tmp_path / "values").write_bytes(b"".join(text + b"\n" for text in texts))
    script = f"""
    while IFS= read -r line; do
        bad=$(find_bad_byte "$line") || exit 1
        printf '%s\\n' "$bad"
    done <{tmp_path}/values
    """
    result = call(shell, script, tmp_path)
    found = dict(zip(texts, result.stdout.split("\n")[:-1], strict=True))
    wrong = {text: said for text, said in found.items() if bool(said) == is_text(text)}
    assert wrong == {}
    assert {said for text, said in found.items() if len(text) == 1 and said} <= {f"0x{e:02X}" for e in edges}


def is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
