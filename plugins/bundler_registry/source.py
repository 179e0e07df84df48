"""The image source `registry`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from bundler.api.images import BlobSink, ResolvedImage, SourceOptions
from bundler.errors import FetchError, ImageNotFoundError, UsageError
from bundler.image.oci import INDEX_TYPES, MANIFEST_TYPES, Descriptor, Index, Manifest, media_type_of
from bundler.image.platform import Platform
from bundler.image.reference import Reference, canonical_registry, split_mirror
from bundler.io.json import parse_json
from bundler.language import tr
from bundler.net.errors import AbsentError, GaveUpError, TlsError
from bundler.net.pace import Pace
from bundler.net.retry import Pause, Retry, RetryPolicy
from bundler.net.stream import ResumingStream
from bundler.net.tls import Certificates
from bundler.net.transport import READ_TIMEOUT, Transport
from bundler_registry.client import Received, RegistryClient
from bundler_registry.credentials import DockerLogins, Logins, LoginsInOrder, PodmanLogins
from bundler_registry.place import BlobPlace, Place

log = logging.getLogger(__name__)


class RegistrySource:
    """Images of OCI registries. Thread-safe; connects on first use."""

    name = "registry"

    def __init__(
        self,
        options: SourceOptions,
        *,
        logins: Logins | None = None,
        policy: RetryPolicy | None = None,
        pause: Callable[[float], None] | None = None,
        read_timeout: float = READ_TIMEOUT,
        environment: Mapping[str, str] | None = None,
        certificates: Certificates | None = None,
        pace: Pace | None = None,
    ) -> None:
        """Remember the options; nothing is connected yet.

        Args:
            options: options of the command line and the profile.
            logins: where to look up logins; by default, Docker's configuration, then Podman's.
            policy: how often requests are retried.
            pause: waits for the given number of seconds.
            read_timeout: seconds without a byte after which a connection is abandoned.
            environment: environment that names proxies; by default, this process's.
            certificates: trusted authorities; by default, those of the system, the CA file and Docker.
            pace: minimum speed of a server; by default, that of the options, over a minute.

        Raises:
            UsageError: a mirror is invalid.
        """
        self._offline = options.offline
        self._mirrors = {
            canonical_registry(host): _parse_mirror(host, text) for host, text in options.mirrors.items()
        }
        self._logins = logins or LoginsInOrder((DockerLogins(), PodmanLogins(environment)))
        self._policy = policy or RetryPolicy()
        self._pauses = Pause()
        self._pause = pause or self._pauses
        self._transport = Transport(
            certificates or Certificates(options.ca_file),
            insecure=options.insecure,
            environment=environment,
            read_timeout=read_timeout,
            pace=pace or Pace(options.min_speed),
        )
        self._lock = threading.Lock()
        self._clients: dict[str, RegistryClient] = {}
        self._found: dict[tuple[str, str], Place] = {}
        self._tops: dict[tuple[str, str, str], Received] = {}
        self._down: set[str] = set()
        self._unreachable: dict[str, GaveUpError] = {}

    def resolve(self, reference: Reference, platform: Platform) -> ResolvedImage:
        """See `bundler.api.images.ImageSource`."""
        if self._offline:
            raise ImageNotFoundError(
                tr("not requested from {registry}: this run is offline", registry=reference.registry),
                about=reference.familiar,
                hint=tr("build once without --offline to fill the cache"),
            )
        for place in self._places(reference):
            try:
                manifest = self._resolve_at(place, reference, platform)
            except (AbsentError, GaveUpError, TlsError) as error:
                if not place.mirror:
                    raise _final(error, reference) from error
                self._fall_back(place, reference, error)
            else:
                self._found[reference.registry, reference.repository] = place
                size = sum(blob.size for blob in manifest.blobs)
                return ResolvedImage(reference, self.name, manifest.descriptor.digest, manifest, size)
        raise AssertionError(reference)  # the last place is the registry itself

    def open_blob(self, image: ResolvedImage, descriptor: Descriptor, offset: int = 0) -> ResumingStream:
        """See `bundler.api.images.ImageSource`."""
        reference = image.reference
        where = reference.familiar
        if self._offline:
            raise FetchError(
                tr(
                    "{where}: blob {digest} is missing, and this run is offline",
                    where=where,
                    digest=descriptor.digest,
                )
            )
        places = self._places(reference)
        found = self._found.get((reference.registry, reference.repository))
        if found in places:
            places = places[places.index(found) :]
        asked = [BlobPlace(place, descriptor.digest, where) for place in places]
        return ResumingStream(asked, self._retry, size=descriptor.size, offset=offset).connect()

    def export(self, image: ResolvedImage, sink: BlobSink) -> Manifest:  # noqa: ARG002 the contract's signature
        """See `bundler.api.images.ImageSource`: never called, because images of registries have manifests."""
        raise FetchError(
            tr("{familiar}: a registry does not export images", familiar=image.reference.familiar)
        )

    def close(self) -> None:
        """Cancel all waits and close idle connections."""
        self._pauses.cancel()
        self._transport.close()

    # ------------------------------------------------------------ places

    def _places(self, reference: Reference) -> list[Place]:
        """Return the places to try, in order; the registry that the reference names is the last."""
        places = []
        mirror = self._mirrors.get(reference.registry)
        if mirror is not None and mirror[0] not in self._down:
            host, prefix = mirror
            places.append(Place(self._client(host), prefix + reference.repository, mirror=True))
        places.append(Place(self._client(reference.registry), reference.repository, mirror=False))
        return places

    def _client(self, host: str) -> RegistryClient:
        with self._lock:
            client = self._clients.get(host)
            if client is None:
                client = self._clients[host] = RegistryClient(host, self._transport, self._logins)
            return client

    def _retry(self, what: str) -> Retry:
        return Retry(what, self._policy, self._pause)

    def _fall_back(self, place: Place, reference: Reference, error: FetchError) -> None:
        if isinstance(error, AbsentError):
            log.warning(
                tr("%s: mirror %s: %s; asking %s"),
                reference.familiar,
                place.client.host,
                error.cause,
                reference.registry,
            )
            return
        with self._lock:
            known = place.client.host in self._down
            self._down.add(place.client.host)
        if not known:  # said once, not for every image
            log.warning(tr("mirror %s: %s; asking %s"), place.client.host, error.cause, reference.registry)

    # ------------------------------------------------------------ manifests

    def _resolve_at(self, place: Place, reference: Reference, platform: Platform) -> Manifest:
        where = reference.familiar
        received = self._receive_top(place, reference.digest or reference.tag or "latest", where)
        if not _is_index(received, where):
            return Manifest.parse(received.raw, where, received.media_type)
        chosen = Index.parse(received.raw, where, received.media_type).select(platform, where)
        received = self._receive(place, chosen.digest, where)
        if len(received.raw) != chosen.size:
            raise FetchError(
                tr(
                    "{where}: manifest {digest} has {count} bytes, but its index says {size}",
                    where=where,
                    digest=chosen.digest,
                    count=len(received.raw),
                    size=chosen.size,
                )
            )
        manifest = Manifest.parse(received.raw, where, received.media_type)
        if chosen.media_type != manifest.media_type and chosen.media_type in INDEX_TYPES | MANIFEST_TYPES:
            raise FetchError(
                tr(
                    "{where}: manifest {digest} is {media_type}, but its index says {chosen_media_type}",
                    where=where,
                    digest=chosen.digest,
                    media_type=manifest.media_type,
                    chosen_media_type=chosen.media_type,
                )
            )
        return manifest

    def _receive_top(self, place: Place, reference: str, where: str) -> Received:
        """Receive what a tag means, once: a build for several platforms must not see it move in between."""
        name = (place.client.host, place.repository, reference)
        found = self._tops.get(name)
        if found is None:
            found = self._tops[name] = self._receive(place, reference, where)
        return found

    def _receive(self, place: Place, reference: str, where: str) -> Received:
        host = place.client.host
        down = self._unreachable.get(host)
        if down is not None:  # another image has waited for this server
            raise down.about_another(where)
        retry = self._retry(where)
        try:
            return retry.run(lambda: place.client.manifest(place.repository, reference))
        except GaveUpError as error:
            if not error.connected:
                self._unreachable[host] = error
            raise
        except (AbsentError, TlsError):
            raise  # the caller may try another place
        except FetchError as error:
            raise FetchError(error.message, about=where, hint=error.hint) from error


def _is_index(received: Received, where: str) -> bool:
    try:
        document = parse_json(received.raw)
    except ValueError as error:
        raise FetchError(
            tr("{where}: the answer is not a manifest: {error}", where=where, error=error),
            hint=tr("is this address a registry? A login page of a proxy answers like this"),
        ) from error
    if not isinstance(document, dict):
        raise FetchError(tr("{where}: the answer is not a manifest: it is not a JSON object", where=where))
    return media_type_of(document, received.media_type, where) in INDEX_TYPES


def _final(error: FetchError, reference: Reference) -> FetchError | ImageNotFoundError:
    """Return the final error of the registry itself; only an `ImageNotFoundError` lets other sources try."""
    login = tr("`docker login {registry}`", registry=reference.registry)
    if isinstance(error, AbsentError) and error.denied:
        return ImageNotFoundError(
            tr("access denied: {error_message}", error_message=error.message),
            about=reference.familiar,
            hint=error.hint
            or tr(
                "{login}, or check the name: registries also answer like this if there is no such image",
                login=login,
            ),
        )
    if isinstance(error, AbsentError):
        return ImageNotFoundError(
            tr("not found: {error_message}", error_message=error.message),
            about=reference.familiar,
            hint=tr(
                "{hint}; if the image is private: {login}",
                hint=error.hint or tr("check the name and the tag"),
                login=login,
            ),
        )
    if isinstance(error, GaveUpError):
        return error
    return FetchError(error.message, about=reference.familiar, hint=error.hint)


def _parse_mirror(host: str, text: str) -> tuple[str, str]:
    found = split_mirror(text)
    if found is None:
        raise UsageError(
            tr("mirror of {host}: {text!r} is not host[:port][/prefix]", host=host, text=text),
            hint=tr("for example docker.io=mirror.example:5000 or docker.io=harbor.example/docker-hub"),
        )
    return found
