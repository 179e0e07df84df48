"""Which containerd `node-images` uses."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.installer import call, shells


@pytest.mark.parametrize("shell", shells())
def test_a_socket_by_another_path(shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the kubelet names it, and by the link /var/run: it is still that of K3s."""
    root = tmp_path / "node"
    (root / "run/k3s/containerd").mkdir(parents=True)
    (root / "var/lib/rancher/k3s/agent/containerd").mkdir(parents=True)
    (root / "var/run").symlink_to("../run")
    monkeypatch.chdir(root / "run/k3s/containerd")  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("containerd.sock")
        script = f"PROBE_ROOT={root}; have() {{ :; }}; serves_kubernetes() {{ :; }}\n"
        named = ("run", "var/run")
        for folder in named:
            for scheme in ("", "unix://"):
                script += f"""
CONTAINERD_SOCKET={scheme}{root}/{folder}/k3s/containerd/containerd.sock
(choose_runtime && echo "$RUNTIME|$RUNTIME_PROGRAM|$RUNTIME_SOCKET") 2>&1
"""
        shown = call(shell, script, tmp_path).stdout.splitlines()
    assert shown == [f"k3s|k3s|{root}/run/k3s/containerd/containerd.sock"] * 2 * len(named)
