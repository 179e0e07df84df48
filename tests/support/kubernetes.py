"""A real Kubernetes API server without nodes, and Helm, as `.ci/install-kubernetes` puts them into the cache.

The server knows every kind, fills in defaults, and admits and refuses objects as that of a site does, Pod
Security included. Nothing runs the objects: there are no controllers, so a namespace gets no service account,
and is never gone once it is deleted.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import yaml

from tests.support.certificates import Authority
from tests.support.programs import CACHE, SYSTEM_PATH, free_port, missing

START_LIMIT: Final = 90
"""Seconds within which the server must be ready; it takes three where the machine has nothing else to do."""
STOP_LIMIT: Final = 20
"""Seconds after which a program that was told to end is killed."""
HELM: Final = "helm"
"""Helm 4."""
HELM_3: Final = "helm3"


def need_kubernetes(name: str) -> Path:
    """Return the path of a program; skip if `.ci/install-kubernetes` has not put it there."""
    folder = CACHE / "kubernetes"
    if not (folder / "built").is_file() or not (folder / name).is_file():
        missing(f"needs {name} (.ci/install-kubernetes)")
    return folder / name


@dataclass(frozen=True)
class Answer:
    """What a call of kubectl or Helm printed.

    Attributes:
        out: its standard output.
        err: its warnings and its errors.
        failed: whether it refused.
    """

    out: str
    err: str
    failed: bool

    @property
    def warnings(self) -> list[str]:
        """The server's warnings, such as violations of Pod Security."""
        lines = self.err.splitlines()
        return [line.removeprefix("Warning: ") for line in lines if line.startswith("Warning: ")]

    def check(self) -> str:
        """Return the standard output.

        Raises:
            AssertionError: it failed; the message is what it printed.
        """
        assert not self.failed, self.out + self.err
        return self.out


def _call(command: list[str], folder: Path, environment: Mapping[str, str], text: str | None) -> Answer:
    result = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": SYSTEM_PATH, "HOME": str(folder), **environment},
        input=text,
        stdin=None if text is not None else subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return Answer(result.stdout, result.stderr, failed=result.returncode != 0)


