"""Runs the stages of a build in order: resolve, fetch, render, sign, pack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from bundler.api import compose
from bundler.api.application import ApplicationContext, ApplicationModel
from bundler.api.images import ImageSource, ResolvedImage, SourceOptions
from bundler.api.output import Description, PackContext
from bundler.api.plugins import Plugins
from bundler.api.signing import PrivateKey
from bundler.build.advisories import read_advisories
from bundler.build.carried import Carrier, carry
from bundler.build.fetch import Fetched, fetch
from bundler.build.images import COMPACT_SHARE, Compaction, PackedImages, keep
from bundler.build.lock import Lock
from bundler.build.pack import PackedBundle, pack
from bundler.build.platforms import platforms
from bundler.build.render import Rendering, render
from bundler.build.repack import declared_zstd, engine_floor
from bundler.build.resolve import Resolver, resolve_each
from bundler.build.shelf import Shelf
from bundler.build.sign import sign, sign_sidecars
from bundler.build.software import list_software
from bundler.build.targets import find_notes
from bundler.bundle.manifest import BundleManifest
from bundler.bundle.tar import Archive, Member
from bundler.errors import BundleError, UsageError
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler.language import tr
from bundler.net.download import Downloader
from bundler.profile.load import LoadedProfile
from bundler.store.blobs import Store
from bundler.terminal.progress import Reporter


@dataclass(frozen=True)
class Job:
    """The input of a command. Plain data; each stage receives only the parts that it needs.

    Attributes:
        profile: the profile with inheritance and `--set` applied.
        plugins: all loaded plugins.
        store: keeps blobs between builds.
        platform: target platform of the bundle.
        lock: pins from the lock file beside the profile.
        options: settings of image sources.
        reporter: receives progress.
        locked: refuse images that the lock does not pin.
        epoch: SOURCE_DATE_EPOCH, seconds; None for the creation time of the newest image.
        write_once: fetch layers that are not in the store straight into the bundle, without storing them.
    """

    profile: LoadedProfile
    plugins: Plugins
    store: Store
    platform: Platform
    lock: Lock
    options: SourceOptions
    reporter: Reporter
    locked: bool = False
    epoch: int | None = None
    write_once: bool = False


@dataclass(frozen=True)
class Resolved:
    """A job, its application and the pinned images."""

    job: Job
    application: ApplicationModel
    images: tuple[ResolvedImage, ...]


@dataclass(frozen=True)
class PlannedImage:
    """An image as a build would use it."""

    image: ResolvedImage
    cached: int
    """Bytes of the image that are already in the store."""


@dataclass(frozen=True)
class Plan:
    """What a build would do."""

    application: ApplicationModel
    platform: Platform
    images: tuple[PlannedImage, ...]
    total: int
    """Bytes of all distinct blobs; estimated for images from a Docker engine."""
    missing: int
    """Bytes of those that are not in the store."""
    compaction: Compaction | None
    """How the images would be packed; None if blobs are kept as they are."""
    compact: int
    """Bytes of the images with `compact`; an estimate unless an earlier build packed the same images."""
    compact_known: bool
    """Whether `compact` is exact."""
    packer: Description
    """The packer's description of its sections of the profile."""
    notes: Mapping[str, Sequence[str]]
    """What is different with each target, by its name; none for the one that the application is made for."""


@dataclass(frozen=True)
class Built:
    """The result of a build."""

    bundle: PackedBundle
    manifest: BundleManifest
    images: tuple[ResolvedImage, ...]


def build(
    jobs: Sequence[Job], output: Path, keys: Sequence[PrivateKey], statements: Sequence[Member] = ()
) -> Iterator[Built]:
    """Build a bundle for each job in `output`, unsigned if there are no keys; yield each as it is finished.

    All images of all jobs are resolved before the first is fetched.

    Args:
        jobs: the same profile for several platforms.
        output: folder for the bundles.
        keys: keys to sign with.
        statements: rotations and revocations to include.

    Raises:
        BundleError: the build failed; no incomplete file is left in `output`.
    """
    first = jobs[0]
    if first.write_once:
        _check_write_once(first)
    with first.store.in_use(), _sources(first) as sources:
        for resolved in _resolve(jobs, sources, keep=True):
            several = first.reporter.step(str(resolved.job.platform)) if len(jobs) > 1 else nullcontext()
            with several:
                built = _build(resolved, sources, output, keys, statements)
            yield built


