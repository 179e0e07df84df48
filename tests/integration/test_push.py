"""`install push`: images in a real registry, with TLS and logins, over connections that break."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.installer import SHELLS, need_shell, shells
from tests.support.kiosk import Host, Kiosk, build_kiosk
from tests.support.programs import SYSTEM_PATH, need_program
from tests.support.site_registry import (
    BASIC,
    PASSWORD,
    USER,
    Answer,
    Front,
    Request,
    SiteRegistry,
    Tokens,
    basic,
)

NOISE = random.Random(1).randbytes(3_500_000)  # noqa: S311 bytes that cannot be compressed
"""A layer of four parts of 1 MiB, which both images have."""
PART = 1 << 20
NAMES = ("setup", "web")


@dataclass(frozen=True)
class Pusher:
    """A machine with an unpacked bundle, from which it is pushed.

    Attributes:
        shell: one of `SHELLS`.
        folder: contains everything.
        kiosk: the bundle.
    """

    shell: str
    folder: Path
    kiosk: Kiosk

    @property
    def unpacked(self) -> Path:
        """The unpacked bundle."""
        return self.folder / self.kiosk.path.stem

    @property
    def scratch(self) -> Path:
        """The folder for temporary files, which is empty after each run."""
        return self.folder / "scratch"

    def command(self, *arguments: str | Path) -> list[str | Path]:
        """Return the command line of a push."""
        key = ("--key", self.kiosk.key)
        return [*SHELLS[self.shell], self.unpacked / "install", "push", *key, *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a push."""
        return {
            "PATH": f"{self.folder}/bin:{SYSTEM_PATH}",
            "HOME": str(self.folder),
            "TMPDIR": str(self.scratch),
            **more,
        }

    def push(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Push, and check that nothing is left."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert list(self.scratch.iterdir()) == []
        return done

    def manifests(self) -> dict[str, str]:
        """Map the images' references to the digests of their manifests."""
        lines = (self.unpacked / "images.tsv").read_text().splitlines()[1:]
        return {line.split("\t")[0]: line.split("\t")[1] for line in lines}

    def pulled(
        self, registry: SiteRegistry, host: str, prefix: str, *, login: bool = False
    ) -> dict[str, str]:
        """Pull what was pushed by skopeo; map the references to digests."""
        return {
            f"registry.example/kiosk/{name}:1.0": registry.digest(
                f"{host}/{prefix}/registry.example/kiosk/{name}:1.0", self.folder, login=login
            )
            for name in NAMES
        }


@pytest.fixture(scope="module")
def noisy_kiosk(tmp_path_factory: pytest.TempPathFactory) -> Kiosk:
    return build_kiosk(tmp_path_factory.mktemp("kiosk"), more=NOISE)


@pytest.fixture(params=shells())
def pusher(request: pytest.FixtureRequest, noisy_kiosk: Kiosk, tmp_path: Path) -> Pusher:
    need_shell(request.param)
    need_program("curl")
    noisy_kiosk.unpack(tmp_path)
    (tmp_path / "scratch").mkdir()
    (tmp_path / "bin").mkdir()
    return Pusher(request.param, tmp_path, noisy_kiosk)


@pytest.fixture(scope="module")
def plain_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteRegistry]:
    """A registry without TLS and logins, for those that stand behind something."""
    with SiteRegistry(tmp_path_factory.mktemp("registry")) as found:
        yield found


def counts(done: subprocess.CompletedProcess[str]) -> tuple[int, int, int, int]:
    """Return how many manifests were put, and how many blobs were uploaded, mounted, and there before."""
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    blobs = found["blobs"]
    return found["manifests"], blobs["uploaded"], blobs["mounted"], blobs["there"]


def password_file(folder: Path, text: str = PASSWORD) -> tuple[str, str, str, Path]:
    """Return the options for the login."""
    file = folder / "password"
    file.write_text(f"{text}\n")
    return "--registry-user", USER, "--registry-password-file", file


