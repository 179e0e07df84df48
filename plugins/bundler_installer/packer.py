"""The packer `installer`: adds the shell installer and the flat facts that it reads."""

from __future__ import annotations

from collections.abc import Sequence

from bundler.api.application import ApplicationModel
from bundler.bundle.manifest import BundleManifest
from bundler.bundle.tar import Member
from bundler_installer.assemble import assemble_installer
from bundler_installer.facts import flat_facts
from bundler_installer.standalone import assemble_preflight


class InstallerPacker:
    """Makes a bundle that installs itself with `sh install`."""

    name = "installer"

    def members(
        self,
        manifest: BundleManifest,
        application: ApplicationModel,
        others: Sequence[Member],
    ) -> list[Member]:
        """See `bundler.api.output.Packer.members`."""
        install = Member.of("install", assemble_installer(), 0o755)
        facts = flat_facts(manifest, application, (*others, install))
        return [install, *(Member.of(path, text.encode()) for path, text in facts.items())]

    def sidecars(self, members: Sequence[Member]) -> list[Member]:
        """The preflight alone, with the tables that it reads: see `bundler.api.output.Packer.sidecars`."""
        return [Member.of("preflight.sh", assemble_preflight(members), 0o755)]
