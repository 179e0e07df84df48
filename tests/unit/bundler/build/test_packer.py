"""A third-party packer: its profile sections, its keys, its files, and what commands print about it."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from examples.demo.sample_registry import make_image
from tests.support.builder import Builder
from tests.support.faults import FaultRegistry

PUSHED = {"library/web:1": make_image({"etc/web": b"1\n"})}

PLUGIN = '''
from bundler import hookimpl
from bundler.api.output import Description, Packer
from bundler.bundle.format import Format
from bundler.bundle.manifest import BundleManifest
from bundler.bundle.tar import Member
from bundler.profile.base import ProfileModel
from bundler.profile.model import Profile


class Motto(ProfileModel):
    """What the site is told."""

    words: str
    """One line."""


class PlainProfile(Profile):
    motto: Motto = Motto(words="none")
    """What the site is told first."""


class PlainManifest(BundleManifest):
    model_config = {"extra": "forbid"}
    motto: str


class PlainPacker(Packer):
    name = "plain"
    profile_model = PlainProfile
    format = Format(
        first=("start",),
        last=("motto.txt",),
        programs=frozenset({"start"}),
        sidecars=("note.txt",),
        manifests=(PlainManifest,),
    )

    def complete(self, manifest, context, preparation):
        return PlainManifest(**dict(manifest), motto=context.profile.motto.words)

    def members(self, manifest, application, others):
        return [Member.of("start", b"#!/bin/sh\\n", 0o755), Member.of("motto.txt", manifest.motto.encode())]

    def sidecars(self, members):
        return [Member.of("note.txt", b"soon\\n")]

    def plan(self, context):
        words = context.profile.motto.words
        return Description((("motto", words),), data={"motto": words})

    def describe(self, manifest):
        return Description((("motto", manifest.motto),))

    def next_steps(self, bundle):
        return [f"run start of {bundle.path.name}"]


@hookimpl
def bundler_packers():
    return [PlainPacker()]
'''
PROFILE = """\
application: compose
packer: plain
version: "1"
motto: {words: be brief}
settings: {project: web}
"""


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    found = Builder(tmp_path / "work", tmp_path / "cache")
    (found.folder / "web").mkdir(parents=True)
    (found.folder / "web/compose.yaml").write_text("services: {web: {image: 'web:1'}}\n")
    (found.folder / "plugins").mkdir()
    (found.folder / "plugins/plain.py").write_text(PLUGIN)
    (found.folder / "web.yaml").write_text(PROFILE)
    return found


OURS = ("--plugins-dir", "plugins")


def run(builder: Builder, command: str, registry: FaultRegistry, *more: str) -> str:
    mirror = ("--registry-mirror", f"docker.io={registry.host}")
    return builder.check(command, "--profile", "web.yaml", *OURS, *mirror, *more)


def test_a_bundle_of_another_packer(builder: Builder, registry: FaultRegistry) -> None:
    builder.check("keygen")
    assert "motto: be brief\n" in run(builder, "plan", registry)
    assert json.loads(run(builder, "plan", registry, "--json"))["motto"] == "be brief"
    said = run(builder, "build", registry)
    (bundle,) = (builder.folder / "dist").glob("*.tar")
    assert (
        f"Next:\n  bundle verify dist/{bundle.name} --key bundle.pub\n  run start of {bundle.name}\n" in said
    )
    with tarfile.open(bundle) as archive:
        members = {member.name.partition("/")[2]: member.mode for member in archive}
    assert list(members)[:6] == [
        "start",
        "SHA256SUMS",
        "SHA256SUMS.sig",
        "SHA256SUMS.pub",
        "bundle.json",
        "motto.txt",
    ]
    assert members["start"] == 0o755
    assert bundle.with_suffix(".note.txt").read_text() == "soon\n"
    verified = builder.check("verify", bundle, "--key", "bundle.pub", *OURS)
    assert f"ok: {bundle.with_suffix('.note.txt').name}, signed by" in verified
    assert "motto        be brief\n" in builder.check("inspect", bundle, *OURS)
    found = json.loads(builder.check("inspect", bundle, "--json", *OURS))["manifest"]
    assert found["motto"] == "be brief"
    assert not {"requirements", "health_timeout", "backup", "engine"} & found.keys()


def test_its_sections_are_checked_by_file_and_line(builder: Builder) -> None:
    (builder.folder / "web.yaml").write_text(PROFILE.replace("words:", "wrods:"))
    refused = builder.bundle("plan", "--profile", "web.yaml", *OURS)
    assert refused.returncode == 2
    assert "web.yaml:4: motto.wrods: unknown key" in refused.stderr
    assert "did you mean `words`?" in refused.stderr


def test_sections_of_another_packer_are_unknown_keys(builder: Builder) -> None:
    (builder.folder / "web.yaml").write_text(PROFILE + "backup: {keep: 7}\n")
    refused = builder.bundle("plan", "--profile", "web.yaml", *OURS)
    assert refused.returncode == 2
    assert "web.yaml:6: backup: unknown key" in refused.stderr


def test_an_unknown_packer_is_refused_before_anything_else(builder: Builder) -> None:
    refused = builder.bundle("plan", "--profile", "web.yaml")
    assert refused.returncode == 2
    assert "no packer named 'plain'" in refused.stderr


def test_its_sections_are_in_the_schema(builder: Builder) -> None:
    schema = json.loads(builder.check("schema", *OURS))
    assert schema["properties"]["motto"]["description"] == "What the site is told first."
    assert "backup" in schema["properties"]


def test_without_its_packer_a_bundle_is_not_mistaken_for_another_kind(
    builder: Builder, registry: FaultRegistry
) -> None:
    run(builder, "build", registry, "--unsigned")
    (bundle,) = (builder.folder / "dist").glob("*.tar")
    for command in (("verify", bundle, "--allow-unsigned"), ("inspect", bundle)):
        refused = builder.bundle(*command)
        assert refused.returncode == 4
        assert "--plugins-dir" in refused.stderr