def test_tls_and_a_password(pusher: Pusher, tmp_path: Path) -> None:
    """The first run uploads everything once, the second nothing; nobody sees the password."""
    authority = Authority.make(tmp_path / "pki")
    curl = tmp_path / "bin/curl"
    curl.write_text(
        f'#!/bin/sh\n{{ printf "%s\\n" "$@"; env; }} >>{tmp_path}/seen\nexec {need_program("curl")} "$@"\n'
    )
    curl.chmod(0o755)
    folder = tmp_path / "registry"
    with SiteRegistry(folder, authority, basic(folder)) as registry:
        to = ("--registry", f"{registry.host}/shop", "--registry-ca", authority.certificate)
        first = pusher.push(*to, *password_file(tmp_path), "--output", "table", "--json")
        assert counts(first) == (2, 5, 1, 0)
        assert pusher.pulled(registry, registry.host, "shop", login=True) == pusher.manifests()
        table = [line.split("\t") for line in (tmp_path / "table").read_text().splitlines()]
        assert table == [
            [reference, f"{registry.host}/shop/{reference}@{digest}"]
            for reference, digest in pusher.manifests().items()
        ]
        assert json.loads(first.stdout)["images"] == [
            {"reference": one, "pushed": other} for one, other in table
        ]
        second = pusher.push(*to, "--registry-user", USER, "--json", BUNDLE_REGISTRY_PASSWORD=PASSWORD)
        assert counts(second) == (0, 0, 0, 6)
        host = Host(pusher.shell, tmp_path, pusher.unpacked, pusher.kiosk.key)
        typed = ("push", "--key", host.key, *to, "--registry-user", USER)
        code, screen = host.converse(typed, [(f"Password of {USER} at {registry.host}:", PASSWORD)])
        assert (code, PASSWORD in screen) == (0, False), screen
        seen = (tmp_path / "seen").read_text()
        assert registry.host not in seen
        assert not [word for word in (PASSWORD, BASIC.split()[1], "BUNDLE_REGISTRY") if word in seen]

        wrong = pusher.push(*to, *password_file(tmp_path, "wrong"))
        assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
        assert f"does not accept the name {USER} with this password (HTTP 401" in wrong.stderr
        nobody = pusher.push(*to)
        assert (nobody.returncode, "wants a login" in nobody.stderr) == (1, True)
        stranger = pusher.push(*to[:2], *password_file(tmp_path))
        assert (stranger.returncode, "--registry-ca FILE" in stranger.stderr) == (1, True)


def test_tokens_that_expire(pusher: Pusher, tmp_path: Path) -> None:
    """The real registry checks each token; one that expires in the middle of an upload is renewed."""

    def slow(_: Front, request: Request) -> None:
        if request.method == "PATCH":
            time.sleep(0.6)

    tokens = Tokens(tmp_path / "tokens", lifetime=2)
    with Front(tokens=tokens, fault=slow) as front:
        realm = f"http://{front.host}/service/token"
        with SiteRegistry(tmp_path / "registry", auth=tokens.auth(realm)) as registry:
            front.registry = registry.host
            to = ("--registry", f"{front.host}/shop", "--registry-plain-http", "--registry-part", "1")
            done = pusher.push(*to, *password_file(tmp_path), "--json")
            assert counts(done) == (2, 5, 1, 0)
            ranges = [request.range for request in front.methods("PATCH")]
            assert len(ranges) > len(set(ranges)) == 4
            mounting = [scope for scope in tokens.scopes if scope.endswith(":pull")]
            assert len(mounting) == 1
            assert {one.authorization == BASIC for one in front.seen if one.path.startswith("/v2/")} == {
                False
            }
            assert {one.authorization for one in front.seen if "/service/token" in one.path} == {BASIC}
            done = pusher.push(*to, *password_file(tmp_path, "wrong"))
            assert (done.returncode, f"the name {USER} with this password" in done.stderr) == (1, True)


