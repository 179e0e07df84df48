"""The packer `installer`: adds the shell installer and the flat facts that it reads.

Methods import what only a build requires, so that commands that read a bundle start faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from bundler.api.application import ApplicationModel
from bundler.api.output import Carrier, Description, Finished, PackContext, Packer, Preparation
from bundler.api.rehearsal import Rehearsal, RehearsalOptions
from bundler.bundle.format import PROGRAM, Format
from bundler.bundle.manifest import BundleManifest
from bundler.bundle.tar import Member
from bundler.errors import BundleError
from bundler.language import tr
from bundler_installer.manifest import BackupEntry, InstallerManifest, ReleaseEntry, RequirementEntry
from bundler_installer.tables import BUNDLE_ENV

if TYPE_CHECKING:
    from pydantic import BaseModel

    from bundler_installer.engine import CarriedEngine
    from bundler_installer.profile import InstallerProfile

INSTALL: Final = "install"
"""Name of the installer's file."""
PREFLIGHT: Final = "preflight.sh"
"""Suffix of the preflight file beside the bundle."""


class InstallerPacker(Packer):
    """Creates a bundle that installs itself with `sh install`."""

    name = "installer"
    needs = "compose"
    format = Format(
        first=(INSTALL,),
        last=(BUNDLE_ENV,),
        programs=frozenset({INSTALL}),
        modes=("modes.tsv",),
        sidecars=(PREFLIGHT,),
        manifests=(InstallerManifest,),
    )

    @property
    def profile_model(self) -> type[BaseModel]:
        """See `bundler.api.output.Packer.profile_model`."""
        from bundler_installer.profile import InstallerProfile

        return InstallerProfile

    def prepare(self, context: PackContext, carrier: Carrier) -> CarriedEngine:
        """Fetch the container engine that the profile carries: see `bundler.api.output.Packer.prepare`."""
        from bundler_installer.engine import carry_engine

        return carry_engine(_profile(context).engine, context.platform, carrier)

    def complete(
        self, manifest: BundleManifest, context: PackContext, preparation: Preparation
    ) -> InstallerManifest:
        """See `bundler.api.output.Packer.complete`."""
        from bundler_installer.requirements import check_carried, merge_requirements

        profile = _profile(context)
        requirements = merge_requirements(
            context.application.requirements, profile.requirements.to_requirements()
        )
        engine = cast("CarriedEngine", preparation).entry
        check_carried(requirements, engine.version if engine else None)
        counter = profile.release.counter
        return InstallerManifest(
            **dict(manifest),
            requirements=tuple(
                RequirementEntry(
                    id=each.id, minimum=each.minimum, recommended=each.recommended, reason=each.reason
                )
                for each in requirements
            ),
            health_timeout=profile.health.timeout,
            backup=BackupEntry(schedule=profile.backup.schedule, keep=profile.backup.keep),
            release=ReleaseEntry(
                counter=manifest.created if counter is None else counter,
                expires=profile.release.expires,
                grace=profile.release.grace,
            ),
            engine=engine,
        )

    def members(
        self,
        manifest: BundleManifest,
        application: ApplicationModel,
        others: Sequence[Member],
    ) -> list[Member]:
        """See `bundler.api.output.Packer.members`."""
        from bundler_installer.assemble import assemble_installer
        from bundler_installer.facts import flat_facts

        install = Member.of(INSTALL, assemble_installer(), PROGRAM)
        facts = flat_facts(_own(manifest), application, (*others, install))
        return [install, *(Member.of(path, text.encode()) for path, text in facts.items())]

    def sidecars(self, members: Sequence[Member]) -> list[Member]:
        """Return the preflight with the tables that it reads: see `bundler.api.output.Packer.sidecars`."""
        from bundler_installer.standalone import assemble_preflight

        return [Member.of(PREFLIGHT, assemble_preflight(members), PROGRAM)]

    def plan(self, context: PackContext) -> Description:
        """See `bundler.api.output.Packer.plan`."""
        from bundler_installer.description import describe_profile

        return describe_profile(_profile(context), context.platform, context.application.requirements)

    def describe(self, manifest: BundleManifest) -> Description:
        """See `bundler.api.output.Packer.describe`."""
        from bundler_installer.description import describe_manifest

        return describe_manifest(_own(manifest))

    def next_steps(self, bundle: Finished) -> list[str]:
        """See `bundler.api.output.Packer.next_steps`."""
        from bundler_installer.description import next_steps

        return next_steps(bundle)

    def check_machine(self) -> None:
        """See `bundler.api.rehearsal.Rehearser.check_machine`."""
        from bundler_installer.rehearsal.machine import check_machine

        check_machine()

    def rehearse(self, bundle: Path, manifest: BundleManifest, options: RehearsalOptions) -> Rehearsal:
        """See `bundler.api.rehearsal.Rehearser.rehearse`."""
        from bundler_installer.rehearsal.run import rehearse

        return rehearse(bundle, _own(manifest), options)

    def end_rehearsals(self, records: Path) -> list[str]:
        """See `bundler.api.rehearsal.Rehearser.end_rehearsals`."""
        from bundler_installer.rehearsal.run import end_rehearsals

        return end_rehearsals(records)

    def trust_step(self, statement: str) -> str:
        """See `bundler.api.output.Packer.trust_step`."""
        return f"sh {INSTALL} trust {statement}"


def _profile(context: PackContext) -> InstallerProfile:
    return cast("InstallerProfile", context.profile)


def _own(manifest: BundleManifest) -> InstallerManifest:
    if not isinstance(manifest, InstallerManifest):
        raise BundleError(tr("bundle.json of a {kind} is not the installer's", kind=type(manifest).__name__))
    return manifest
