"""docs/reference/mistakes.md says what wrong input leads to; `BUNDLE_TESTS_REWRITE_GOLDEN=1` rewrites it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support import mistakes
from tests.support.builder import ROOT
from tests.support.builder import Builder as Bundle
from tests.support.golden import REWRITE, is_rewritten
from tests.support.kiosk import Host, Kiosk
from tests.support.mistakes import AT_THE_BUILDER, AT_THE_SITE, COMPOSE, PROFILE

PAGE = Path(ROOT) / "docs/reference"
TITLES = {"en": "# Wrong input, and what is said", "zh": "# 输入有误时的提示"}
HEADS = {
    "en": """\
<!-- Written by the test of this page, which makes each mistake: tests/integration/test_mistakes_page.py. -->

What `bundle` and the installer say to wrong input, and the exit code.
Nothing is written, fetched or installed then. [中文](mistakes.zh.md)
""",
    "zh": """\
<!-- 由本页的测试生成，测试会逐一犯下这些错误：tests/integration/test_mistakes_page.py。 -->

输入有误时，`bundle` 与安装程序给出的提示和退出码。此时不会写入、下载或安装任何内容。[English](mistakes.md)
""",
}
SITE = ("At the site", "站点")
TYPED = {"en": "Exit code", "zh": "退出码"}


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    with SampleRegistry() as found:
        found.add_image("shop/web", "1.0", make_image({"etc/name": b"web"}))
        yield found.host


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, registry: str) -> Path:
    """Return a folder with keys, a bundle, and what can become of a bundle on its way."""
    folder = tmp_path_factory.mktemp("shop")
    bundle = Bundle(folder, folder / "cache")
    bundle.check("keygen")
    bundle.check("keygen", "--output", "other")
    (folder / "shop.yaml").write_text(PROFILE)
    (folder / "compose.yaml").write_text(COMPOSE.replace("registry.example", registry))
    bundle.check("build", "--profile", "./shop.yaml")
    [tar] = (folder / "dist").glob("*.tar")
    data = tar.read_bytes()
    (folder / "good.tar").write_bytes(data)
    (folder / "half.tar").write_bytes(data[:10240])
    middle = data.index(b"shop/web")
    (folder / "changed.tar").write_bytes(data[:middle] + b"S" + data[middle + 1 :])
    return folder


def block(kind: str, text: str) -> str:
    return f"```{kind}\n{text.rstrip()}\n```\n"


def builders(language: str, project: Path, registry: str) -> list[str]:
    which = ("en", "zh").index(language)
    parts = []
    for subject, made in AT_THE_BUILDER.items():
        parts.append(f"## {subject[which]}\n")
        for mistake in made:
            code, said = mistakes.said_to_builder(mistake, project, language, registry)
            assert code in {1, 2, 4}, said
            assert "Traceback" not in said
            parts.append(entry(language, mistake.what[which], code))
            shown = mistake.shown or ("compose.yaml" if "compose.yaml" in mistake.files else "")
            if shown:
                parts.append(block("yaml", f"# {shown}\n{mistake.files[shown]}"))
            parts.append(block("text", f"$ bundle {mistake.command}\n{said}"))
    return parts


def operators(language: str, kiosk: Kiosk, folder: Path) -> list[str]:
    which = ("en", "zh").index(language)
    parts = [f"## {SITE[which]}\n"]
    installed = server(kiosk, folder / "installed")
    done = installed.install("--set", "VAULT=open")
    assert done.returncode == 0, done.stdout + done.stderr
    for number, mistake in enumerate(AT_THE_SITE):
        new = mistake.command.startswith("sh")
        host = server(kiosk, folder / str(number)) if new else installed
        code, said = mistakes.said_to_operator(mistake, host, language)
        assert code != 0, said
        typed = mistake.command.format(root="/opt/kiosk", key="bundle.pub")
        parts.extend((entry(language, mistake.what[which], code), block("text", f"$ {typed}\n{said}")))
    return parts


def server(kiosk: Kiosk, folder: Path) -> Host:
    folder.mkdir(parents=True)
    host = Host("dash", folder, kiosk.unpack(folder), kiosk.key)
    host.prepare()
    return host


def entry(language: str, what: str, code: int) -> str:
    return (
        f"**{what}** ({TYPED[language]} {code})\n"
        if language == "en"
        else f"**{what}**（{TYPED[language]} {code}）\n"
    )


def test_there_are_thirty() -> None:
    assert sum(map(len, AT_THE_BUILDER.values())) + len(AT_THE_SITE) >= 30


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_says_what_is_said(
    language: str, project: Path, registry: str, kiosk: Kiosk, tmp_path: Path
) -> None:
    parts = [
        f"{TITLES[language]}\n", HEADS[language],
        *builders(language, project, registry), *operators(language, kiosk, tmp_path),
    ]  # fmt: skip
    text = "\n".join(parts)
    page = PAGE / ("mistakes.md" if language == "en" else "mistakes.zh.md")
    if is_rewritten():
        page.write_text(text)
    assert text == page.read_text(), f"{REWRITE}=1 rewrites it"
