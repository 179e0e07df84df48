"""The installer in clean root file systems: only what a site has, nothing from a developer's machine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from examples.demo.host_image import host_programs
from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import Builder
from tests.support.engines import Site, docker_client
from tests.support.kiosk import Host, Kiosk
from tests.support.programs import need_program
from tests.support.roots import busybox_root, debian_root, run_in
from tests.support.small import SmallBundle

pytestmark = pytest.mark.root

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
ROOTS = {"debian12": "bookworm", "debian13": "trixie", "busybox": ""}
SHELLS = {"debian12": (["sh"], ["bash", "--posix"]), "debian13": (["sh"],), "busybox": (["sh"],)}


def make_root(name: str, folder: Path, *programs: str) -> Path:
    return debian_root(ROOTS[name]) if ROOTS[name] else busybox_root(folder / "busybox", *programs)


@pytest.fixture
def site_host(kiosk: Kiosk, tmp_path: Path) -> Host:
    """Return a site's folder with the unpacked bundle and a fake docker."""
    found = Host("dash", tmp_path / "site", tmp_path, kiosk.key, {"BUNDLE_TRUSTED_KEYS": "/nowhere"})
    found.prepare()
    shutil.copy(kiosk.key, found.folder)
    return Host(
        "dash", found.folder, kiosk.unpack(found.folder), found.folder / kiosk.key.name, found.environment
    )


def environment(host: Host) -> dict[str, str]:
    return {**host.variables(), "PATH": f"{host.docker.parent}:{PATH}"}


@pytest.mark.parametrize("name", ROOTS)
def test_every_command_in_a_clean_root(name: str, site_host: Host, tmp_path: Path) -> None:
    host = site_host
    root = make_root(name, tmp_path, need_program("openssl"))
    for shell in SHELLS[name]:
        where = host.folder / f"root {shell[0]}"

        def run(*arguments: str | Path, code: int = 0, shell: list[str] = shell) -> str:
            result = run_in(
                root, *shell, host.unpacked / "install", *arguments,
                carried=[host.folder], environment=environment(host),
            )  # fmt: skip
            said = result.stdout + result.stderr
            assert result.returncode == code, f"{name} {shell} {arguments}\n{said}"
            for complaint in (
                "not found",
                "applet",
                "invalid option",
                "unrecognized",
                "syntax error",
                "bad ",
            ):
                assert complaint not in result.stderr, said
            return said

        trusted = ("--root", where, "--key", host.key)
        assert "Usage" in run("help")
        assert "用法" in run("help", "--lang", "zh")
        assert "Unknown option --rot" in run("--rot", code=2)
        run("preflight", "--root", where)
        run("preflight", "--root", where, "--json")
        assert "Verified" in run("verify", *trusted)
        installed = run(*trusted, "--yes", "--set", "GREETING=it's $5 你好")
        assert "healthy" in installed
        assert (
            "greeting = it's $5 你好 it's $5 你好" in (where / "current/config/site/kiosk.conf").read_text()
        )
        run("status", "--root", where)
        run("status", "--root", where, "--json")
        run("stop", "--root", where)
        run("start", "--root", where)
        run(*trusted, "--yes")  # installs again
        run("uninstall", "--root", where, "--purge", "all", "--yes")
        assert not where.exists()
        Path(f"{host.docker}.images").unlink()


def test_without_openssl_nothing_is_trusted(site_host: Host, tmp_path: Path) -> None:
    """Signatures cannot be checked, so a signed bundle is refused; its checksums are still compared."""
    host = site_host
    root = make_root("busybox", tmp_path)

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return run_in(
            root,
            "sh",
            host.unpacked / "install",
            *arguments,
            carried=[host.folder],
            environment=environment(host),
        )

    for command in ("verify", "install"):
        refused = run(command, "--root", host.root, "--key", host.key, "--yes", "--set", "GREETING=x")
        assert refused.returncode == 4, refused.stdout + refused.stderr
        assert "openssl" in refused.stderr
        assert not host.root.exists()
        assert " load" not in host.calls()
    (host.unpacked / "SHA256SUMS.sig").unlink()
    assert run("verify", "--root", host.root).returncode == 4
    allowed = run("verify", "--root", host.root, "--allow-unsigned")
    assert allowed.returncode == 0, allowed.stderr
    assert "NOT SIGNED" in allowed.stderr
    changed = host.unpacked / "config/site/kiosk.conf"
    changed.write_text(changed.read_text() + "#\n")
    damaged = run("verify", "--root", host.root, "--allow-unsigned")
    assert damaged.returncode == 4
    assert "kiosk.conf differs from what was signed" in damaged.stderr


@pytest.fixture(scope="session")
def hello(tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    """Return the demo application with an image that can run."""
    folder = tmp_path_factory.mktemp("hello")
    builder = Builder(folder, folder / "cache")
    builder.check("keygen")
    with SampleRegistry() as sample:
        sample.add_image("hello", "1.0", make_image({**host_programs()}, {"Cmd": ["/bin/sh"]}))
        arguments = ("--profile", "demo", "--registry-mirror", f"registry.demo.example={sample.host}")
        builder.check("build", *arguments)
    return SmallBundle(
        next((folder / "dist").glob("*.tar")), folder / "bundle.pub", builder, arguments, folder / "foreign"
    )


@pytest.mark.engine
@pytest.mark.usefixtures("nothing_leaks")
def test_with_a_real_engine(hello: SmallBundle, site: Site, tmp_path: Path) -> None:
    """Uses the tools of each root, and the site's engine and network."""
    folder = site.folder / "clean"
    (folder / "bin").mkdir(parents=True)
    shutil.copytree(site.folder / "docker-config", folder / "docker-config")
    shutil.copy((site.folder / "bin/docker").resolve(), folder / "bin/docker")
    shutil.copy(hello.key, folder)
    variables: Mapping[str, str] = {
        **site.environment,
        "PATH": f"{folder}/bin:{PATH}",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "DOCKER_CONFIG": str(folder / "docker-config"),
    }
    for name in ("debian13",) if site.newer else ("debian12", "busybox"):
        root = make_root(name, tmp_path, need_program("openssl"), docker_client())
        tools = folder / f"{name} 应用"
        tools.mkdir()
        with_tar = subprocess.run(["tar", "-xf", hello.path, "-C", tools], check=False)
        assert with_tar.returncode == 0
        install = tools / hello.path.stem / "install"
        where = folder / f"根 root {name}"
        for arguments in (
            ("--root", where, "--key", folder / hello.key.name, "--yes"),
            ("status", "--root", where),
            ("uninstall", "--root", where, "--purge", "all", "--yes"),
        ):
            result = run_in(
                root, "sh", install, *arguments,
                carried=[folder, site.engine.folder], environment=variables, before=site.inside(),
            )  # fmt: skip
            assert result.returncode == 0, f"{name} {arguments}\n{result.stdout}{result.stderr}"
        assert not where.exists()
    assert site.docker("ps", "-aq") == ""
    shutil.rmtree(folder)
