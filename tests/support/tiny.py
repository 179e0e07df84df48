"""A signed bundle of a few files, made in milliseconds, to test readers of bundles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from bundler.build.sign import sign
from bundler.bundle.manifest import Packing, Provenance, ServiceEntry
from bundler.bundle.tar import Archive, Member
from bundler.bundle.write import write_archive
from bundler.trust.keys import PublicKey
from bundler.trust.signers import Trust
from bundler_installer.manifest import InstallerManifest
from bundler_installer.packer import InstallerPacker
from bundler_signature.ecdsa import EcdsaSigner, KeyFile

SIGNER = EcdsaSigner()
KEY = KeyFile(ec.derive_private_key(11, ec.SECP256R1()))
"""Not a secret. It is the same in each run, so that stored bundles remain signed with it."""
PUBLIC = KEY.public_key
TRUST = Trust((PublicKey.read(PUBLIC),))
CREATED = 1_700_000_000
FORMAT = InstallerPacker.format
MANIFEST = InstallerManifest(
    format=1,
    name="tiny",
    version="1.0",
    title="Tiny",
    profile="demo",
    platform="linux/amd64",
    project="tiny",
    created=CREATED,
    images=(),
    services=(ServiceEntry(name="web", tag="web:1", expect="running"),),
    ports=(),
    variables=(),
    requirements=(),
    health_timeout=60,
    packing=Packing(compression="keep", level=None, window=None, kept_bytes=0, packed_bytes=0),
    provenance=Provenance(builder="tests", profile_sha256="0" * 64),
)
TOP = MANIFEST.top


def tiny_members() -> list[Member]:
    """Return all members except checksums and signature."""
    return [
        Member.of("install", b"#!/bin/sh\necho tiny\n", 0o755),
        Member.of("bundle.json", MANIFEST.to_bytes()),
        Member.of("bundle.env", b"format=1\nname=tiny\n"),
        Member.of("modes.tsv", b"#path\tmode\nconfig/compose.yaml\t0644\n"),
        Member.of("services.tsv", b"#service reference expect\nweb\tweb:1\trunning\n"),
        Member.of("config/compose.yaml", b"services: {web: {image: 'web:1'}}\n"),
        Member.of("images/index.json", b"{}\n"),
    ]


def signed(members: Sequence[Member], *, key: KeyFile | None = KEY) -> list[Member]:
    """Add SHA256SUMS and, if there is a key, a signature; return the members in archive order."""
    return sorted(sign(members, [key] if key else []), key=lambda member: FORMAT.order(member.path))


def write_bundle(path: Path, members: Sequence[Member], *, top: str = TOP, created: int = CREATED) -> Path:
    """Write members to a bundle in the given order."""
    with path.open("w+b") as file:
        write_archive(file, Archive(top, members, created), lambda _, __: None)
    return path
