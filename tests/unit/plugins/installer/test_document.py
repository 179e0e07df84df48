"""What a Compose document asks of the server, from the short and the long forms of the specification."""

from __future__ import annotations

from typing import Any

import pytest

from bundler.image.platform import Platform
from bundler_installer.document import document_rows

AMD64 = Platform("linux", "amd64")


def features(entry: dict[str, Any], **shared: Any) -> list[tuple[str | None, str | None]]:  # noqa: ANN401 YAML
    document = {"services": {"a": {"image": "web:1", **entry}}, **shared}
    return [(row["what"], row["value"]) for row in document_rows(document, AMD64)]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, []),
        ({"container_name": "nginx"}, [("container", "nginx")]),
        ({"network_mode": "container:vpn"}, [("other-container", "vpn")]),
        ({"external_links": ["db_1:db"]}, [("other-container", "db_1")]),
        ({"volumes_from": ["container:old:ro", "b"]}, [("other-container", "old")]),
        ({"devices": ["/dev/ttyUSB0:/dev/ttyUSB0:rwm"]}, [("device", "/dev/ttyUSB0")]),
        ({"devices": [{"source": "/dev/dri", "target": "/dev/dri"}]}, [("device", "/dev/dri")]),
        ({"devices": ["nvidia.com/gpu=all"]}, [("cdi", "nvidia.com/gpu=all")]),
        ({"gpus": "all"}, [("gpu", "nvidia=all")]),
        ({"gpus": [{"driver": "amd", "count": 2}]}, [("gpu", "amd=2")]),
        ({"gpus": [{"count": -1}]}, [("gpu", "nvidia=all")]),
        (
            {"deploy": {"resources": {"reservations": {"devices": [{"device_ids": ["0", "3"]}]}}}},
            [("gpu", "nvidia=0,3")],
        ),
        ({"cpus": 1.5, "cpuset": "0-1"}, [("cpus", "1.5"), ("cpuset", "0-1")]),
        ({"mem_limit": "512m", "shm_size": 64}, [("memory-limit", "512m"), ("memory", "64")]),
        (
            {"deploy": {"resources": {"limits": {"cpus": "${CPUS:-2}", "memory": "1g"}}}},
            [("cpus", "${CPUS:-2}"), ("memory-limit", "1g")],
        ),
        (
            {"ulimits": {"nofile": {"soft": 1, "hard": 2}, "nproc": 3}},
            [("ulimit", "nofile=2"), ("ulimit", "nproc=3")],
        ),
        ({"sysctls": ["net.core.somaxconn=1024"]}, [("sysctl", "net.core.somaxconn")]),
        ({"sysctls": {"kernel.sem": "1 2"}, "network_mode": "host"}, [("host-sysctl", "kernel.sem")]),
        ({"volumes": ["/etc/localtime:/etc/localtime:ro"]}, [("file", "/etc/localtime")]),
        ({"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]}, [("socket", "/var/run/docker.sock")]),
        ({"volumes": ["${MEDIA:-/srv/media}:/media"]}, [("path", "${MEDIA:-/srv/media}")]),
        ({"volumes": ["${MEDIA:-/srv}/media/:/media"]}, [("folder", "${MEDIA:-/srv}/media")]),
        ({"volumes": ["/opt/app.yml:/app.yml"]}, [("file", "/opt/app.yml")]),
        ({"volumes": ["./config:/config", "named:/data", "/anonymous", "${BUNDLE_DATA}/x:/x"]}, []),
        ({"volumes": [{"type": "bind", "source": "/srv", "target": "/srv"}]}, [("path", "/srv")]),
        ({"volumes": [{"type": "volume", "source": "v", "target": "/srv"}]}, []),
        ({"network_mode": "host", "ports": ["80:8080"]}, [("host-port", "8080/tcp")]),
        ({"network_mode": "host", "expose": ["53/udp"]}, [("host-port", "53/udp")]),
        ({"network_mode": "host", "ports": [{"target": 9000}]}, [("host-port", "9000/tcp")]),
        ({"runtime": "nvidia"}, [("runtime", "nvidia")]),
        (
            {"privileged": True, "cap_add": ["CHOWN", "NET_ADMIN", "CAP_SETUID"]},
            [("rights", "privileged"), ("rights", "NET_ADMIN")],
        ),
        ({"privileged": False}, []),
        ({"security_opt": ["apparmor:tight", "no-new-privileges:true"]}, [("apparmor", "tight")]),
        ({"security_opt": ["seccomp=/etc/s.json", "seccomp:unconfined"]}, [("file", "/etc/s.json")]),
        ({"extra_hosts": ["host.docker.internal:host-gateway"]}, [("host-gateway", "host.docker.internal")]),
        ({"extra_hosts": {"h": "host-gateway", "other": "10.0.0.1"}}, [("host-gateway", "h")]),
        ({"platform": "linux/amd64"}, []),
        ({"platform": "linux/x86_64"}, []),
        ({"platform": "linux/arm64"}, [("platform", "linux/arm64")]),
        ({"logging": {"driver": "loki"}}, [("log-driver", "loki")]),
        ({"logging": {"driver": "json-file"}}, []),
        ({"storage_opt": {"size": "10G"}}, [("storage-size", "10G")]),
        ({"isolation": "hyperv"}, [("isolation", "hyperv")]),
        ({"userns_mode": "host"}, [("userns", "host")]),
        ({"cgroup_parent": "app.slice"}, [("cgroup-parent", "app.slice")]),
        (
            {"blkio_config": {"weight": 5, "device_read_bps": [{"path": "/dev/sda"}]}},
            [("device", "/dev/sda")],
        ),
        ({"deploy": {"replicas": 0}, "container_name": "none"}, []),
    ],
)
def test_a_service(entry: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    other = {"b": {"image": "other:1"}}
    document = {"services": {"a": {"image": "web:1", **entry}, **other}}
    assert [(row["what"], row["value"]) for row in document_rows(document, AMD64)] == expected


def test_external_networks_and_volumes_are_listed_by_their_own_names_if_a_service_uses_them() -> None:
    found = features(
        {"networks": ["corp", "default"], "volumes": ["v:/v"]},
        networks={"corp": {"external": True}, "unused": {"external": True}, "default": None},
        volumes={"v": {"external": True, "name": "sharedvol"}, "unused": {"external": True}},
    )
    assert found == [("network", "corp"), ("volume", "sharedvol")]
    legacy = features({"networks": {"n": None}}, networks={"n": {"external": {"name": "${NET:-lan}"}}})
    assert legacy == [("network", "${NET:-lan}")]


def test_drivers_and_what_they_need() -> None:
    found = features(
        {"networks": ["lan"], "volumes": ["nas:/nas", {"type": "volume", "source": "bound", "target": "/b"}]},
        networks={"lan": {"driver": "macvlan", "driver_opts": {"parent": "eth0.10"}}},
        volumes={
            "nas": {"driver": "netapp"},
            "bound": {"driver": "local", "driver_opts": {"type": "none", "o": "bind", "device": "/srv/b"}},
        },
    )
    assert found == [
        ("network-driver", "macvlan"),
        ("interface", "eth0.10"),
        ("volume-driver", "netapp"),
        ("folder", "/srv/b"),
    ]


def test_a_feature_of_a_service_is_listed_once_and_names_it() -> None:
    document = {"services": {"a": {"image": "web:1", "devices": ["/dev/kvm", "/dev/kvm:/dev/kvm2"]}}}
    assert document_rows(document, AMD64) == [{"service": "a", "what": "device", "value": "/dev/kvm"}]
