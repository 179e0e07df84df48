"""A whole Kubernetes node in a network namespace without a way out.

The programs are those of `.ci/install-kubernetes`; containerd and runc are those of the system.
A name server of our own answers names of Services, and volumes are prepared folders of this machine.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import time
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import yaml

from tests.support.certificates import Authority
from tests.support.kubernetes import Answer, need_kubernetes
from tests.support.programs import SYSTEM_PATH, need_program, need_root

START_LIMIT: Final = 180
ADDRESS: Final = "10.77.0.1"
NAMES: Final = "10.96.0.10"
PAUSE: Final = "bundle.test/pause:1"
VOLUMES: Final = 6
_CONTAINERD: Final = """\
version = 2
root = "{folder}/containerd/root"
state = "{folder}/containerd/state"
[grpc]
  address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  disable_hugetlb_controller = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{programs}"
    conf_dir = "{folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{folder}/registries"
"""
_NETWORK: Final = {
    "cniVersion": "0.4.0",
    "name": "pods",
    "plugins": [
        {
            "type": "bridge", "bridge": "pods0", "isGateway": True, "ipMasq": False, "hairpinMode": True,
            "ipam": {
                "type": "host-local", "dataDir": "{folder}/addresses",
                "ranges": [[{"subnet": "10.244.0.0/24"}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }
    ],
}  # fmt: skip


class ClusterNode:
    """A cluster of one node.

    Attributes:
        folder: has all that it writes; short, because sockets are in it.
        network: the name of its network namespace.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.network = f"node-{os.getpid()}"
        self.kubeconfig = folder / "admin.kubeconfig"
        self.socket = folder / "containerd.sock"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._authority: Authority

    def start(self) -> Self:
        """Start everything and wait until the node is ready.

        Raises:
            AssertionError: a program ended, or the node is not ready in time; the message has the log.
        """
        need_root()
        for name in ("kubelet", "bridge", "pause"):
            need_kubernetes(name)
        for name in ("containerd", "ctr", "runc", "iptables", "nsenter"):
            need_program(name)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._make_network()
        self._authority = Authority.make(self.folder / "pki")
        for user, subject in {
            "admin": "/O=system:masters/CN=admin",
            "node": "/O=system:nodes/CN=system:node:node1",
            "manager": "/CN=system:kube-controller-manager",
            "scheduler": "/CN=system:kube-scheduler",
            "proxy": "/CN=system:kube-proxy",
        }.items():
            self._write_kubeconfig(user, subject)
        self._start_plane()
        self._start_node()
        self._wait_for("get", "node", "node1")
        self._wait_until_ready()
        self._prepare()
        return self

    def stop(self) -> None:
        """Stop what runs in pods, then everything else, and remove the network and what is mounted."""
        self._end("kubelet", "cluster-dns", "kube-proxy", "kube-scheduler", "kube-controller-manager")
        networks = self._pod_networks() if "containerd" in self._processes else set()
        if "containerd" in self._processes:
            for task in self.ctr("task", "ls", "-q").split():
                self.ctr("task", "kill", "--signal", "KILL", task, check=False)
            time.sleep(1)
        self._end("containerd", "kube-apiserver", "etcd")
        mounts = Path("/proc/mounts").read_text().splitlines()
        for where in sorted((line.split()[1] for line in mounts), reverse=True):
            if where.startswith(f"{self.folder}/"):
                subprocess.run(["umount", "--lazy", where], check=False)
        self._kill_shims()
        for network in (*networks, self.network):
            subprocess.run(["ip", "netns", "delete", network], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def inside(self, command: Sequence[str | Path]) -> list[str]:
        """Return the command line that runs a command in the node's network."""
        return ["nsenter", f"--net=/run/netns/{self.network}", *map(str, command)]

    def kubectl(self, *arguments: str | Path, text: str | None = None) -> Answer:
        """Call kubectl as the administrator."""
        command = [need_kubernetes("kubectl"), f"--kubeconfig={self.kubeconfig}", *arguments]
        done = subprocess.run(
            self.inside(command),
            env={"PATH": SYSTEM_PATH, "HOME": str(self.folder)},
            input=text,
            stdin=None if text is not None else subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        return Answer(done.stdout, done.stderr, failed=done.returncode != 0)

    def ctr(self, *arguments: str | Path, check: bool = True) -> str:
        """Run ctr in the namespace of Kubernetes."""
        command = ["ctr", "--address", self.socket, "--namespace", "k8s.io", *arguments]
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=False, timeout=120
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _make_network(self) -> None:
        def ip(*arguments: str) -> None:
            subprocess.run(["ip", *arguments], check=True, capture_output=True)

        ip("netns", "add", self.network)
        inside = ("-n", self.network)
        ip(*inside, "link", "set", "lo", "up")
        ip(*inside, "link", "add", "node0", "type", "veth", "peer", "name", "node0p")
        ip(*inside, "addr", "add", f"{ADDRESS}/24", "dev", "node0")
        ip(*inside, "link", "set", "node0p", "up")
        ip(*inside, "link", "set", "node0", "up")
        # without a default route, addresses of Services cannot be reached
        ip(*inside, "route", "add", "default", "via", "10.77.0.254", "dev", "node0")
        sysctl = self.inside(["sysctl", "-qw", "net.ipv4.ip_forward=1"])
        subprocess.run(sysctl, check=True, capture_output=True)

    def write_user(self, path: Path, subject: str) -> None:
        """Write the kubeconfig of a user, for whom the administrator has to grant every right."""
        self._write_kubeconfig(path.name, subject)
        shutil.move(self.folder / f"{path.name}.kubeconfig", path)

    def _write_kubeconfig(self, user: str, subject: str) -> None:
        certificate, key = self._authority.issue(user, subject=subject)

        def encoded(path: Path) -> str:
            return b64encode(path.read_bytes()).decode()

        cluster = {
            "server": f"https://{ADDRESS}:6443",
            "certificate-authority-data": encoded(self._authority.certificate),
        }
        document = {
            "apiVersion": "v1", "kind": "Config",
            "clusters": [{"name": "tests", "cluster": cluster}],
            "users": [{
                "name": user,
                "user": {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)},
            }],
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": user}}],
            "current-context": "tests",
        }  # fmt: skip
        path = self.folder / f"{user}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(document))

    def _start_plane(self) -> None:
        certificate, key = self._authority.issue(
            "apiserver", "DNS:kubernetes.default.svc", "IP:127.0.0.1", "IP:10.96.0.1", f"IP:{ADDRESS}"
        )
        accounts, accounts_key = self._authority.issue("accounts")
        client, client_key = self._authority.issue("to-kubelet", subject="/O=system:masters/CN=apiserver")
        self._start(
            "etcd", f"--data-dir={self.folder / 'etcd'}", "--unsafe-no-fsync",
            "--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379",
            "--listen-peer-urls=http://127.0.0.1:2380",
        )  # fmt: skip
        self._start(
            "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379", f"--advertise-address={ADDRESS}",
            "--secure-port=6443", "--service-cluster-ip-range=10.96.0.0/16",
            f"--client-ca-file={self._authority.certificate}",
            f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}",
            f"--kubelet-client-certificate={client}", f"--kubelet-client-key={client_key}",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={accounts}", f"--service-account-signing-key-file={accounts_key}",
            "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
        )  # fmt: skip
        self._wait_for("get", "--raw", "/readyz")
        manager = self.folder / "manager.kubeconfig"
        self._start(
            "kube-controller-manager", f"--kubeconfig={manager}", "--leader-elect=false",
            "--use-service-account-credentials", f"--service-account-private-key-file={accounts_key}",
            f"--root-ca-file={self._authority.certificate}", "--cluster-cidr=10.244.0.0/16",
            "--allocate-node-cidrs=true", "--service-cluster-ip-range=10.96.0.0/16",
        )  # fmt: skip
        scheduler = self.folder / "scheduler.kubeconfig"
        self._start("kube-scheduler", f"--kubeconfig={scheduler}", "--leader-elect=false")

    def _start_node(self) -> None:
        (self.folder / "cni").mkdir()
        (self.folder / "cni/10-pods.conflist").write_text(
            json.dumps(_NETWORK).replace("{folder}", str(self.folder))
        )
        # a registry refuses at once: without a way out, each attempt would wait for an answer
        (self.folder / "registries/docker.io").mkdir(parents=True)
        (self.folder / "registries/docker.io/hosts.toml").write_text('server = "http://127.0.0.1:1"\n')
        configuration = self.folder / "containerd.toml"
        programs = need_kubernetes("bridge").parent
        configuration.write_text(_CONTAINERD.format(folder=self.folder, pause=PAUSE, programs=programs))
        self._start("containerd", "--config", str(configuration), program=need_program("containerd"))
        deadline = time.monotonic() + START_LIMIT
        while not self.ctr("version", check=False):
            self._check(deadline, "containerd")
            time.sleep(0.2)
        archive = self.folder / "pause.tar"
        write_image(archive, PAUSE, need_kubernetes("pause"))
        self.ctr("images", "import", archive)
        kubelet = self.folder / "kubelet.yaml"
        kubelet.write_text(json.dumps(self._kubelet()))
        (self.folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        self._start(
            "kubelet", f"--config={kubelet}", f"--kubeconfig={self.folder / 'node.kubeconfig'}",
            f"--root-dir={self.folder / 'kubelet'}", f"--cert-dir={self.folder / 'kubelet-pki'}",
            "--hostname-override=node1", f"--node-ip={ADDRESS}",
        )  # fmt: skip
        proxy = self.folder / "proxy.kubeconfig"
        self._start(
            "kube-proxy", f"--kubeconfig={proxy}", "--hostname-override=node1", "--proxy-mode=iptables",
            "--cluster-cidr=10.244.0.0/16", "--conntrack-max-per-core=0",
        )  # fmt: skip
        self._start("cluster-dns", str(self.kubeconfig), f"{ADDRESS}:53")

    def _kubelet(self) -> dict[str, Any]:
        certificate, key = self._authority.issue("kubelet", "DNS:node1", f"IP:{ADDRESS}")
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": False}, "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(self._authority.certificate)},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(certificate), "tlsPrivateKeyFile": str(key),
            "clusterDNS": [NAMES], "clusterDomain": "cluster.local",
            "cgroupDriver": "cgroupfs", "cgroupRoot": "/", "failSwapOn": False, "failCgroupV1": False,
            "enforceNodeAllocatable": ["pods"],
            "containerRuntimeEndpoint": f"unix://{self.socket}",
            "resolvConf": str(self.folder / "resolv.conf"), "podLogsDir": str(self.folder / "logs"),
            "evictionHard": {
                "memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%",
            },
            "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99,
            "nodeStatusUpdateFrequency": "5s", "maxPods": 110,
        }  # fmt: skip

    def _prepare(self) -> None:
        """Give the cluster names and volumes."""
        service = {
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "kube-dns", "namespace": "kube-system"},
            "spec": {"clusterIP": NAMES, "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}]},
        }  # fmt: skip
        endpoints = {
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {
                "name": "kube-dns-1", "namespace": "kube-system",
                "labels": {"kubernetes.io/service-name": "kube-dns"},
            },
            "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}],
            "endpoints": [{"addresses": [ADDRESS], "conditions": {"ready": True}}],
        }  # fmt: skip
        storage = {
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": {
                "name": "prepared",
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer",
        }  # fmt: skip
        items = [service, endpoints, storage]
        for number in range(VOLUMES):
            folder = self.folder / f"volumes/{number}"
            folder.mkdir(parents=True)
            folder.chmod(0o777)
            items.append({
                "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"prepared-{number}"},
                "spec": {
                    "capacity": {"storage": "100Gi"}, "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
                    "persistentVolumeReclaimPolicy": "Retain", "storageClassName": "prepared",
                    "hostPath": {"path": str(folder)},
                },
            })  # fmt: skip
        self.kubectl(
            "apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        ).check()
        self._wait_for("-n", "default", "get", "serviceaccount", "default")

    def _start(self, name: str, *options: str, program: Path | str | None = None) -> None:
        command = self.inside([program or need_kubernetes(name), *options])
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command,
                cwd=self.folder,
                env={"PATH": SYSTEM_PATH, "HOME": str(self.folder)},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def _wait_for(self, *arguments: str) -> None:
        deadline = time.monotonic() + START_LIMIT
        while self.kubectl(*arguments).failed:
            self._check(deadline, "kube-apiserver")
            time.sleep(0.3)

    def _wait_until_ready(self) -> None:
        path = '{.status.conditions[?(@.type=="Ready")].status}'
        deadline = time.monotonic() + START_LIMIT
        while self.kubectl("get", "node", "node1", "-o", f"jsonpath={path}").out != "True":
            self._check(deadline, "kubelet")
            time.sleep(0.3)

    def _check(self, deadline: float, waiting_for: str) -> None:
        for name, process in self._processes.items():
            assert process.poll() is None, f"{name} ended:\n{self.log(name)}"
        assert time.monotonic() < deadline, f"not ready:\n{self.log(waiting_for)}"

    def log(self, name: str) -> str:
        """Return the end of a program's log."""
        return (self.folder / f"{name}.log").read_text()[-3000:]

    def _end(self, *names: str) -> None:
        for name in names:
            process = self._processes.pop(name, None)
            if process is None:
                continue
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _pod_networks(self) -> set[str]:
        """Return the network namespaces of the pods, which outlive them."""
        found = set()
        for container in self.ctr("containers", "ls", "-q").split():
            information = json.loads(self.ctr("containers", "info", container))
            for namespace in information["Spec"]["linux"]["namespaces"]:
                if namespace["type"] == "network" and "path" in namespace:
                    found.add(Path(namespace["path"]).name)
        return {name for name in found if name.startswith("cni-")}

    def _kill_shims(self) -> None:
        """End what containerd leaves running, which names this node's socket or is below its cgroups."""
        for each in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = each.read_bytes().split(b"\0")
            except OSError:
                continue
            if b"containerd-shim" in words[0] and str(self.socket).encode() in words:
                os.kill(int(each.parent.name), signal.SIGKILL)


def write_image(archive: Path, name: str, program: Path) -> None:
    """Write an image with one program, as an OCI archive."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        member = tarfile.TarInfo("pause")
        content = program.read_bytes()
        member.size, member.mode = len(content), 0o755
        tar.addfile(member, io.BytesIO(content))
    packed = gzip.compress(layer.getvalue(), mtime=0)

    def digest(content: bytes) -> str:
        return hashlib.sha256(content).hexdigest()

    kind = "application/vnd.oci.image."
    configuration = json.dumps({
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine], "os": "linux",
        "config": {"Entrypoint": ["/pause"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(layer.getvalue())}"]},
    }).encode()  # fmt: skip
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": f"{kind}manifest.v1+json",
        "config": {
            "mediaType": f"{kind}config.v1+json", "digest": f"sha256:{digest(configuration)}",
            "size": len(configuration),
        },
        "layers": [{
            "mediaType": f"{kind}layer.v1.tar+gzip", "digest": f"sha256:{digest(packed)}",
            "size": len(packed),
        }],
    }).encode()  # fmt: skip
    index = json.dumps({
        "schemaVersion": 2,
        "manifests": [{
            "mediaType": f"{kind}manifest.v1+json", "digest": f"sha256:{digest(manifest)}",
            "size": len(manifest), "annotations": {"io.containerd.image.name": name},
        }],
    }).encode()  # fmt: skip
    files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": index}
    files |= {f"blobs/sha256/{digest(each)}": each for each in (manifest, configuration, packed)}
    with tarfile.open(archive, "w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