def _check_write_once(job: Job) -> None:
    """Refuse profiles that need layers before the bundle is written; by default, packages are not listed."""
    profile, why = job.profile, ""
    if compaction(job):
        key, instead = "pack.compression", "keep"
        why = tr("pack.compression: compact, which recompresses layers from the cache")
    elif profile.profile.sbom.packages and profile.origin("sbom.packages") != "default":
        key, instead = "sbom.packages", "false"
        why = tr("sbom.packages: true: the SBOM is written before the layers, and lists what is in them")
    if why:
        refusal = tr("--write-once cannot be combined with {why}", why=why)
        remedy = tr("remove --write-once, or add --set {instead}", instead=f"{key}={instead}")
        raise UsageError(f"{profile.origin(key)}: {refusal}", hint=remedy)
    if profile.profile.sbom.packages:
        job.reporter.warn(tr("with --write-once, the SBOM does not list the packages in images"))


def _build(
    resolved: Resolved,
    sources: Sequence[ImageSource],
    output: Path,
    keys: Sequence[PrivateKey],
    statements: Sequence[Member],
) -> Built:
    job, application, images = resolved.job, resolved.application, resolved.images
    reporter, store, profile = job.reporter, job.store, job.profile.profile
    find_notes(job.profile, job.plugins, application, job.platform)  # refuses before gigabytes are fetched
    renderers = [job.plugins.renderer(name) for name in profile.targets]
    packer = job.plugins.packer(profile.packer)
    context = PackContext(profile, application, job.platform)
    with reporter.step(tr("fetch")):
        # report problems with these files before downloading gigabytes of images
        carrier = _carrier(job)
        carried = carry(profile.files, carrier)
        advisories = read_advisories(profile.advisories, job.profile.base, carrier.at)
        preparation = packer.prepare(context, carrier)
        shelf = Shelf(store) if profile.sbom.packages and not job.write_once else None
        by_name = {source.name: source for source in sources}
        fetched = fetch(
            images, by_name, store, job.platform, reporter, write_once=job.write_once, shelf=shelf
        )
        software = list_software(fetched.images, shelf, reporter) if shelf else None
    with reporter.step(tr("images")):
        packed = _pack_images(job, fetched)
    with reporter.step(tr("render")):
        rendering = Rendering(
            profile=profile.name,
            profile_sha256=job.profile.sha256,
            platform=job.platform,
            carried=carried,
            statements=statements,
            epoch=job.epoch,
            renderers=renderers,
            packer=packer,
            context=context,
            preparation=preparation,
            layer=lambda blob: store.path(blob.digest) if store.has(blob) else None,
            software=software,
            advisories=advisories,
        )
        rendered = render(application, fetched.images, packed, rendering)
        for name, notes in rendered.notes.items():
            for note in notes:
                reporter.info(tr("{target}: {note}", target=name, note=note))
    with reporter.step(tr("sign") if keys else tr("checksums")):
        members = sign(rendered.members, keys)
        sidecars = sign_sidecars(rendered.sidecars, keys)
    with reporter.step(tr("pack")):
        archive = Archive(rendered.top, members, rendered.manifest.created)
        bundle = pack(archive, packer.format, output, store, reporter, sidecars=sidecars)
    return Built(bundle, rendered.manifest, images)


def _carrier(job: Job) -> Carrier:
    return Carrier(
        base=job.profile.base,
        store=job.store,
        reporter=job.reporter,
        where=job.profile.origin,
        downloader=Downloader(job.options.ca_file, min_speed=job.options.min_speed),
        offline=job.options.offline,
    )


def _pack_images(job: Job, fetched: Fetched) -> PackedImages:
    how = compaction(job)
    if how is None:
        repacked = job.profile.profile.pack.zstd_layers == "repack"
        return keep(fetched, job.platform, job.store, job.reporter, repacked=repacked)
    from bundler.build.compact import compact  # noqa: PLC0415 zstandard: loaded only when needed

    return compact(fetched.images, job.platform, how, job.store, job.reporter)


def compaction(job: Job) -> Compaction | None:
    """Return how the profile requires images to be packed; None if blobs are kept as they are."""
    pack = job.profile.profile.pack
    return None if pack.compression == "keep" else Compaction(pack.level, pack.window, pack.threads)


def plan(jobs: Sequence[Job]) -> list[Plan]:
    """Return what `build` would do for each job. Writes nothing."""
    with _sources(jobs[0]) as sources:
        return [_plan(resolved) for resolved in _resolve(jobs, sources, keep=False)]


