"""Keys of publishers, bundles signed again with them, and their statements about each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bundler.bundle.checksums import PUBLIC_KEY, SIGNATURE, SUMS
from bundler.trust.keys import PublicKey
from bundler.trust.signatures import sign_text
from bundler.trust.statements import revoke, rotate, statement_name, write_statement
from bundler_signature.ecdsa import EcdsaSigner, KeyFile

SIGNER = EcdsaSigner()


@dataclass(frozen=True)
class Maker:
    """A publisher's key pair: `<name>.key` and `<name>.pub` in one folder."""

    private: Path
    public: Path

    @classmethod
    def make(cls, folder: Path, name: str) -> Maker:
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder / f"{name}.key", folder / f"{name}.pub")
        private, public = SIGNER.generate(None)
        made.private.write_bytes(private)
        made.public.write_bytes(public)
        return made

    @property
    def key(self) -> KeyFile:
        return SIGNER.open(str(self.private), lambda _: None)

    @property
    def name(self) -> str:
        """The fingerprint of the public key."""
        return PublicKey.read(self.public.read_bytes()).fingerprint

    def names_successor(self, other: Maker, folder: Path) -> Path:
        """Write a rotation to the other key in `folder`."""
        statement = rotate(self.key, PublicKey.read(other.public.read_bytes()))
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / statement_name(statement)
        path.write_bytes(write_statement(statement))
        return path

    def revokes(self, other: Maker, folder: Path) -> Path:
        """Write a revocation of the other key in `folder`."""
        statement = revoke(self.key, other.name)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / statement_name(statement)
        path.write_bytes(write_statement(statement))
        return path


def sign_again(unpacked: Path, *makers: Maker) -> None:
    """Sign an unpacked bundle unchanged with the keys of these publishers only."""
    sums = (unpacked / SUMS).read_bytes()
    (unpacked / SIGNATURE).write_bytes(sign_text(sums, [maker.key for maker in makers]))
    (unpacked / PUBLIC_KEY).write_bytes(b"".join(maker.public.read_bytes() for maker in makers))