def test_connections_that_break(pusher: Pusher, plain_registry: SiteRegistry) -> None:
    """An upload goes on where the registry has it; a lost answer is asked for, a busy one waited for."""
    happened: list[str] = []

    def fault(_: Front, request: Request) -> Answer | str | None:
        for what, applies, answer in (
            ("busy", request.method == "POST", (503, {"Retry-After": "1"}, b"")),
            ("cut", request.method == "PATCH" and request.range == f"{PART}-{2 * PART - 1}", "cut"),
            ("lost", request.method == "PUT" and "/blobs/uploads/" in request.path, "lost"),
            ("limited", request.method == "PUT" and "/manifests/" in request.path, (429, {}, b"")),
        ):
            if applies and what not in happened:
                happened.append(what)
                return answer
        return None

    with Front(plain_registry.host, fault) as front:
        prefix = f"broken-{pusher.shell}"
        to = (
            "--registry",
            f"{front.host}/{prefix}",
            "--registry-plain-http",
            "--registry-part",
            "1",
            "--json",
        )
        assert counts(pusher.push(*to)) == (2, 5, 1, 0)
        assert sorted(happened) == ["busy", "cut", "limited", "lost"]
        ranges = [request.range for request in front.methods("PATCH")]
        assert ranges[:3] == [f"0-{PART - 1}", *[f"{PART}-{2 * PART - 1}"] * 2]
        assert len(ranges) == 5
        assert pusher.pulled(plain_registry, plain_registry.host, prefix) == pusher.manifests()


def test_a_curl_that_fails(pusher: Pusher, plain_registry: SiteRegistry, tmp_path: Path) -> None:
    """Every fourth request fails, by turns before it is sent and after its answer: none counts as done."""
    curl = tmp_path / "bin/curl"
    curl.write_text(f"""#!/bin/sh
case $* in *--version*) exec {need_program("curl")} "$@" ;; esac
number=$(mktemp {tmp_path}/calls.XXXXXX) && set -- "$(ls {tmp_path}/calls.* | wc -l)" "$@"
turn=$(($1 % 8))
shift
[ "$turn" != 0 ] || exit 56
{need_program("curl")} "$@" || exit
[ "$turn" != 4 ] || exit 18
""")
    curl.chmod(0o755)
    prefix = f"failing-{pusher.shell}"
    to = ("--registry", f"{plain_registry.host}/{prefix}", "--registry-plain-http", "--json")
    assert sum(counts(pusher.push(*to))) >= 8
    assert len(list(tmp_path.glob("calls.*"))) > 24
    assert pusher.pulled(plain_registry, plain_registry.host, prefix) == pusher.manifests()


@pytest.mark.parametrize(
    ("method", "path", "answer", "said"),
    [
        ("PUT", "/blobs/uploads/", (413, {}, b"<html>"), "--registry-part 8"),
        (
            "POST",
            "/blobs/uploads/",
            (403, {}, b'{"errors":[{"code":"DENIED","message":"project quota exceeded"}]}'),
            "has no room for the images",
        ),
        (
            "HEAD",
            "/manifests/",
            (200, {"Docker-Content-Digest": "sha256:" + "0" * 64}, b""),
            "has another manifest",
        ),
        ("HEAD", "/blobs/", (302, {"Location": "ftp://other/"}, b""), "redirects to ftp://other/"),
        ("POST", "/blobs/uploads/", (202, {}, b""), "did not say where to upload"),
        ("GET", "/v2/", (404, {}, b""), "not as a registry"),
    ],
)
def test_what_is_no_success(
    pusher: Pusher, plain_registry: SiteRegistry, method: str, path: str, answer: Answer, said: str
) -> None:
    def fault(_: Front, request: Request) -> Answer | None:
        return answer if request.method == method and path in request.path else None

    with Front(plain_registry.host, fault) as front:
        done = pusher.push(
            "--registry", f"{front.host}/{path.count('/')}{method.lower()}", "--registry-plain-http"
        )
        assert done.returncode == 1, done.stdout
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