class ApiServer:
    """etcd and kube-apiserver on free loopback ports, with certificates of their own; no root is needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kubeconfig = folder / "admin.kubeconfig"
        """Names the server and its administrator."""
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._namespaces = 0

    def start(self) -> Self:
        """Start both and wait until the server is ready.

        Raises:
            AssertionError: one of them ended, or the server is not ready in time; the message has the log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        authority = Authority.make(self.folder / "pki")
        store, peers, port = free_port(), free_port(), free_port()
        self._write_kubeconfig(authority, f"https://127.0.0.1:{port}")
        self._start_etcd(f"http://127.0.0.1:{store}", f"http://127.0.0.1:{peers}")
        self._start_server(authority, f"http://127.0.0.1:{store}", port)
        deadline = time.monotonic() + START_LIMIT
        while self.kubectl("get", "--raw", "/readyz").failed:
            for name, process in self._processes.items():
                assert process.poll() is None, f"{name} ended:\n{self._log(name)}"
            assert time.monotonic() < deadline, f"not ready:\n{self._log('kube-apiserver')}"
            time.sleep(0.2)
        return self

    def stop(self) -> None:
        """Stop the server, then etcd: without etcd, the server would take a minute to end."""
        for process in reversed(self._processes.values()):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=STOP_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def kubectl(self, *arguments: str | Path, text: str | None = None) -> Answer:
        """Call kubectl as the administrator, with `text` as standard input."""
        command = [str(need_kubernetes("kubectl")), f"--kubeconfig={self.kubeconfig}", *map(str, arguments)]
        return _call(command, self.folder, {}, text)

    def namespace(self, *, security: str = "", **labels: str) -> str:
        """Create a namespace and return its name.

        Args:
            security: the level of Pod Security that is enforced; workloads that break it cause warnings.
            labels: further labels.
        """
        self._namespaces += 1
        name = f"test-{self._namespaces}"
        if security:
            pod_security = "pod-security.kubernetes.io/"
            labels |= {f"{pod_security}{mode}": security for mode in ("enforce", "warn")}
        metadata = {"name": name, "labels": labels}
        self.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}]).check()
        return name

    def apply(
        self, documents: Iterable[Mapping[str, Any]] | str, *options: str, namespace: str = ""
    ) -> Answer:
        """Apply objects, or the YAML text of objects, on the server, as an installation does.

        An unknown field is an error, and so is a field that is there twice.
        """
        if not isinstance(documents, str):
            documents = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)})
        where = (f"--namespace={namespace}",) if namespace else ()
        strict = ("--server-side", "--validate=strict", "--field-manager=tests")
        return self.kubectl(*where, "apply", *strict, *options, "-f", "-", text=documents)

    def dry_run(self, documents: Iterable[Mapping[str, Any]] | str, *, namespace: str = "") -> Answer:
        """Ask the server whether it would take the objects; it keeps none of them.

        The namespaces of the objects must exist.
        """
        return self.apply(documents, "--dry-run=server", namespace=namespace)

    def _write_kubeconfig(self, authority: Authority, address: str) -> None:
        certificate, key = authority.issue("admin", subject="/O=system:masters/CN=admin")

        def encoded(path: Path) -> str:
            return b64encode(path.read_bytes()).decode()

        cluster = {"server": address, "certificate-authority-data": encoded(authority.certificate)}
        user = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "tests", "cluster": cluster}],
            "users": [{"name": "admin", "user": user}],
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "admin"}}],
            "current-context": "tests",
        }
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(yaml.safe_dump(document))

    def _start_etcd(self, clients: str, peers: str) -> None:
        self._start(
            "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            "--unsafe-no-fsync",
        )

    def _start_server(self, authority: Authority, store: str, port: int) -> None:
        certificate, key = authority.issue("apiserver", "IP:127.0.0.1", "DNS:kubernetes.default.svc")
        accounts, accounts_key = authority.issue("accounts")
        self._start(
            "kube-apiserver",
            f"--etcd-servers={store}",
            "--bind-address=127.0.0.1",
            "--advertise-address=192.0.2.1",  # nobody reads it, and a machine without a route has none
            "--endpoint-reconciler-type=none",
            f"--secure-port={port}",
            "--service-cluster-ip-range=10.96.0.0/16",
            f"--client-ca-file={authority.certificate}",
            f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={accounts}",
            f"--service-account-signing-key-file={accounts_key}",
            "--authorization-mode=RBAC",
            "--disable-admission-plugins=ServiceAccount",  # a controller would make the default accounts
        )

    def _start(self, name: str, *options: str) -> None:
        program = need_kubernetes(name)
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [program, *options],
                cwd=self.folder,
                env={**os.environ, "PATH": SYSTEM_PATH, "HOME": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()[-3000:]


class Helm:
    """Helm with folders of its own, and without a cluster unless a server is given."""

    def __init__(self, folder: Path, program: str = HELM) -> None:
        self.folder = folder
        self.program = program
        folder.mkdir(parents=True, exist_ok=True)

    def call(self, *arguments: str | Path, server: ApiServer | None = None) -> Answer:
        """Call helm, at a cluster if there is one."""
        command = [str(need_kubernetes(self.program)), *map(str, arguments)]
        environment = {"KUBECONFIG": str(server.kubeconfig if server else self.folder / "none")}
        return _call(command, self.folder, environment, None)

    def lint(self, chart: Path, *options: str | Path) -> Answer:
        """Examine a chart; a warning is an error."""
        return self.call("lint", "--strict", chart, *options)

    def template(
        self, chart: Path, *options: str | Path, name: str = "app", namespace: str = "app"
    ) -> Answer:
        """Print the objects that the chart makes, for the version of the tests' server."""
        where = ("--namespace", namespace, "--kube-version", "1.34.4")
        return self.call("template", name, chart, *where, *options)
