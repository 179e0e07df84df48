"""Profiles, loaded as with `--profile`."""

from __future__ import annotations

from pathlib import Path

from bundler_compose.settings import ComposeSettings
from tests.fuzz.mutations import Random, damage_lines
from tests.support.profiles import load_profile

BASE = b"""\
description: A shop
application: compose
version: '1.0'
extends: []
sources: [registry]
platform: linux/amd64
health: {timeout: 10m}
requirements: {cpu: {minimum: 2, recommended: 4}, memory: {minimum: 8GiB}}
backup: {schedule: '02:30', keep: 7}
files:
- path: a.bin
  sha256: '0000000000000000000000000000000000000000000000000000000000000000'
  to: tools/a
  mode: 0755
settings:
  project: shop
  values: &values {workers: 4, name: "shop", list: [1, 2.5, null, true]}
  data: &data [data]
  host_paths: *data
  variables:
  - {name: PORT, kind: port, default: '8080', prompt: {en: Port, zh: \xe7\xab\xaf\xe5\x8f\xa3}}
  lifecycle: {quiesce: [web]}
pack: {compression: compact, level: 9, window: 24}
"""


def make(random: Random) -> bytes:
    """Damage a profile that uses many features."""
    return damage_lines(random, BASE)


def check(data: bytes, folder: Path) -> bool:
    """Load the profile."""
    path = folder / "fuzz.yaml"
    path.write_bytes(data)
    loaded = load_profile(str(path))
    loaded.settings(ComposeSettings)
    return True
