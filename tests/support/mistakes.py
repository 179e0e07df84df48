"""Wrong input of release engineers and operators, and what the programs say to it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.builder import ROOT
from tests.support.kiosk import Host

LIMIT = 120
"""Seconds for a command."""
PROFILE = """\
application: compose
version: "1.0"
settings:
  project: compose.yaml
"""
COMPOSE = """\
services:
  web:
    image: registry.example/shop/web:1.0
"""
PRIVATE_KEY = """\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
-----END PRIVATE KEY-----
"""
VARIES = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "<digest>"),
    (re.compile(r"\b\d+\.\d+ s\b"), "<time> s"),
)
"""What is different in each run, and what stands in its place."""


@dataclass(frozen=True)
class Builder:
    """Something that a release engineer does wrongly.

    Attributes:
        what: in English and in Chinese.
        command: as typed after `bundle`.
        files: what stands in the project besides a profile, a Compose file and a pair of keys.
        shown: the name of the file among them that the page quotes, if the mistake stands in one.
    """

    what: tuple[str, str]
    command: str = "plan --profile ./shop.yaml"
    files: Mapping[str, str] = field(default_factory=dict)
    shown: str = ""


@dataclass(frozen=True)
class Operator:
    """Something that an operator does wrongly.

    Attributes:
        what: in English and in Chinese.
        command: as typed, with `sh install` or `kioskctl`.
        before: changes the server first.
    """

    what: tuple[str, str]
    command: str
    before: Callable[[Host], object] = lambda _: None


def compose(text: str) -> dict[str, str]:
    """Return the Compose file of a project in which the service web has more keys."""
    return {"compose.yaml": COMPOSE + "".join(f"    {line}\n" for line in text.splitlines())}


def profile(text: str) -> dict[str, str]:
    """Return the profile of a project with more keys."""
    return {"shop.yaml": PROFILE + text}


AT_THE_BUILDER = {
    ("Commands and options", "命令与选项"): (
        Builder(("A command that does not exist", "不存在的命令"), "biuld"),
        Builder(("An option that does not exist", "不存在的选项"), "build --profle shop"),
        Builder(("A profile that does not exist", "不存在的配置档"), "build --profile finanse"),
        Builder(
            ("A mirror without the name of the registry", "镜像站选项缺少仓库名"),
            "plan --profile ./shop.yaml --registry-mirror mirror.example:5000",
        ),
        Builder(
            ("A key of the profile that does not exist, with --set", "用 --set 设置配置档中不存在的键"),
            "plan --profile ./shop.yaml --set versoin=2",
        ),
    ),
    ("Profiles", "配置档"): (
        Builder(
            ("A tab in YAML", "YAML 中使用了制表符"),
            files=profile("requirements:\n\tcpu: 2\n"),
            shown="shop.yaml",
        ),
        Builder(
            ("A key that stands twice", "同一个键出现两次"),
            files=profile('version: "2.0"\n'),
            shown="shop.yaml",
        ),
        Builder(
            ("A key that does not exist", "不存在的键"), files=profile("titel: Shop\n"), shown="shop.yaml"
        ),
        Builder(
            ("A value of the wrong type", "值的类型不对"),
            files=profile("requirements: {cpu: {minimum: many}}\n"),
            shown="shop.yaml",
        ),
        Builder(
            ("Profiles that extend each other", "配置档互相继承"),
            files={**profile("extends: ./base.yaml\n"), "base.yaml": "extends: ./shop.yaml\n"},
            shown="base.yaml",
        ),
        Builder(
            ("An application that no plugin provides", "没有插件提供的应用"),
            files={"shop.yaml": 'application: compos\nversion: "1.0"\n'},
            shown="shop.yaml",
        ),
        Builder(
            ("A project file that is not there", "项目文件不存在"),
            files={"shop.yaml": PROFILE.replace("compose.yaml", "docker-compose.yml")},
            shown="shop.yaml",
        ),
    ),
    ("Compose projects", "Compose 项目"): (
        Builder(("A key that Compose does not know", "Compose 不认识的键"), files=compose("restrat: always")),
        Builder(("A port that does not exist", "不存在的端口"), files=compose('ports: ["80800:80"]')),
        Builder(
            ("A service that is depended on and does not exist", "依赖的服务不存在"),
            files=compose("depends_on: [db]"),
        ),
        Builder(
            ("A file that is mounted and does not exist", "挂载的文件不存在"),
            files=compose('volumes: ["./nginx.conf:/etc/nginx/nginx.conf"]'),
        ),
        Builder(
            ("A private key that would travel", "私钥会被打进安装包"),
            files={**compose('volumes: ["./tls.key:/etc/tls.key:ro"]'), "tls.key": PRIVATE_KEY},
        ),
        Builder(
            ("A name of an image that is none", "镜像名不合法"),
            files={"compose.yaml": COMPOSE.replace("shop/web:1.0", "Shop/Web:1.0")},
        ),
        Builder(
            ("An image that is built and has no name", "需要构建、却没有名字的镜像"),
            files={"compose.yaml": "services:\n  web:\n    build: .\n"},
        ),
    ),
    ("Images", "镜像"): (
        Builder(
            ("A tag that the registry does not have", "仓库中没有的标签"),
            files={"compose.yaml": COMPOSE.replace(":1.0", ":1.1")},
        ),
        Builder(
            ("A registry that does not answer", "仓库无应答"),
            files={"compose.yaml": COMPOSE.replace("registry.example", "127.0.0.1:1")},
        ),
        Builder(
            ("An image that is not made for the platform", "镜像没有所需的平台"),
            "plan --profile ./shop.yaml --platform linux/arm64",
        ),
        Builder(
            ("A platform that does not exist", "不存在的平台"),
            "plan --profile ./shop.yaml --platform linux/arm46",
        ),
        Builder(
            ("Locked images without a lock file", "要求锁定却没有锁定文件"),
            "build --profile ./shop.yaml --locked",
        ),
    ),
    ("Keys and bundles", "密钥与安装包"): (
        Builder(
            ("A private key that is not there", "私钥不存在"),
            "build --profile ./shop.yaml --key release.key",
        ),
        Builder(("A key that would be written over", "会覆盖已有的密钥"), "keygen"),
        Builder(("A file that is no bundle", "不是安装包的文件"), "verify compose.yaml --key bundle.pub"),
        Builder(("A bundle that is not there", "安装包不存在"), "inspect dist/shop-1.1-linux-amd64.tar"),
        Builder(
            ("A private key in place of the public one", "用私钥代替了公钥"),
            "verify good.tar --key bundle.key",
        ),
        Builder(("The key of somebody else", "他人的密钥"), "verify good.tar --key other/bundle.pub"),
        Builder(("A bundle that was changed", "被改动的安装包"), "verify changed.tar --key bundle.pub"),
        Builder(
            ("A bundle that was copied halfway", "只复制了一半的安装包"), "verify half.tar --key bundle.pub"
        ),
    ),
}
"""By subject, in English and in Chinese. Compose files are quoted where no other file is named."""


def change_a_file(host: Host) -> None:
    """Change the manifest of the unpacked bundle."""
    path = host.unpacked / "bundle.json"
    path.write_text(path.read_text() + " ")


AT_THE_SITE = (
    Operator(("A command that does not exist", "不存在的命令"), "sh install upgarde"),
    Operator(("An option that does not exist", "不存在的选项"), "sh install --rot /opt/kiosk"),
    Operator(
        ("No key to trust", "没有给出可信的公钥"),
        "sh install --root {root} --set GREETING=hello --set VAULT=x"
    ),
    Operator(
        ("A key that is not there", "公钥不存在"),
        "sh install --root {root} --key no.pub --set GREETING=hello --set VAULT=x --yes",
    ),
    Operator(
        ("A bundle that was changed", "被改动的安装包"),
        "sh install --root {root} --key {key} --set GREETING=hello --set VAULT=x --yes",
        change_a_file,
    ),
    Operator(
        ("Values that are not allowed, a variable that does not exist", "不允许的值，不存在的变量"),
        "sh install --root {root} --key {key} --set WEB_PORT=70000"
        " --set LEVEL=middle --set GRETING=x --yes",
    ),
    Operator(
        ("A file of answers that is not there", "答案文件不存在"),
        "sh install --root {root} --key {key} --answers site.env --yes",
    ),
    Operator(
        ("A folder that cannot be written", "目录不可写"),
        "sh install --root /proc/kiosk --key {key} --set GREETING=hello --set VAULT=x --yes",
    ),
    Operator(
        ("A service that does not exist", "不存在的服务"), "kioskctl logs wbe",
    ),
    Operator(("A backup that is not there", "备份不存在"), "kioskctl restore yesterday --yes"),
    Operator(("A way back that is not there", "没有可回退的版本"), "kioskctl rollback --yes"),
    Operator(
        ("A word that --purge does not know", "--purge 不认识的词"), "kioskctl uninstall --purge al --yes"
    ),
)  # fmt: skip


def said_to_builder(mistake: Builder, folder: Path, language: str, registry: str) -> tuple[int, str]:
    """Make a mistake in a project; return the exit code and what was said.

    Args:
        mistake: what is done.
        folder: has the keys and bundles; the project is made in it.
        language: `en` or `zh`.
        registry: that stands for registry.example.
    """
    for name, text in {"shop.yaml": PROFILE, "compose.yaml": COMPOSE, **mistake.files}.items():
        (folder / name).write_text(text.replace("registry.example", registry))
    done = subprocess.run(
        [sys.executable, "-m", "bundler", "--lang", language, *shlex.split(mistake.command)],
        cwd=folder,
        env={
            **os.environ, "PYTHONPATH": ROOT, "BUNDLE_CACHE": str(folder / "cache"), "COLUMNS": "100",
            "NO_COLOR": "1",
        },
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=LIMIT,
    )  # fmt: skip
    for name in mistake.files:
        (folder / name).unlink()
    return done.returncode, settle(done.stderr, {registry: "registry.example", str(folder): "/home/me/shop"})


def said_to_operator(mistake: Operator, host: Host, language: str) -> tuple[int, str]:
    """Make a mistake at a site; return the exit code and what was said."""
    mistake.before(host)
    program, *words = mistake.command.format(root=host.root, key=host.key).split()
    if program == "sh":
        path, words = host.unpacked / words[0], words[1:]
    else:
        path = host.root / program
    done = subprocess.run(
        ["dash", str(path), *words],
        cwd=host.folder,
        env={**host.variables(), "LANG": {"en": "C.UTF-8", "zh": "zh_CN.UTF-8"}[language], "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=LIMIT,
    )  # fmt: skip
    names = {
        host.root: "/opt/kiosk",
        host.unpacked: "/media/kiosk",
        host.key: "bundle.pub",
        host.folder: "/home/op",
    }
    return done.returncode, settle(done.stderr, {str(path): name for path, name in names.items()})


def settle(text: str, names: Mapping[str, str]) -> str:
    """Replace what is different in each run."""
    for path, name in names.items():
        text = text.replace(path, name)
    for pattern, name in VARIES:
        text = pattern.sub(name, text)
    return "".join(f"{line.rstrip()}\n" for line in text.strip().splitlines())
