"""bundle.json, as `bundle inspect` reads and shows it before verification."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from bundler.bundle.manifest import ImageEntry, LayerEntry, PortEntry, VariableEntry
from bundler.bundle.tar import Member
from bundler.cli.inspect import inspect_command
from bundler_installer.manifest import EngineEntry, EngineFile, ReleaseEntry, RequirementEntry
from tests.fuzz.mutations import Random, damage_json, dump_json
from tests.support.tiny import MANIFEST, signed, tiny_members, write_bundle

_LAYER = LayerEntry(
    digest="sha256:" + "0" * 64, size=1, media_type="application/vnd.oci.image.layer.v1.tar+gzip"
)
BASE = json.loads(
    MANIFEST.model_copy(
        update={
            "images": (
                ImageEntry(
                    reference="docker.io/library/web:1", tag="web:1", source="registry", origin=_LAYER.digest,
                    manifest=_LAYER, config=_LAYER, layers=(_LAYER,), unpacked=1,
                ),
            ),
            "ports": (PortEntry(service="web", address="-", port="80", protocol="tcp"),),
            "variables": (VariableEntry(name="A", kind="port", required=True, default=None, generator=None),),
            "requirements": (RequirementEntry(id="cpu", minimum="1", recommended=None),),
            "release": ReleaseEntry(counter=7, expires=1_800_000_000, grace=86400),
            "engine": EngineEntry(
                version="26",
                room=1,
                files=(EngineFile(kind="deb", name="d", path="files/d", sha256="0" * 64, size=1),),
            ),
        }
    ).to_bytes()
)  # fmt: skip


def make(random: Random) -> bytes:
    """Damage a manifest that has every section."""
    return dump_json(random, damage_json(random, BASE))


def check(data: bytes, folder: Path) -> bool:
    """Show it in both formats; unexpected errors are passed on."""
    members = [member for member in tiny_members() if member.path != "bundle.json"]
    path = write_bundle(folder / "fuzz.tar", signed([*members, Member.of("bundle.json", data)]))
    for options in ([], ["--json"]):
        result = CliRunner().invoke(inspect_command, [str(path), *options])
        if result.exception is not None:
            raise result.exception
        result.stdout_bytes.decode()
    return True
