"""Complete installations: typed values reach Compose and the configuration, or nothing changes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.installer import need_shell, shells
from tests.support.kiosk import Host, Kiosk, build_kiosk

TYPED = [
    "C:\\kiosk\\",
    "\\'",
    "it's",
    "'",
    "\\",
    'say "it\'s $5"\\',
    " x # y ",
    "tab\there",
    "\u2028 你好 \x1b",
]
NOT_TEXT = b"Gr\xfc\xdfe"
"""Text as an editor saves it in Latin-1."""


@pytest.fixture(scope="module")
def nginx_kiosk(tmp_path_factory: pytest.TempPathFactory) -> Kiosk:
    """Return a kiosk whose template is an nginx file."""
    template = "settings.site_templates=[{path: site/kiosk.conf, format: nginx}]"
    return build_kiosk(tmp_path_factory.mktemp("kiosk"), "--set", template)


@pytest.fixture(params=shells())
def nginx_host(request: pytest.FixtureRequest, nginx_kiosk: Kiosk, tmp_path: Path) -> Host:
    """Return a server, one per shell."""
    need_shell(request.param)
    found = Host(request.param, tmp_path, nginx_kiosk.unpack(tmp_path), nginx_kiosk.key)
    found.prepare()
    return found


def is_untouched(host: Host) -> bool:
    """Return whether no answer, release or service start was recorded."""
    made = ("site.env", "secrets.env", "current", "state/compose.env", "releases")
    return not any((host.root / name).exists() for name in made) and " up " not in host.calls()


@pytest.mark.peer
@pytest.mark.root
def test_compose_reads_what_was_typed(host: Host, docker_compose: str) -> None:
    for typed in TYPED:
        answers = host.folder / "answers.env"
        answers.write_text(f"GREETING={typed}\n")
        result = host.install("--answers", answers, "--set", f"GREETING={typed}")
        assert result.returncode == 0, result.stdout + result.stderr
        shown = subprocess.run(
            [docker_compose, "--env-file", host.root / "state/compose.env", "config", "--format", "json"],
            cwd=host.root / "current/config",
            env={"HOME": str(host.folder), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            check=False,
        )
        assert shown.returncode == 0, shown.stderr
        environment = json.loads(shown.stdout)["services"]["web"]["environment"]
        assert environment["GREETING"].replace("$$", "$") == typed
        assert f"GREETING={typed}\n".encode() in (host.root / "site.env").read_bytes()
        again = host.run("install", "--root", host.root, "--yes")
        assert again.returncode == 0, again.stdout + again.stderr
        assert f"GREETING={typed}\n".encode() in (host.root / "site.env").read_bytes()


def test_values_that_are_not_text_are_refused(host: Host) -> None:
    answers = host.folder / "answers.env"
    answers.write_bytes(b"GREETING=" + NOT_TEXT + b"\n")
    given = ("--root", host.root, "--key", host.key, "--yes")
    for language, said in (("en", "not UTF-8 text (0xFC)"), ("zh", "非 UTF-8 文本的字节")):
        result = host.run("install", *given, "--answers", answers, "--lang", language)
        assert result.returncode == 2, result.stdout + result.stderr
        assert "GREETING" in result.stderr
        assert said in result.stderr
        assert is_untouched(host)
    answers.write_bytes(b"TOKEN=password\xff\nGREETING=x\n")
    result = host.run("install", *given, "--answers", answers)
    assert result.returncode == 2
    assert "TOKEN" in result.stderr
    assert "password" not in result.stderr
    answers.write_bytes("GREETING=hello\n".encode("utf-16-le"))  # without a byte order mark
    result = host.run("install", *given, "--answers", answers)
    assert result.returncode == 2
    assert "not a text file" in result.stderr
    assert is_untouched(host)


def test_a_stored_value_that_is_not_text(host: Host) -> None:
    assert host.install().returncode == 0
    stored = (host.root / "site.env").read_bytes().replace(b"GREETING=hello", b"GREETING=" + NOT_TEXT)
    (host.root / "site.env").write_bytes(stored)
    calls = host.calls()
    result = host.run("install", "--root", host.root, "--yes")
    assert result.returncode == 2, result.stdout + result.stderr
    assert "GREETING" in result.stderr
    assert " up " not in host.calls().removeprefix(calls)
    assert host.install().returncode == 0


def test_only_listed_choices_are_accepted(host: Host) -> None:
    result = host.install("--set", "LEVEL=low,high")
    assert result.returncode == 2
    assert "one of the choices" in result.stderr


def test_blanks_typed_at_a_prompt_stay(host: Host) -> None:
    prompts = ("PIN", "SITE_ID", "SERVER", "FOLDER", "LEVEL", "TLS", "WORKERS", "WEB_PORT")
    given = [item for name in prompts for item in ("--set", f"{name}={DEFAULTS[name]}")]
    code, screen = host.converse(
        ["install", "--root", host.root, "--key", host.key, *given],
        [
            ("What the kiosk says: ", "  two blanks  "),
            ("Word of the vault: ", "sesame"),
            ("Enter for the summary: ", ""),
            ("Type yes or no: ", "yes"),
        ],
    )
    assert code == 0, screen
    assert "GREETING=  two blanks  \n" in (host.root / "site.env").read_text()


DEFAULTS = {
    "PIN": "0042", "SITE_ID": "x", "SERVER": "kiosk.example", "FOLDER": "/srv", "LEVEL": "low",
    "TLS": "false", "WORKERS": "2", "WEB_PORT": "8080",
}  # fmt: skip


def test_a_value_that_the_format_cannot_hold(nginx_host: Host) -> None:
    host = nginx_host
    table = (host.unpacked / "templates.tsv").read_text()
    assert table == "#path\tmode\tformat\nconfig/site/kiosk.conf\t0644\tnginx\n"
    for language, said in (("en", "must not contain $"), ("zh", "不能包含 $")):
        result = host.install("--set", "GREETING=it costs $5", "--lang", language)
        assert result.returncode == 2, result.stdout + result.stderr
        assert "config/site/kiosk.conf:1" in result.stderr
        assert "GREETING" in result.stderr
        assert said in result.stderr
        assert is_untouched(host)
    secret = host.install("--set", "TOKEN=s3cret$word")
    assert secret.returncode == 2
    assert "config/site/kiosk.conf:2" in secret.stderr
    assert "TOKEN" in secret.stderr
    assert "s3cret" not in secret.stderr + secret.stdout
    assert is_untouched(host)
    given = ("--root", host.root, "--key", host.key)
    planned = host.run("plan", *given, "--set", "GREETING=$5")
    assert planned.returncode == 2, planned.stdout + planned.stderr
    result = host.install("--set", 'GREETING=it\'s "here"; \\')
    assert result.returncode == 0, result.stdout + result.stderr
    lines = (host.root / "current/config/site/kiosk.conf").read_text().splitlines()
    assert lines[0] == 'greeting = "it\'s \\"here\\"; \\\\" "it\'s \\"here\\"; \\\\"'
    assert lines[2].startswith("hosts = ")
    changed = host.install("--set", "GREETING=$5")
    assert changed.returncode == 2
    assert (host.root / "current/config/site/kiosk.conf").read_text().splitlines() == lines
    assert "GREETING=it's" in (host.root / "site.env").read_text()
