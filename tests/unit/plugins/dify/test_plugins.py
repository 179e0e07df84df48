"""Dify plugin packages: repackaged for places without internet, by the real pip."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bundler.errors import BundleError, FetchError
from bundler.image.oci import Platform
from bundler_dify import offline, offline_plugins
from bundler_dify.repackage import OPTIONS, gather_wheels, repackage
from bundler_dify.settings_plugins import Plugin
from tests.support import dify
from tests.support.certificates import Authority
from tests.support.programs import need_program, need_root, run
from tests.support.web import serving

MANIFEST = b"version: 0.0.1\ntype: plugin\nauthor: bank\nname: hello\nmeta:\n  runner: {language: python}\n"
LOCK = b"""
version = 1
[[package]]
name = "markupsafe"
version = "2.1.5"
source = { registry = "https://index.example/simple" }
[[package]]
name = "jinja2"
version = "3.1.4"
source = { registry = "https://index.example/simple" }
wheels = [{ url = "https://files.example/jinja2-3.1.4-py3-none-any.whl" }]
[[package]]
name = "hello"
version = "0.0.1"
source = { virtual = "." }
"""
PROJECT = b'[project]\nname = "hello"\nversion = "0.0.1"\ndependencies = ["jinja2>=3.1,<4"]\n'
FILES = {
    "manifest.yaml": MANIFEST,
    "main.py": b"import jinja2\n",
    "provider/hello.yaml": b"identity: {}\n",
    ".difyignore": b".venv/\nwheels/\n*.whl\n__pycache__/\n",
    "pyproject.toml": PROJECT,
    "uv.lock": LOCK,
    ".verification.dify.json": b"{}",
}


def pack(files: dict[str, bytes], comment: bytes = b"signature") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.comment = comment
    return target.getvalue()


def unpack(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        assert archive.comment == b""
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BUNDLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


# ---------------------------------------------------------------- with the network


@pytest.mark.network
@pytest.mark.root
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_a_repackaged_plugin_installs_with_the_network_taken_away(architecture: str, tmp_path: Path) -> None:
    need_root()
    package = repackage(pack(FILES), "hello.difypkg", Platform.parse(f"linux/{architecture}"))
    files = unpack(package)
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[architecture]
    wheels = sorted((name for name in files if name.startswith("wheels/")), key=str.lower)
    # What the lock pins is what travels; the newest would be another one.
    assert wheels[0] == "wheels/jinja2-3.1.4-py3-none-any.whl"
    assert wheels[1].startswith("wheels/MarkupSafe-2.1.5-cp312-cp312-manylinux")
    assert wheels[1].endswith(f"{machine}.whl")
    assert len(wheels) == 2
    assert not {"uv.lock", "pyproject.toml", ".verification.dify.json"} & files.keys()
    assert files["requirements.txt"].decode() == f"{OPTIONS}\njinja2>=3.1,<4\n"
    assert files[".difyignore"] == b".venv/\n__pycache__/\n"
    assert files["main.py"] == FILES["main.py"]

    extract(package, tmp_path / "plugin")
    uv(
        tmp_path / "plugin", "pip", "install", "--prerelease=allow", "-i", NOWHERE, "-r", "requirements.txt",
        "--target", tmp_path / "site", "--python-version=3.12", f"--python-platform={machine}-manylinux_2_39",
    )  # fmt: skip
    assert (tmp_path / "site" / "jinja2").is_dir()
    assert (tmp_path / "site" / "markupsafe").is_dir()


NOWHERE = offline.NOWHERE + "/simple"


def uv(folder: Path, *arguments: str | Path, network: bool = False) -> None:
    """Run uv as the plugin daemon does, with a clean environment and, unless it is said, without network."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "UV_CACHE_DIR": str(folder.parent / "uv")}
    environment = {**os.environ, "UV_SYSTEM_CERTS": "true"} if network else environment
    away = [] if network else ["unshare", "--net"]
    found = subprocess.run(
        [*away, sys.executable, "-m", "uv", *map(str, arguments)],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr


def extract(package: bytes, folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        archive.extractall(folder)


@pytest.mark.network
@pytest.mark.root
@pytest.mark.parametrize("how", ["requirements.txt", "uv.lock"])
def test_a_carried_plugin_installs_from_the_wheels_beside_it(how: str, tmp_path: Path) -> None:
    need_root()
    plugin = tmp_path / "plugin"
    plugin.mkdir()
    project = b'[project]\nname = "hello"\nversion = "0.0.1"\nrequires-python = ">=3.11"\n'
    files = {"manifest.yaml": MANIFEST, "pyproject.toml": project + b'dependencies = ["click==8.1.8"]\n'}
    if how == "uv.lock":
        (plugin / "pyproject.toml").write_bytes(files["pyproject.toml"])
        uv(plugin, "lock", "--cache-dir", tmp_path / "other", network=True)
        files[how] = (plugin / how).read_bytes()
    else:
        files[how] = b"click==8.1.8\n"
    (tmp_path / "hello.difypkg").write_bytes(pack(files))
    application = dify.model({"plugins": [{"path": "hello.difypkg", "mode": "carry"}]}, tmp_path)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for file in application.files:
        if file.path.startswith("plugin-wheels/") and isinstance(file.content, Path):
            shutil.copy(file.content, wheels)
    # uv resolves a lock for all platforms at once: also what only Windows needs must be there.
    assert len(list(wheels.iterdir())) == (2 if how == "uv.lock" else 1)
    extract((tmp_path / "hello.difypkg").read_bytes(), plugin)
    told = dify.environment(application, "plugin_daemon")
    options = told["PIP_EXTRA_ARGS"].replace("/etc/dify/plugin-wheels", str(wheels)).split()
    if how == "uv.lock":  # PLUGIN_IGNORE_UV_LOCK leaves --frozen out
        uv(plugin, "sync", "--no-dev", "--prerelease=allow", "-i", told["PIP_MIRROR_URL"], *options)
        assert list(plugin.glob(".venv/lib/python*/site-packages/click"))
    else:
        target = ("--target", tmp_path / "site")
        asked = ("-i", told["PIP_MIRROR_URL"], "-r", "requirements.txt")
        uv(plugin, "pip", "install", "--prerelease=allow", *asked, *options, *target)
        assert (tmp_path / "site/click").is_dir()


@pytest.mark.network
def test_the_same_package_is_repackaged_to_the_same_bytes() -> None:
    wanted = {name: FILES[name] for name in ("manifest.yaml", "pyproject.toml", "uv.lock")}
    first = repackage(pack(wanted), "x", dify.AMD64)
    assert first == repackage(pack(dict(reversed(wanted.items()))), "x", dify.AMD64)


@pytest.mark.network
def test_a_package_without_a_wheel_fails_the_build() -> None:
    files = {"manifest.yaml": MANIFEST, "requirements.txt": b"docopt==0.6.2\n"}
    with pytest.raises(FetchError, match=r"hello\.difypkg: .*docopt") as error:
        repackage(pack(files), "hello.difypkg", dify.AMD64)
    assert "wheel" in str(error.value.hint)


# ---------------------------------------------------------------- without


def test_nothing_needed_is_nothing_downloaded() -> None:
    files = unpack(repackage(pack({"manifest.yaml": MANIFEST}), "x", dify.AMD64))
    assert files["requirements.txt"].decode() == OPTIONS + "\n"
    files = unpack(
        repackage(
            pack(
                {
                    "manifest.yaml": MANIFEST,
                    "requirements.txt": b"# none\n--no-index --find-links=./wheels/\n",
                }
            ),
            "x",
            dify.AMD64,
        )
    )
    assert files["requirements.txt"].decode() == OPTIONS + "\n"


@pytest.mark.parametrize(
    ("package", "message"),
    [
        (b"no zip", "is not a zip archive"),
        (pack({"main.py": b""}), r"no manifest\.yaml"),
        (pack({"manifest.yaml": b"", "../evil": b""}), "outside the plugin"),
        (pack({"manifest.yaml": b"", "/evil": b""}), "outside the plugin"),
        (
            pack({"manifest.yaml": b"", "requirements.txt": b"-i http://evil.example\nx\n"}),
            "an option or a path",
        ),
        (pack({"manifest.yaml": b"", "requirements.txt": b"./local\n"}), "an option or a path"),
        (pack({"manifest.yaml": b"", "requirements.txt": b"\xff"}), "not UTF-8"),
        (pack({"manifest.yaml": b"", "pyproject.toml": b"["}), r"pyproject\.toml"),
    ],
)
def test_what_is_no_plugin_is_refused(package: bytes, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        repackage(package, "x", dify.AMD64)


def test_wheels_for_an_unknown_platform_are_refused() -> None:
    files = {"manifest.yaml": MANIFEST, "requirements.txt": b"x\n"}
    with pytest.raises(BundleError, match="linux/riscv64 are not known"):
        repackage(pack(files), "x", Platform.parse("linux/riscv64"))


def profile(**plugin: object) -> dict[str, Any]:
    return {"plugin_signatures": {"policy": "unverified"}, "plugins": [plugin]}


def test_packages_travel_with_the_command_that_installs_them(tmp_path: Path) -> None:
    package = pack({"manifest.yaml": MANIFEST})
    (tmp_path / "hello.difypkg").write_bytes(package)
    digest = hashlib.sha256(package).hexdigest()
    application = dify.model(profile(path="hello.difypkg", sha256=digest), tmp_path)
    carried = {file.path: file for file in application.carried}
    assert set(carried) == {
        "dify-plugins/hello-offline.difypkg",
        "dify-plugins/install.sh",
        "dify-plugins/install_plugins.py",
        "probes/dify.py",
    }
    assert carried["dify-plugins/install.sh"].mode == 0o755
    content = carried["dify-plugins/hello-offline.difypkg"].content
    assert isinstance(content, Path)
    assert "requirements.txt" in unpack(content.read_bytes())


def test_a_package_that_is_carried_is_not_touched(tmp_path: Path) -> None:
    package = pack(
        {"manifest.yaml": MANIFEST, "wheels/x-1-py3-none-any.whl": b"", "requirements.txt": b"x\n"}
    )
    (tmp_path / "signed.difypkg").write_bytes(package)
    application = dify.model({"plugins": [{"path": "signed.difypkg", "mode": "carry"}]}, tmp_path)
    content = application.carried[0].content
    assert isinstance(content, Path)
    assert content.read_bytes() == package
    # It brings its own wheels; the daemon is told of the folder for those that do not.
    assert [file.path for file in application.files if "wheels" in file.path] == ["plugin-wheels/README"]
    found = dify.environment(application, "plugin_daemon")
    assert found["PIP_EXTRA_ARGS"] == "--no-index --find-links=/etc/dify/plugin-wheels"
    volumes = application.compose["services"]["plugin_daemon"]["volumes"]
    assert "./plugin-wheels:/etc/dify/plugin-wheels:ro" in volumes


def test_what_is_carried_without_knowing_what_it_needs_is_refused() -> None:
    files = {"manifest.yaml": MANIFEST, "pyproject.toml": PROJECT}
    with pytest.raises(BundleError, match=r"neither requirements\.txt nor uv\.lock"):
        gather_wheels(pack(files), "x", dify.AMD64)


def test_another_file_than_the_profile_says_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hello.difypkg").write_bytes(pack(FILES))
    with pytest.raises(BundleError, match="the profile says 0000"):
        dify.model(profile(path="hello.difypkg", sha256="0" * 64), tmp_path)
    with pytest.raises(BundleError, match="cannot be read"):
        dify.model(profile(path="none.difypkg"), tmp_path)


def test_a_package_that_the_site_would_refuse_is_refused_here(tmp_path: Path) -> None:
    (tmp_path / "big.difypkg").write_bytes(b"x" * (2**20 + 1))
    wanted = {"plugins": [{"path": "big.difypkg", "mode": "carry"}], "uploads": {"plugin_mb": 1}}
    with pytest.raises(BundleError, match="the site takes 1048576 at most"):
        dify.model(wanted, tmp_path)


def test_the_marketplace_has_an_address_for_each_package() -> None:
    address = Plugin(marketplace="bank/hello:0.0.1", sha256="1" * 64).address
    assert str(address).startswith("https://marketplace.dify.ai/")
    assert "bank/hello" in str(address)


def test_what_is_downloaded_is_checked_and_kept_in_the_cache_of_the_build(tmp_path: Path) -> None:
    """By a private authority; without a connection once it is there."""
    package = pack({"manifest.yaml": MANIFEST})
    authority = Authority.make(tmp_path / "ca")
    digest = hashlib.sha256(package).hexdigest()
    online = {"cache": tmp_path / "mine", "ca_file": authority.certificate}
    with serving(package, authority.server()) as port:
        wanted = profile(url=f"https://localhost:{port}/file", sha256=digest)
        with pytest.raises(FetchError, match="certificate"):
            dify.model(wanted, tmp_path, cache=tmp_path / "mine")
        with pytest.raises(FetchError, match=r"plugins: https://localhost.* not in the cache .*mine"):
            dify.model(wanted, tmp_path, **online, offline=True)
        with pytest.raises(BundleError, match="the profile says"):
            dify.model(profile(url=f"https://localhost:{port}/file", sha256="1" * 64), tmp_path, **online)
        first = dify.model(wanted, tmp_path, **online).carried
    again = dify.model(wanted, tmp_path, **online, offline=True).carried
    assert again == first
    assert first[0].content == tmp_path / "mine/dify-plugins" / Path(str(first[0].content)).name
    assert not (tmp_path / "cache").exists()


def test_wheels_that_are_not_in_the_cache_are_not_fetched_offline(tmp_path: Path) -> None:
    package = pack({"manifest.yaml": MANIFEST})
    (tmp_path / "hello.difypkg").write_bytes(package)
    digest = hashlib.sha256(package).hexdigest()
    with pytest.raises(FetchError, match=r"plugins: the wheels of hello.* not in the cache"):
        dify.model(profile(path="hello.difypkg", sha256=digest), tmp_path, offline=True)


# ---------------------------------------------------------------- the command at the site

WORKSPACE = "11111111-2222-3333-4444-555555555555"


class Daemon(BaseHTTPRequestHandler):
    """The plugin daemon's endpoints that the command speaks to."""

    installed: list[str] = []  # noqa: RUF012 one for all requests
    polls = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["X-Api-Key"] != "key":
            self.answer(401, {})
        elif self.path == f"/plugin/{WORKSPACE}/management/install/upload/package":
            assert b'name="verify_signature"\r\n\r\ntrue\r\n' in body
            start = body.index(b"PK\x03\x04")
            package = zipfile.ZipFile(io.BytesIO(body[start : body.rindex(b"\r\n--")]))
            assert package.read("manifest.yaml") == MANIFEST
            self.answer(200, {"unique_identifier": "bank/hello:0.0.1@abc"})
        else:
            assert self.path == f"/plugin/{WORKSPACE}/management/install/identifiers"
            self.installed.extend(json.loads(body)["plugin_unique_identifiers"])
            self.answer(200, {"all_installed": False, "task_id": "7"})

    def do_GET(self) -> None:
        assert self.path == f"/plugin/{WORKSPACE}/management/install/tasks/7"
        type(self).polls += 1
        self.answer(200, {"status": "success" if self.polls > 1 else "running"})

    def answer(self, status: int, data: dict[str, Any]) -> None:
        text = json.dumps({"code": 0, "message": "", "data": data}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def daemon() -> Iterator[str]:
    Daemon.installed.clear()
    Daemon.polls = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Daemon) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def install(folder: Path, url: str, key: str = "key") -> subprocess.CompletedProcess[str]:
    program = Path(offline_plugins.__file__).parent / "site" / "install_plugins.py"
    environment = {"PLUGIN_DAEMON_URL": url, "PLUGIN_DAEMON_KEY": key, "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [sys.executable, program, folder, WORKSPACE],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_the_command_uploads_installs_and_waits(daemon: str, tmp_path: Path) -> None:
    (tmp_path / "hello.difypkg").write_bytes(pack({"manifest.yaml": MANIFEST}, b""))
    result = install(tmp_path, daemon)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{WORKSPACE}: bank/hello:0.0.1@abc\n"
    assert Daemon.installed == ["bank/hello:0.0.1@abc"]
    assert Daemon.polls == 2


def test_the_command_says_why_it_failed(daemon: str, tmp_path: Path) -> None:
    (tmp_path / "hello.difypkg").write_bytes(pack({"manifest.yaml": MANIFEST}, b""))
    result = install(tmp_path, daemon, "wrong")
    assert result.returncode == 1
    assert "HTTP 401" in result.stderr


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_the_commands_shell_part_hands_everything_over(shell: str, tmp_path: Path) -> None:
    source = Path(offline_plugins.__file__).parent / "site" / "install.sh"
    folder = tmp_path / "dify-plugins"
    folder.mkdir()
    shutil.copy(source, folder)
    (folder / "hello.difypkg").write_text("package")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "docker").write_text(
        "#!/bin/sh\n"
        'case $1 in ps) echo c0ffee ;; exec) shift; [ "$1" != -i ] || shift\n'
        '[ "$1" = c0ffee ] || exit 9; shift\n'
        'case $1 in python3) echo "$@"; ls "$3" ;; *) "$@" ;; esac ;; esac\n'
    )
    (programs / "docker").chmod(0o755)
    command = [need_program(shell), *(["sh"] if shell == "busybox" else [])]
    text = source.read_text().replace("/tmp/dify-plugins", str(tmp_path / "inside"))  # noqa: S108
    (folder / "install.sh").write_text(text)
    printed = run(*command, folder / "install.sh", env={"PATH": f"{programs}:/usr/bin:/bin"})
    inside = tmp_path / "inside"
    assert printed.splitlines()[0] == f"python3 {inside}/install_plugins.py {inside}"
    assert "hello.difypkg" in printed
    assert not inside.exists()


def test_shellcheck_has_nothing_to_say() -> None:
    source = Path(offline_plugins.__file__).parent / "site" / "install.sh"
    run(need_program("shellcheck"), source)