def _plan(resolved: Resolved) -> Plan:
    job, application, images = resolved.job, resolved.application, resolved.images
    blobs: dict[str, tuple[int, bool]] = {}
    planned = []
    for image in images:
        cached = 0
        if image.manifest is None:
            blobs[image.digest] = (image.size, False)
        else:
            for blob in image.manifest.blobs:
                here = job.store.has(blob)
                blobs[blob.digest] = (blob.size, here)
                cached += blob.size if here else 0
        planned.append(PlannedImage(image, cached))
    total = sum(size for size, _ in blobs.values())
    missing = sum(size for size, here in blobs.values() if not here)
    from bundler.build.compact import packed_bytes  # noqa: PLC0415 likewise

    how = compaction(job)
    pairs = [(image.reference.tagged, image.digest) for image in images]
    known = packed_bytes(pairs, how or Compaction(), job.store)
    compact_bytes = known or int(total * COMPACT_SHARE)
    profile = job.profile.profile
    if how is None and profile.pack.zstd_layers == "keep":
        floor = engine_floor(declared_zstd(images))
        application = replace(application, requirements=(*application.requirements, *floor))
    context = PackContext(profile, application, job.platform)
    return Plan(
        application=application,
        platform=job.platform,
        images=tuple(planned),
        total=total,
        missing=missing,
        compaction=how,
        compact=compact_bytes,
        compact_known=known is not None,
        packer=job.plugins.packer(profile.packer).plan(context),
        notes=find_notes(job.profile, job.plugins, application, job.platform),
    )


def lock(jobs: Sequence[Job]) -> Lock:
    """Resolve everything again and return the lock that pins it; the caller writes the file."""
    with _sources(jobs[0]) as sources:
        found = _resolve(jobs, sources, keep=False)
    return Lock.of(jobs[0].lock.path, [(each.job.platform, each.images) for each in found])


def model(job: Job) -> ApplicationModel:
    """Return the application with the profile's settings applied."""
    profile = job.profile.profile
    application = job.plugins.application(profile.application)
    context = ApplicationContext(
        profile=profile.name,
        settings=job.profile.settings(application.settings_model),
        base=job.profile.base,
        version=profile.version,
        platform=job.platform,
        store=job.store,
        ca_file=job.options.ca_file,
        offline=job.options.offline,
        min_speed=job.options.min_speed,
    )
    return application.model(context)


def references(application: ApplicationModel) -> list[Reference]:
    """Return the distinct images that the application's services run, mount or start with."""
    services = compose.running(application.compose)
    if not services:
        raise BundleError(
            tr("{application_name}: the application has no services", application_name=application.name),
            hint=tr("check the Compose file and the Compose profiles selected by the bundle profile"),
        )
    wanted = {image for service, entry in services for image in (service.image, *compose.other_images(entry))}
    return sorted({Reference.parse(image) for image in wanted}, key=str)


def _resolve(jobs: Sequence[Job], sources: Sequence[ImageSource], *, keep: bool) -> list[Resolved]:
    """Pin the images of each job; what cannot be pinned is named for all of them.

    Args:
        jobs: the same profile for several platforms.
        sources: where to look for images.
        keep: keep the configs of images in the store.
    """
    reporter = jobs[0].reporter
    applications = _applications(jobs)
    with reporter.step(tr("resolve")):
        requests: list[tuple[Job, list[Reference], Resolver]] = []
        floating: set[str] = set()
        for job, application in zip(jobs, applications, strict=True):
            targets = platforms(application, job.platform)
            wanted = references(application)
            floating |= {
                reference.familiar
                for reference in wanted
                if reference.floating and job.lock.find(reference, targets[reference]) is None
            }
            for platform in sorted(set(targets.values()), key=str):
                resolver = Resolver(
                    sources=sources,
                    platform=platform,
                    lock=job.lock,
                    store=job.store,
                    locked=job.locked,
                    offline=job.options.offline,
                    of_service=platform != job.platform,
                    keep=keep,
                )
                requests.append((job, [each for each in wanted if targets[each] == platform], resolver))
        if floating and not jobs[0].locked:
            names = ", ".join(sorted(floating))
            reporter.warn(
                tr("not pinned, may change at any time: {names} (`bundle lock` pins them)", names=names)
            )
        found = resolve_each([(wanted, resolver) for _, wanted, resolver in requests])
    resolved = []
    for job, application in zip(jobs, applications, strict=True):
        own = [images for (owner, _, _), images in zip(requests, found, strict=True) if owner is job]
        images = sorted((image for each in own for image in each), key=lambda image: str(image.reference))
        resolved.append(Resolved(job, application, tuple(images)))
    return resolved


def _applications(jobs: Sequence[Job]) -> list[ApplicationModel]:
    """Return the application of each job; a remark about several of them is made once."""
    made: list[ApplicationModel] = []
    said: set[str] = set()
    for job in jobs:
        made.append(model(job))
        for remark in made[-1].remarks:
            if remark not in said:
                job.reporter.info(remark)
            said.add(remark)
    return made


@contextmanager
def _sources(job: Job) -> Iterator[list[ImageSource]]:
    with ExitStack() as stack:
        sources = []
        for name in job.profile.profile.sources:
            source = job.plugins.source(name)(job.options)
            stack.callback(source.close)
            sources.append(source)
        yield sources
