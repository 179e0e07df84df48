"""The language of a run, and transcripts in Chinese, which `BUNDLE_TESTS_REWRITE_GOLDEN=1` rewrites."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from bundler.cli.language import find_language
from bundler.cli.main import COMMANDS
from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.console import Console, isolate, make_console
from tests.support.golden import compare


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a folder with the invalid profile `shop`."""
    isolate(monkeypatch, tmp_path / "home")
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "BUNDLE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    folder = tmp_path / "work"
    (folder / "profiles").mkdir(parents=True)
    (folder / "profiles/shop.yaml").write_text("application: compose\nversion: 1.0\nplatfrom: linux/arm64\n")
    (folder / "profiles/tab.yaml").write_text("application: compose\nsettings:\n\tfile: compose.yaml\n")
    (folder / "noise.tar").write_bytes(b"noise" * 1000)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str]) -> Console:
    return make_console(capsys)


def test_help_in_chinese(console: Console) -> None:
    pages = [["--help"], *([name, "--help"] for name in COMMANDS)]
    compare(
        "zh/help",
        "\n".join(f"$ bundle {' '.join(page)}\n{console('--lang', 'zh', *page).out}" for page in pages),
    )


ERRORS = (
    ("--nonsense",),
    ("biuld",),
    ("build",),
    ("build", "--offlin"),
    ("plan", "--min-speed", "fast", "-p", "shop"),
    ("plan", "-p", "shop"),
    ("plan", "-p", "tab"),
    ("plan", "-p", "shpo"),
    ("plan", "-p", "demo", "--platform", "linux"),
    ("plan", "-p", "demo", "--registry-mirror", "docker.io"),
    ("lock", "-p", "demo", "--offline", "--ca-file", "ca.pem"),
    ("verify", "noise.tar", "--allow-unsigned"),
    ("verify", "noise.tar"),
    ("inspect", "missing.tar"),
    ("keygen", "--key", "old.key"),
    ("cache", "--unused-for", "1d"),
    ("schema", "receipt", "a", "b"),
)


def test_errors_in_chinese(console: Console) -> None:
    said = []
    for words in ERRORS:
        done = console(*words, "--lang", "zh")
        assert done.code in {2, 4}, words
        said.append(f"$ bundle {' '.join(words)}\n{done.err}")
    compare("zh/errors", "\n".join(said))


def test_tables_in_chinese(console: Console) -> None:
    compare("zh/tables", f"$ bundle profiles\n{console('--lang', 'zh', 'profiles').out}")


@pytest.mark.parametrize(
    "words", [("--lang", "zh", "biuld"), ("--lang=zh", "biuld"), ("biuld", "--lang", "zh")]
)
def test_the_option_stands_before_or_after_the_command(console: Console, words: tuple[str, ...]) -> None:
    assert console(*words).err.startswith("\u9519\u8bef\uff1a")


def test_an_unknown_language_is_refused(console: Console) -> None:
    done = console("--lang", "fr", "profiles")
    assert (done.code, "'fr' is not one of 'en', 'zh'" in done.err) == (2, True)
    assert console("profiles", "--lang", "fr").code == 2


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW.UTF-8", "LC_ALL": ""}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_locale(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], language: str) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert find_language(["plan"], as_json=False) == language
    assert find_language(["--", "--lang", "zh"], as_json=False) == language
    assert find_language(["plan"], as_json=True) == "en", "what programs read is the same for everyone"
    assert find_language(["plan", "--lang", "zh"], as_json=True) == "zh"


def test_a_terminal_without_chinese_characters_gets_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "zh_CN")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "latin-1"))
    assert find_language([], as_json=False) == "en"
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "gbk"))
    assert find_language([], as_json=False) == "zh"


def test_the_configuration_comes_before_the_locale(
    work: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    user = work.parent / "home/config/bundle/config.toml"
    user.parent.mkdir(parents=True)
    user.write_text("min_speed = 7\nlang = 'en'\n")
    assert find_language([], as_json=False) == "en"
    rows = json.loads(console("config", "--json").out)["values"]
    assert rows[0] == {"key": "lang", "value": "en", "from": f"{user}:2"}
    (work / "pyproject.toml").write_text("[tool.bundle]\nlang = 'zh'\n")
    assert find_language([], as_json=False) == "zh"
    assert find_language(["--lang", "en"], as_json=False) == "en"
    (work / "pyproject.toml").write_text("[tool.bundle]\nlang = 'fr'\n")
    assert find_language([], as_json=False) == "en"
    assert "pyproject.toml:2: tool.bundle.lang: must be one of en, zh" in console("config").err
    (work / "pyproject.toml").write_text("lang = [tool.bundle\n")
    assert find_language([], as_json=False) == "en", "whoever needs the file says what is wrong"


def test_json_has_english_keys_and_the_texts_of_the_language(console: Console) -> None:
    done = console("plan", "-p", "shpo", "--json", "--lang", "zh")
    found = json.loads(done.err)
    assert (found["event"], found["exit_code"]) == ("error", 2)
    assert found["hint"].endswith("shop\uff1f")
    assert "shpo" in console("plan", "-p", "shpo", "--json").err


def test_a_bundle_is_the_same_in_every_language(
    console: Console, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "compose.yaml").write_text("services: {web: {image: registry.demo.example/hello:1.0}}\n")
    (work / "profiles/own.yaml").write_text(
        "application: compose\nversion: '1.0'\nsettings: {project: ../compose.yaml, compare: 'off'}\n"
    )
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    bundles = []
    with SampleRegistry() as registry:
        registry.add_image("hello", "1.0", make_image({"bin/sh": b"\x7fELF"}))
        mirror = f"registry.demo.example={registry.host}"
        for lang in ("en", "zh"):
            done = console(
                "build", "-p", "own", "--unsigned", "--registry-mirror", mirror, "-o", lang, "--lang", lang
            )
            assert done.code == 0, done.err
            (bundle,) = (work / lang).glob("*.tar")
            bundles.append(bundle.read_bytes())
        assert bundles[0] == bundles[1]
        plan = console("plan", "-p", "own", "--registry-mirror", mirror, "--lang", "zh").out
    assert "\n\u9700\u4e0b\u8f7d 0 B\n" in plan, "to fetch"
    inspected = console("inspect", bundle, "--lang", "zh").out
    assert inspected.startswith("\u5e94\u7528         work 1.0\n\u914d\u7f6e\u6863       own\n"), "in columns"


def test_paths_are_named_in_the_language_of_the_run(console: Console) -> None:
    """Whichever language the run has that imports the command."""
    chinese, english = (console("--lang", lang, "lock", "--help").out for lang in ("zh", "en"))
    assert "--ca-file 文件" in chinese
    assert "--ca-file FILE" in english
    assert console("--lang", "zh", "lock", "--help").out == chinese
