"""Projects as the application `compose` reads them: Compose file, templates, `.env` and env files."""

from __future__ import annotations

from pathlib import Path

import yaml

from bundler.api.application import ApplicationContext
from bundler.image.platform import Platform
from bundler_compose.application import ComposeApplication
from bundler_compose.renderer import ComposeRenderer
from bundler_compose.settings import ComposeSettings
from tests.fuzz.mutations import Random, damage_json, damage_lines

CUT = b"\n#### .env\n"
"""Separates the Compose file from the `.env` file."""
BASE = b"""\
name: shop
x-env: &env {A: '1', B: "${B:-2}"}
services:
  web:
    image: web:${TAG:-1}
    command: ["serve", "--port", "${PORT}"]
    environment: {<<: *env, C: plain}
    env_file: [web.env, {path: none.env, required: false}]
    ports: ["127.0.0.1:${PORT:-8080}:80/tcp", {target: 443, published: "8443", protocol: tcp}]
    volumes: ["./conf:/conf:ro", "data:/data", {type: bind, source: ./conf/a, target: /a}]
    depends_on: {db: {condition: service_healthy, required: false}}
    configs: [site]
    secrets: [{source: token, target: token}]
    networks: {front: {aliases: [w]}}
    healthcheck: {test: ["CMD", "true"], interval: 5s}
    restart: "no"
    deploy: {replicas: 2}
  db:
    image: db:1
    environment: ["X=1", Y]
    profiles: [extra]
    stop_grace_period: 30s
configs: {site: {file: conf/a}}
secrets: {token: {environment: TOKEN}}
networks: {front: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}
volumes: {data: {}}
"""
ENV = b"TAG=1\nPORT=8080\n# more\nexport Q='a b'\nMULTI=\"a\\nb\"\n"


def make(random: Random) -> bytes:
    """Damage values of the document, or its text."""
    base = BASE
    if random.randrange(2):
        document = damage_json(random, yaml.safe_load(BASE))
        base = yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode("utf-8", "surrogatepass")
    else:
        base = damage_lines(random, base)
    return base + CUT + (ENV if random.randrange(3) else damage_lines(random, ENV))


def check(data: bytes, folder: Path) -> bool:
    """Read the project, and render the site's files."""
    project = folder / "shop"
    (project / "conf").mkdir(parents=True, exist_ok=True)
    (project / "conf" / "a").write_text("a")
    (project / "web.env").write_text("W=1\n")
    document, _, defaults = data.partition(CUT)
    (project / "compose.yaml").write_bytes(document)
    (project / ".env").write_bytes(defaults)
    settings = ComposeSettings.model_validate({"project": "shop", "literal_secrets": "carry"}, strict=False)
    context = ApplicationContext("prod", settings, folder, "1", Platform.parse("linux/amd64"))
    model = ComposeApplication().model(context)
    ComposeRenderer().render(model, [])
    return True