def test_uploads_elsewhere_get_no_login(pusher: Pusher, plain_registry: SiteRegistry, tmp_path: Path) -> None:
    """A registry may have uploads sent to another host, which must not learn the password."""
    with Front(plain_registry.host) as storage:

        def fault(front: Front, request: Request) -> Answer | None:
            if request.authorization != BASIC:
                return 401, {"WWW-Authenticate": 'Basic realm="site"'}, b""
            if request.method == "POST":
                status, headers, body = front.answer(request, {"Host": storage.host}, b"")
                return status, headers, body
            return None

        with Front(plain_registry.host, fault) as front:
            to = ("--registry", f"{front.host}/elsewhere-{pusher.shell}", "--registry-plain-http", "--json")
            assert counts(pusher.push(*to, *password_file(tmp_path)))[0] == 2
        assert storage.methods("PUT")
        assert {request.authorization for request in storage.seen} == {None}
    with Front(
        "", lambda *_: (401, {"WWW-Authenticate": 'Bearer realm="http://tokens.example/"'}, b"")
    ) as front:
        done = pusher.push("--registry", f"{front.host}/x", "--registry-plain-http", *password_file(tmp_path))
        assert (done.returncode, "no password is sent there" in done.stderr) == (1, True)


def test_a_project_of_harbor(pusher: Pusher, tmp_path: Path) -> None:
    """It is made, private, if it does not exist; without the right to do that, the error names it."""
    tokens = Tokens(tmp_path / "tokens", "harbor-registry")
    with Front(tokens=tokens, projects={"library"}, makers=False) as front:
        auth = tokens.auth(f"http://{front.host}/service/token")
        with SiteRegistry(tmp_path / "registry", auth=auth) as registry:
            front.registry = registry.host
            to = ("--registry", f"{front.host}/shop/apps", "--registry-plain-http", *password_file(tmp_path))
            done = pusher.push(*to)
            assert done.returncode == 1
            assert f"no project shop in Harbor at {front.host}, and {USER} may not create it" in done.stderr
            assert "(HTTP 403: forbidden)" in done.stderr
            front.makers = True
            done = pusher.push(*to)
            assert done.returncode == 0, done.stderr
            assert "Created the project shop in Harbor" in done.stdout
            assert front.projects == {"library", "shop"}


def test_nothing_unverified_leaves(pusher: Pusher, tmp_path: Path) -> None:
    with Front() as front:
        to = ("--registry", f"{front.host}/shop", "--registry-plain-http")
        blob = max((pusher.unpacked / "images/blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
        content = bytearray(blob.read_bytes())
        content[1000] ^= 1
        blob.write_bytes(content)
        assert pusher.push(*to).returncode == 4
        programs = tmp_path / "programs"
        programs.mkdir()
        for place in ("/usr/bin", "/bin"):
            for program in Path(place).iterdir():
                if program.name != "curl" and not (programs / program.name).exists():
                    (programs / program.name).symlink_to(program)
        done = pusher.push(*to, PATH=str(programs))
        assert (done.returncode, "needs the program curl" in done.stderr) == (1, True)
        assert front.seen == []


def test_compact_images_and_ctrl_c(noisy_kiosk: Kiosk, plain_registry: SiteRegistry, tmp_path: Path) -> None:
    """Compact images are unpacked beside memory; a run that is ended leaves nothing, here or there."""
    need_program("zstd")
    kiosk = build_kiosk(tmp_path / "build", "--set", "pack.compression=compact", more=NOISE)
    kiosk.unpack(tmp_path)
    (tmp_path / "scratch").mkdir()
    pusher = Pusher("dash", tmp_path, kiosk)
    arrived = threading.Event()

    def stuck(_: Front, request: Request) -> None:
        if request.method == "PATCH":
            arrived.set()
            time.sleep(4)

    with Front(plain_registry.host, stuck) as front:
        to = ("--registry", f"{front.host}/compact", "--registry-plain-http", "--registry-part", "1")
        process = subprocess.Popen(
            pusher.command(*to), cwd=tmp_path, env=pusher.environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        assert arrived.wait(60)
        assert len(list(pusher.scratch.iterdir())) == 2
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 130
        assert list(pusher.scratch.iterdir()) == []
        assert front.methods("DELETE")
        front.fault = lambda *_: None
        put, uploaded, mounted, there = counts(pusher.push(*to, "--json"))
        assert put == 2
        assert uploaded + mounted + there == 6
        assert uploaded > 0
        assert pusher.pulled(plain_registry, plain_registry.host, "compact") == pusher.manifests()
        shutil.rmtree(tmp_path / "build")
