"""Two releases of a shop, built from a registry in this process, to report about."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import Builder

COMPOSE = """
services:
  web:
    image: {registry}/shop/web:{version}
    ports: ["18090:80", "127.0.0.1:18443:443/tcp"]
    networks: [front, back]
    volumes: ["./web.conf:/etc/web.conf:ro", "uploads:/uploads"]
    environment: {{GREETING: "${{GREETING:-hello}}", DB_PASSWORD: "${{DB_PASSWORD}}"}}
    depends_on: [db]
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    user: "1000"
    mem_limit: 256m
    healthcheck: {{test: ["CMD", "true"]}}
  db:
    image: {registry}/shop/db:1.0
    networks: [back]
    volumes: ["records:/records", "uploads:/old:ro"]
    restart: always
    environment: {{DB_PASSWORD: "${{DB_PASSWORD}}"}}
{more}
networks:
  front: {{}}
  back: {{internal: true, ipam: {{config: [{{subnet: 10.77.0.0/24}}]}}}}
volumes:
  uploads: {{}}
  records: {{}}
"""
AGENT = """
  agent:
    image: {registry}/shop/agent:1.0
    network_mode: host
    pid: host
    privileged: true
    restart: always
    volumes: ["/var/run/docker.sock:/var/run/docker.sock"]
"""
PROFILE = """\
name: shop
application: compose
version: "{version}"
settings:
  name: shop
  title: Shop
  project: ./shop-{version}
  host_paths: ["/var/run/docker.sock"]
  secrets: {{DB_PASSWORD: generate}}
"""


@dataclass(frozen=True)
class Shop:
    """The bundles, the key that signed them, and who built them."""

    old: Path
    new: Path
    key: Path
    builder: Builder
    mirror: str


def noise(name: str, size: int) -> bytes:
    """Return bytes that no compression makes smaller, always the same for a name."""
    return b"".join(hashlib.sha256(f"{name}{at}".encode()).digest() for at in range(0, size, 32))


def add_images(registry: SampleRegistry, platforms: Sequence[str] = ("linux/amd64",)) -> None:
    """Add the images; all have a layer in common, and the two releases of `web` another one."""
    base, library = {"lib/base": noise("base", 40_000)}, {"lib/web": noise("library", 20_000)}
    images: Mapping[str, Sequence[Mapping[str, bytes]]] = {
        "shop/web:1.0": [base, library, {"bin/web": noise("web 1.0", 9000)}],
        "shop/web:2.0": [base, library, {"bin/web": noise("web 2.0", 11_000)}],
        "shop/db:1.0": [base, {"bin/db": noise("db", 70_000)}],
        "shop/agent:1.0": [{"bin/agent": noise("agent", 30_000)}],
    }
    for name, layers in images.items():
        repository, _, tag = name.partition(":")
        made = [
            make_image(
                [*layers, *([] if platform == "linux/amd64" else [{"lib/own": noise(platform, 3000)}])],
                platform=platform,
            )
            for platform in platforms
        ]
        if len(made) == 1:
            registry.add_image(repository, tag, made[0])
        else:
            registry.add_index(repository, tag, made)


def build_shop(folder: Path) -> Shop:
    """Build both releases in `folder`, signed; the second has one more service and another image."""
    builder = Builder(folder, folder / "cache")
    folder.mkdir(parents=True, exist_ok=True)
    builder.check("keygen")
    with SampleRegistry() as registry:
        add_images(registry)
        for version, more in (("1.0", ""), ("2.0", AGENT)):
            write_project(folder, version, more, registry.host)
            builder.check("build", "--profile", folder / f"shop-{version}.yaml", "--output", folder / version)
        host = registry.host
    (old,), (new,) = (list((folder / version).glob("*.tar")) for version in ("1.0", "2.0"))
    return Shop(old, new, folder / "bundle.pub", builder, host)


def write_project(folder: Path, version: str, more: str, host: str) -> Path:
    """Write the project and the profile of a release; return the profile's path."""
    project = folder / f"shop-{version}"
    project.mkdir(exist_ok=True)
    (project / "web.conf").write_text("a = b\n")
    text = COMPOSE.format(registry=host, version=version, more=more.format(registry=host))
    (project / "compose.yaml").write_text(text)
    profile = folder / f"shop-{version}.yaml"
    profile.write_text(PROFILE.format(version=version))
    return profile
