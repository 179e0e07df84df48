from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from bundler.api import hookspecs
from bundler.api.plugins import Plugins
from bundler.errors import PluginError, UsageError

HOOKS = [name for name in dir(hookspecs) if name.startswith("bundler_")]
DOCS = Path(__file__).parents[4] / "docs" / "how-to" / "write-a-plugin.md"

SIGNER = """
from bundler import hookimpl

class Signer:
    name = "{name}"

@hookimpl
def {hook}():
    return [Signer()]
"""


def folder(path: Path, **files: str) -> Path:
    for name, text in files.items():
        (path / f"{name}.py").write_text(text)
    return path


def test_our_own_plugins_load_like_anybody_elses() -> None:
    infos = {info.name: info for info in Plugins.load().infos()}
    assert {"registry", "docker", "compose", "signature", "installer"} <= set(infos)
    assert infos["signature"].provides == {"signers": ("ecdsa",)}


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_registers_what_it_returns(tmp_path: Path, hook: str) -> None:
    plugins = Plugins.load([folder(tmp_path, mine=SIGNER.format(name="mine", hook=hook))])
    provides = {info.name: info for info in plugins.infos()}["mine"].provides
    assert provides == {hook.removeprefix("bundler_"): ("mine",)}


def test_every_hook_is_in_the_documents() -> None:
    documented = set(re.findall(r"`(bundler_\w+)\(\)`", DOCS.read_text()))
    assert documented == set(HOOKS)


def test_a_package_in_the_folder_is_a_plugin_too(tmp_path: Path) -> None:
    package = tmp_path / "packed"
    package.mkdir()
    (package / "__init__.py").write_text("from .inner import *\n")
    (package / "inner.py").write_text(SIGNER.format(name="packed", hook="bundler_signers"))
    assert Plugins.load([tmp_path]).signer("packed").name == "packed"


def test_a_failing_import_names_the_plugin(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"plugin 'broken' .*ZeroDivisionError"):
        Plugins.load([folder(tmp_path, broken="1 / 0")])


def test_a_hook_that_fails_names_the_plugin(tmp_path: Path) -> None:
    text = SIGNER.format(name="x", hook="bundler_signers").replace("[Signer()]", "1 / 0")
    with pytest.raises(PluginError, match=r"plugin 'broken' .*ZeroDivisionError"):
        Plugins.load([folder(tmp_path, broken=text)])


def test_a_misspelt_hook_names_the_plugin_and_the_right_one(tmp_path: Path) -> None:
    text = SIGNER.format(name="x", hook="bundler_signer")
    with pytest.raises(PluginError, match="plugin 'typo'") as caught:
        Plugins.load([folder(tmp_path, typo=text)])
    assert caught.value.hint == "did you mean bundler_signers?"


def test_a_hook_with_other_arguments_names_the_plugin(tmp_path: Path) -> None:
    text = SIGNER.format(name="x", hook="bundler_signers").replace("signers()", "signers(more)")
    with pytest.raises(PluginError, match=r"(?s)plugin 'odd': .*more"):
        Plugins.load([folder(tmp_path, odd=text)])


def install(path: Path, name: str, entry: str) -> None:
    """Install a distribution with a plugin's entry point on the path."""
    info = path / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[bundler.plugins]\n{entry}\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 / 0", r"plugin 'third' \(third_party \(third\)\) cannot be loaded: ZeroDivisionError"),
        (SIGNER.format(name="x", hook="bundler_signer"), "plugin 'third': unknown hook"),
        (SIGNER.format(name="ecdsa", hook="bundler_signers"), "both provide the signer 'ecdsa'"),
    ],
)
def test_a_broken_installed_plugin_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    (tmp_path / "third_party.py").write_text(text)
    install(tmp_path, "third", "third = third_party")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "third_party", raising=False)
    with pytest.raises(PluginError, match=says):
        Plugins.load()


def test_two_installed_plugins_of_one_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "third", "signature = third_party")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError, match=r"'signature' is defined twice: .*third_party \(third\)"):
        Plugins.load()


def test_two_plugins_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="'signature' is defined twice"):
        Plugins.load([folder(tmp_path, signature=SIGNER.format(name="x", hook="bundler_signers"))])


def test_two_providers_of_one_name_are_refused_with_both_plugins(tmp_path: Path) -> None:
    text = SIGNER.format(name="ecdsa", hook="bundler_signers")
    with pytest.raises(PluginError, match=r"'(mine|signature)' and '(mine|signature)' both provide"):
        Plugins.load([folder(tmp_path, mine=text)])


def test_a_provider_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="is unnamed"):
        Plugins.load([folder(tmp_path, mine=SIGNER.format(name="", hook="bundler_signers"))])


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match="no signer named 'ecdas'") as caught:
        Plugins.load().signer("ecdas")
    assert caught.value.hint == "did you mean ecdsa?"


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        Plugins.load([tmp_path / "nowhere"])
