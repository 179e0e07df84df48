"""docs/how-to/dify.md and its Chinese translation match the profiles."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from bundler.api.application import ApplicationContext
from bundler_dify.application import DifyApplication
from bundler_dify.settings.model import DifySettings
from bundler_installer.requirements import Requirements
from tests.support import dify
from tests.support.profiles import installer_profile, load_profile

DOCS = Path(__file__).parents[4] / "docs" / "how-to"
PAGES = ("dify.md", "dify.zh.md")
ROWS = {
    "cpu": r"processor cores|处理器核数",
    "memory": r"memory|内存",
    "disk": r"disk|数据磁盘",
    "docker": "Docker",
    "compose": "Compose",
}


def shown(requirements: Requirements, name: str) -> str:
    """Format a requirement as in the table."""
    pair = getattr(requirements, name)
    scale = {"memory": (2**30, " GB"), "disk": (10**9, " GB")}.get(name)
    if scale is None:
        return f"{pair.minimum} / {pair.recommended}"
    return " / ".join(f"{amount // scale[0]}{scale[1]}" for amount in (pair.minimum, pair.recommended))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", sorted(ROWS))
def test_the_table_of_requirements_is_the_profiles(page: str, name: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    row = re.search(rf"^\| (?:{ROWS[name]})[^|]*\|(.*)\|$", text, re.MULTILINE)
    assert row
    profiles = [installer_profile(load_profile(one, search=[dify.PROFILES])) for one in dify.NAMES]
    wanted = [shown(profile.requirements, name) for profile in profiles]
    assert [cell.strip() for cell in row[1].split("|")] == wanted


@pytest.mark.parametrize("page", PAGES)
def test_the_example_of_a_custom_profile_loads(page: str, tmp_path: Path) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    own = tmp_path / "bank.yaml"
    own.write_text(blocks[0], encoding="utf-8")
    settings = load_profile(str(own), search=[dify.PROFILES]).settings(DifySettings)
    assert (settings.hardening, settings.api_replicas) == (True, 4)
    shutil.copy(dify.AUTHORITY, tmp_path)
    context = ApplicationContext("bank", settings, tmp_path, None, dify.AMD64)
    services = DifyApplication().model(context).compose["services"]
    assert services["api"]["deploy"]["replicas"] == 4
    assert not {"db_postgres", "redis"} & services.keys()
    for block in blocks[2:]:
        values = yaml.safe_load(block.replace("…", "0" * 64))
        DifySettings.model_validate(values["settings"], strict=False)


def test_both_languages_have_the_same_parts() -> None:
    counts = {
        page: [
            len(re.findall(mark, (DOCS / page).read_text("utf-8"), re.MULTILINE))
            for mark in ("^## ", "^```", "^\\|")
        ]
        for page in PAGES
    }
    assert counts[PAGES[0]] == counts[PAGES[1]]
