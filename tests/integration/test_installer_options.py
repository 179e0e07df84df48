"""The installer's command line, including mistyped options."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from bundler_installer.commands import COMMANDS, OPTIONS
from tests.support.kiosk import Host

MISTAKES = {
    "an unknown command": (["instal"], "Unknown command instal"),
    "an unknown option": (["--rot", "/x"], "Unknown option --rot"),
    "an unknown option with =": (["--rot=/x"], "Unknown option --rot=/x"),
    "a short option": (["-x"], "Unknown option -x"),
    "a word too many": (["status", "web"], "Unexpected argument: web"),
    "two words after restore": (["restore", "a", "b"], "Unexpected argument: b"),
    "an option of another command": (["logs", "--watch"], "--watch is not an option of logs"),
    "--dry-run of another command": (["install", "--dry-run"], "--dry-run is not an option of install"),
    "a time that nobody understands": (["logs", "--since", "noon"], "--since needs a duration"),
    "help for an unknown command": (["help", "instal"], "Unknown command instal"),
    "no value": (["--root"], "--root needs a value"),
    "an unknown language": (["--lang", "fr"], "Unknown language fr"),
    "a time that is no number": (["--timeout", "5m"], "--timeout needs a whole number, not 5m"),
    "lines that are no number": (["logs", "--tail=many"], "--tail needs a whole number, not many"),
    "an unknown thing to purge": (["uninstall", "--purge", "snapshots"], "--purge: unknown item snapshots"),
    "--set without =": (["--set", "GREETING"], "--set needs NAME=VALUE"),
    "--set of two lines": (["--set", "GREETING=a\nb"], "--set needs NAME=VALUE on one line"),
    "--set without a name": (["--set", "=x"], "--set needs NAME=VALUE"),
    "the whole disk as root": (["--root", "/"], "--root / is not allowed"),
    "the whole disk, spelt otherwise": (["--root", "//"], "--root / is not allowed"),
    "a root with a quote": (["--root", "/opt/o'brien"], "a quote, a backslash or a line break"),
    "a variable that is not there": (["--set", "GRETING=x"], "unknown variable GRETING"),
    "an answers file that is not there": (["--answers", "none.env"], "none.env does not exist"),
}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_and_changes_nothing(host: Host, arguments: list[str], message: str) -> None:
    arguments = ["--key", str(host.key), *arguments]
    before = [path for path in sorted(host.folder.rglob("*")) if path.parent != host.docker.parent]
    result = host.run(*arguments, *(() if "--root" in arguments else ("--root", host.root)))
    assert result.returncode == 2, result.stdout + result.stderr
    assert message in result.stderr
    assert [path for path in sorted(host.folder.rglob("*")) if path.parent != host.docker.parent] == before


def test_values_with_and_without_equals_sign(host: Host) -> None:
    apart = host.run("preflight", "--root", host.root, "--lang", "en", "--json")
    joined = host.run("preflight", f"--root={host.root}", "--lang=en", "--json")
    assert apart.returncode == joined.returncode == 0, apart.stderr
    checks = [json.loads(result.stdout)["checks"] for result in (apart, joined)]
    assert [c["id"] for c in checks[0]] == [c["id"] for c in checks[1]]


def test_help_names_every_command_and_option(host: Host) -> None:
    names = [command.name for command in COMMANDS] + [f"--{option.name}" for option in OPTIONS]
    for language in ("en", "zh"):
        for arguments in (["help"], ["--help"], ["-h"]):
            result = host.run("--lang", language, *arguments)
            assert result.returncode == 0
            assert result.stderr == ""
            assert [word for word in names if word not in result.stdout] == []


def test_help_of_a_command_names_its_options(host: Host) -> None:
    for arguments in (["help", "logs"], ["logs", "--help"], ["logs", "-h"]):
        result = host.run(*arguments)
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith("Usage: sh install logs [SERVICE ...] [OPTION ...]\n")
        assert "  -f, --follow  " in result.stdout
        assert "--purge" not in result.stdout


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "zh_TW.Big5"}, "en"),  # whose terminals show no UTF-8
        ({"LANG": "zh_CN.utf8"}, "zh"),
        ({"LANG": "zh"}, "zh"),
    ],
)
def test_the_locale_chooses_the_language(host: Host, variables: dict[str, str], language: str) -> None:
    shown = host.run("help", environment=variables)
    assert shown.stdout == host.run("help", "--lang", language).stdout
    assert ("用法" in shown.stdout) == (language == "zh")


def test_plan_says_what_a_first_installation_does(host: Host) -> None:
    for language, words in (("en", "Kiosk: installs 1.0 ("), ("zh", "Kiosk")):
        planned = host.run("plan", "--root", host.root, "--set", "GREETING=hello", "--lang", language)
        assert planned.returncode == 0, planned.stderr
        (line,) = (line for line in planned.stdout.splitlines() if str(host.root) in line)
        assert line.startswith(words)
        assert line.count("Kiosk") == line.count(str(host.root)) == 1


def test_version(host: Host) -> None:
    for argument in ("version", "--version"):
        assert (
            host.run(argument).stdout == "kiosk 1.0 kiosk\n"
            or host.run(argument).stdout == "kiosk 1.0 profile\n"
        )


def test_outside_a_bundle_it_says_so(host: Host, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    (host.unpacked / "install").rename(alone / "install")
    result = Host(host.shell, host.folder, alone, host.key).run("--root", host.root)
    assert result.returncode == 1
    assert "is not an unpacked bundle" in result.stderr


def test_the_scratch_folder_is_private_and_removed(host: Host) -> None:
    """The fake `docker` lists the folder that TMPDIR names, so its mode can be checked."""
    docker = host.docker.read_text()
    host.docker.write_text(
        docker.replace("self=$0\n", 'self=$0\nls -ld "$TMPDIR"/bundle.* >>"$self.scratch"\n')
    )
    assert host.install().returncode == 0
    seen = Path(f"{host.docker}.scratch").read_text().splitlines()
    assert seen
    assert all(line.startswith("drwx------") for line in seen)
    assert list(host.folder.glob("bundle.*")) == []
    assert stat.S_IMODE((host.root / "log").stat().st_mode) == 0o700
