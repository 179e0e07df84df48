"""A bundle for both targets, installed into a real cluster of one node that has no way out."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.builder import Builder
from tests.support.cluster_node import ClusterNode
from tests.support.images import build_images
from tests.support.installer import SHELLS
from tests.support.kubernetes import need_kubernetes
from tests.support.programs import SYSTEM_PATH, need_root

pytestmark = pytest.mark.engine
PROJECT = Path(__file__).parent / "cluster_site"
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Admin:
    """A server that reaches the cluster, with the unpacked bundle."""

    node: ClusterNode
    folder: Path
    bundle: Path
    shell: str = "dash"

    @property
    def root(self) -> Path:
        """The folder of the site."""
        return self.folder / "root"

    def run(self, *words: str | Path, kubeconfig: Path | None = None) -> Done:
        """Run a program in the cluster's network, without a terminal."""
        programs = self.folder / "bin"
        programs.mkdir(exist_ok=True)
        if not (programs / "kubectl").exists():
            (programs / "kubectl").symlink_to(need_kubernetes("kubectl"))
        environment = {"PATH": f"{programs}:{SYSTEM_PATH}", "HOME": str(self.folder), "LANG": "C.UTF-8"}
        if kubeconfig:
            environment["KUBECONFIG"] = str(kubeconfig)
        return subprocess.run(
            self.node.inside(words), cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip

    def call(self, command: str, *words: str | Path, kubeconfig: Path | None = None) -> Done:
        """Run the bundle's installer."""
        key = ("--key", self.folder.parent / "bundle.pub")
        shell = SHELLS[self.shell]
        return self.run(*shell, self.bundle / "install", command, *key, *words, kubeconfig=kubeconfig)

    def install(self, *words: str | Path, greeting: str = "hello") -> Done:
        """Install into the cluster."""
        site = ("--root", self.root, "--yes", "--set", f"GREETING={greeting}")
        where = ("--target", "kubernetes", "--kubeconfig", self.node.kubeconfig)
        return self.call("install", *site, *where, *words)

    def control(self, *words: str) -> Done:
        """Run a command of the installed release."""
        return self.run(*SHELLS[self.shell], self.root / "counterctl", *words)

    def remove(self) -> None:
        """Uninstall with everything."""
        well(self.control("uninstall", "--yes", "--purge", "all"))
        assert not self.root.exists()


def well(done: Done) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def failed(done: Done, code: int) -> str:
    assert done.returncode == code, done.stdout + done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def node() -> Iterator[ClusterNode]:
    need_root()
    need_kubernetes("kubelet")
    with tempfile.TemporaryDirectory(prefix="kn-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        started = ClusterNode(Path(folder) / "n")
        try:
            yield started.start()
        finally:
            started.stop()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build and unpack the bundle; return the folder of the release engineer."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(PROJECT, folder / "project")
    shutil.copytree(build_images(["busybox"])["busybox"], folder / "project/image")
    index = folder / "project/image/index.json"
    document = json.loads(index.read_text())
    document["manifests"][0]["annotations"] = {
        "org.opencontainers.image.ref.name": "docker.io/library/busybox:1"
    }
    index.write_text(json.dumps(document))
    builder = Builder(folder, folder / "cache")
    builder.check("keygen")
    builder.check("build", "--profile", "./project/profile.yaml", "--key", "bundle.key")
    (bundle,) = (folder / "dist").glob("*.tar")
    subprocess.run(["tar", "-xf", bundle], cwd=folder, check=True)
    return folder


@pytest.fixture
def admin(node: ClusterNode, built: Path, request: pytest.FixtureRequest) -> Admin:
    folder = built / request.node.name
    folder.mkdir()
    (bundle,) = built.glob("counter-*/")
    return Admin(node, folder, bundle)


def import_images(admin: Admin) -> None:
    well(admin.call("node-images", "--containerd", admin.node.socket))


def test_a_site_from_its_images_to_its_end(admin: Admin) -> None:
    import_images(admin)
    stdout = well(admin.install("--set", "KUBE_SIZE_VOLUME_DATA=20Gi"))
    assert "The application works." in stdout
    assert "of every node" in stdout
    objects = next(admin.root.glob("releases/*/.objects"))
    assert {path.stat().st_mode & 0o077 for path in (objects, *objects.iterdir())} == {0}
    claim = ("-n", "counter", "get", "persistentvolumeclaim", "volume-data")
    size = admin.node.kubectl(*claim, "-o", "jsonpath={.spec.resources.requests.storage}").check()
    assert size == "20Gi"

    status = json.loads(well(admin.control("status", "--json")))
    states = {each["service"]: each["state"] for each in status["services"]}
    assert states == {"web": "running/healthy", "db": "running/healthy", "setup": "exited"}
    assert [each["result"] for each in status["probes"]] == ["ok"]
    assert "set up with hello" in well(admin.control("logs", "setup"))
    assert "<h1>hello</h1>" in well(
        admin.control("exec", "web", "wget", "-q", "-O", "-", "http://127.0.0.1:8000")
    )
    assert admin.control("exec", "web", "sh", "-c", "exit 7").returncode == 7
    assert "Running" in well(admin.control("ps", "web"))
    token = well(admin.control("exec", "web", "sh", "-c", "echo $TOKEN")).strip()
    assert len(token) == 32
    assert f"TOKEN={token}" in (admin.root / "secrets.env").read_text()
    assert token not in "".join(path.read_text() for path in (admin.root / "log").iterdir())

    admin.node.kubectl("-n", "counter", "scale", "deployment/web", "--replicas=2").check()
    well(admin.control("stop"))
    assert admin.node.kubectl("-n", "counter", "get", "pods", "-l", "!job-name", "-o", "name").out == ""
    assert "Stopped by the command stop" in failed(admin.control("status"), 1)
    well(admin.control("start"))
    replicas = admin.node.kubectl(
        "-n", "counter", "get", "deployment/web", "-o", "jsonpath={.status.readyReplicas}"
    )
    assert replicas.check() == "2"
    well(admin.control("restart", "db"))
    assert len(well(admin.control("exec", "db", "cat", "/var/db/started")).splitlines()) == 3, "its data stay"

    # the same release again, with another answer
    well(admin.install(greeting="again"))
    assert "<h1>again</h1>" in well(
        admin.control("exec", "web", "wget", "-q", "-O", "-", "http://127.0.0.1:8000")
    )

    for command in ("backup", "restore", "rollback", "certificate"):
        assert "does not work on a cluster yet" in failed(admin.control(command), 2)
    assert "another folder" in failed(
        admin.call("install", "--root", admin.root, "--yes", "--target", "compose"), 2
    )
    well(admin.control("uninstall", "--yes"))
    left = admin.node.kubectl("-n", "counter", "get", "all,pvc,secrets", "-o", "name").check().split()
    assert left == ["persistentvolumeclaim/volume-data", "secret/web-values"]
    well(admin.install())
    assert len(well(admin.control("exec", "db", "cat", "/var/db/started")).splitlines()) >= 4
    admin.remove()
    left = admin.node.kubectl("-n", "counter", "get", "all,pvc,secrets", "-o", "name").check().split()
    assert left == []


def test_an_image_that_the_node_lacks(admin: Admin) -> None:
    """It is said at once, with what to do, and the next installation succeeds."""
    for name in admin.node.ctr("images", "ls", "-q").split():
        if "busybox" in name:
            admin.node.ctr("images", "rm", "--sync", name)
    stderr = failed(admin.install("--namespace", "bare"), 1)
    assert "ImagePullBackOff" in stderr
    assert "sh install node-images" in stderr
    import_images(admin)
    well(admin.install())
    admin.remove()


def test_a_start_that_fails_is_explained(admin: Admin) -> None:
    import_images(admin)
    stderr = failed(admin.install("--namespace", "broken", "--timeout", "20", greeting="fail"), 1)
    assert "web is in the wrong state" in stderr
    assert "no paper" in stderr
    assert "Error, exit code 3" in stderr
    assert "These services did not become healthy: web" in stderr
    well(admin.install(greeting="works"))
    admin.remove()


def test_nothing_is_changed_where_the_cluster_is_not_certain(admin: Admin) -> None:
    namespaces = admin.node.kubectl("get", "namespaces", "-o", "name").check()
    site = ("--root", admin.root, "--yes", "--set", "GREETING=hello")
    assert "--target compose, or --target kubernetes" in failed(admin.call("install", *site), 2)
    several = admin.folder / "several"
    text = admin.node.kubeconfig.read_text()
    several.write_text(
        text.replace("contexts:\n", "contexts:\n- context: {cluster: tests, user: admin}\n  name: other\n")
    )
    done = admin.call("install", *site, "--target", "kubernetes", kubeconfig=several)
    assert "--context other\n  --context tests" in failed(done, 2)
    done = admin.call("install", *site, "--kubeconfig", several, "--context", "third")
    assert "no context third" in failed(done, 2)
    done = admin.call("install", *site, "--target", "kubernetes", kubeconfig=Path(f"{several}:/etc/x"))
    assert "several kubeconfig files" in failed(done, 2)
    assert "No cluster is known here" in failed(admin.call("install", *site, "--target", "kubernetes"), 2)
    assert "KUBE_EXPOSE cannot be Nowhere" in failed(admin.install("--set", "KUBE_EXPOSE=Nowhere"), 2)
    nobody = admin.folder / "nobody"
    admin.node.write_user(nobody, "/CN=nobody")
    stderr = failed(admin.call("install", *site, "--kubeconfig", nobody), 3)
    assert "This user lacks rights in the namespace counter" in stderr
    assert "deployments: get list create patch delete" in stderr
    # a quota without room for the volume: the server refuses it, and nothing was made
    admin.node.kubectl("create", "namespace", "full").check()
    quota = ("create", "quota", "none", "--hard=persistentvolumeclaims=0")
    admin.node.kubectl("-n", "full", *quota).check()
    stderr = failed(admin.install("--namespace", "full"), 3)
    assert "exceeded quota: none" in stderr
    kinds = "deployments,jobs,services,secrets,persistentvolumeclaims"
    assert admin.node.kubectl("-n", "full", "get", kinds, "-o", "name").check() == ""
    assert not (admin.root / "state/target").exists()
    left = admin.node.kubectl("get", "namespaces", "-o", "name").check().split()
    assert left == sorted([*namespaces.split(), "namespace/full"])


def test_another_cluster_under_the_same_name_is_refused(admin: Admin) -> None:
    import_images(admin)
    well(admin.install())
    note = admin.root / "state/target"
    known = note.read_text()
    cluster = next(line for line in known.splitlines() if line.startswith("cluster="))
    note.write_text(known.replace(cluster, "cluster=00000000-0000-0000-0000-000000000000"))
    for command in ("status", "stop", "uninstall"):
        assert "leads to another one now" in failed(
            admin.control(command, *(["--yes"] if command == "uninstall" else [])), 1
        )
    note.write_text(known)
    assert "which cannot become other" in failed(admin.install("--namespace", "other"), 2)
    admin.remove()
