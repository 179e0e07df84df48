"""Answers of a Docker engine. tests/integration/test_sources.py uses a real one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bundler.api.images import SourceOptions
from bundler.errors import FetchError, ImageNotFoundError
from bundler.image.digest import digest_of
from bundler.image.oci import Descriptor
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler_docker.engine import DockerSource
from examples.demo.sample_registry import encode
from tests.support.docker_archives import CONFIG, ENTRY, TAR, Sink, saved

APP, AMD64 = Reference.parse("app:1"), Platform.parse("linux/amd64")
IMAGE: dict[str, Any] = {"Id": digest_of(CONFIG), "Os": "linux", "Architecture": "amd64", "Size": 7}
ARCHIVE = saved(layer_tar=TAR, config_json=CONFIG, manifest_json=encode([ENTRY]))

Answers = dict[str, tuple[int, bytes]]
Engine = Callable[..., DockerSource]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Return a source whose engine answers `/images/app:1/json` and `/images/ID/get` with given bytes."""
    answers: Answers = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            end = next((end for end in answers if path.endswith(end)), "")
            status, content = answers.get(end, (404, b'{"message": "no such image"}'))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content) + (status == 299)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    sources = []

    def make(image: object = None, archive: tuple[int, bytes] = (200, ARCHIVE)) -> DockerSource:
        answers["/version"] = 200, b'{"ApiVersion": "1.41"}'
        if image is not None:
            answers["/json"] = 200, image if isinstance(image, bytes) else json.dumps(image).encode()
        answers["/get"] = archive
        sources.append(DockerSource(SourceOptions()))
        return sources[-1]

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield make
        for source in sources:
            source.close()
            source.close()
        server.shutdown()
        thread.join()


def test_an_image_is_pinned_by_its_id_and_exported(engine: Engine) -> None:
    source, sink = engine(IMAGE), Sink()
    found = source.resolve(APP, AMD64)
    assert (found.digest, found.manifest, found.size) == (digest_of(CONFIG), None, 7)
    manifest = source.export(found, sink)
    assert sink.blobs[manifest.config.digest] == CONFIG
    with pytest.raises(FetchError, match="exports whole images only"):
        source.open_blob(found, Descriptor("x", found.digest, 1))


def test_an_image_that_is_not_there_is_asked_for_elsewhere(engine: Engine) -> None:
    with pytest.raises(ImageNotFoundError, match="the Docker engine does not have it"):
        engine().resolve(APP, AMD64)
    with pytest.raises(ImageNotFoundError, match="has it for linux/arm64, but the bundle is for linux/amd64"):
        engine({**IMAGE, "Architecture": "arm64"}).resolve(APP, AMD64)


def test_an_engine_that_is_not_there_is_no_error_of_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(ImageNotFoundError, match="the Docker engine does not respond"):
        DockerSource(SourceOptions()).resolve(APP, AMD64)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "is not a JSON object"),
        ({**IMAGE, "Id": "sha256:short"}, r"app:1 \(Docker engine\)"),
    ],
)
def test_an_answer_of_another_form_is_refused(engine: Engine, answer: object, message: str) -> None:
    with pytest.raises(FetchError, match=message):
        engine(answer).resolve(APP, AMD64)


def test_a_size_of_another_form_counts_as_unknown(engine: Engine) -> None:
    assert engine({**IMAGE, "Size": "large"}).resolve(APP, AMD64).size == 0


@pytest.mark.parametrize("answer", [(500, b'{"message": "out of space"}'), (299, ARCHIVE[:2000])])
def test_an_export_that_breaks_is_told(engine: Engine, answer: tuple[int, bytes]) -> None:
    source = engine(IMAGE, answer)
    with pytest.raises(FetchError, match=r"app:1 .*: the (engine ended the export early|archive is damaged)"):
        source.export(source.resolve(APP, AMD64), Sink())
