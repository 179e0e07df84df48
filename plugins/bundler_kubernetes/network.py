"""Names, ports and networks: Services, Ingresses and NetworkPolicies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bundler.language import tr, tr_later
from bundler_kubernetes.claims import mounts
from bundler_kubernetes.context import NETWORK, Context, Workload
from bundler_kubernetes.names import is_label, short_name, variable_name
from bundler_kubernetes.objects import Body, Stage
from bundler_kubernetes.ports import Port
from bundler_kubernetes.text import SiteText, Text
from bundler_kubernetes.tls import find_certificate

EXPOSURES: Final = ("NodePort", "LoadBalancer", "ClusterIP")
_DNS: Final[list[Body]] = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
_LOCAL_DNS: Final = "169.254.20.10/32"
"""Address of NodeLocal DNSCache."""
_API_PORTS: Final[list[Body]] = [{"port": 443, "protocol": "TCP"}, {"port": 6443, "protocol": "TCP"}]
_VERSION: Final = "networking.k8s.io/v1"
_NOT_ADDRESSES: Final = frozenset({"aliases"})


def write_services(context: Context, workload: Workload, ports: Sequence[Port]) -> None:
    """Write what makes a service reachable: by name in the cluster, and from outside if it is published."""
    if workload.networks or ports:
        _write_names(context, workload, ports)
    published = [port for port in ports if port.published is not None]
    if published and workload.job:
        context.findings.note(workload.subject, "ports", tr_later("a Job is not reachable from outside"))
    elif published:
        _publish(context, workload, published)


def _write_names(context: Context, workload: Workload, ports: Sequence[Port]) -> None:
    names = [workload.name, *_aliases(context, workload)]
    if workload.job and not ports:
        return
    distinct = list({(port.target, port.protocol): port for port in ports}.values())
    spec: Body = {"selector": context.selector(workload.name)}
    if distinct:
        spec = {"type": "ClusterIP", **spec, "ports": [_service_port(port, port.target) for port in distinct]}
        if not workload.entry.get("expose"):
            context.findings.note(
                workload.subject,
                "ports",
                tr_later("other services reach only {ports}; name more of its ports in `expose`"),
                ports=", ".join(f"{port.target}/{port.protocol.lower()}" for port in distinct),
            )
    else:
        spec = {"clusterIP": "None", "publishNotReadyAddresses": True, **spec}
    for name in names:
        key = "" if name == workload.name else f": the name {name}"
        context.add(
            Stage.SERVICES, "Service", name, {"spec": spec}, of=workload, origin=f"{workload.subject}{key}"
        )


def _aliases(context: Context, workload: Workload) -> list[str]:
    """Return the other names by which services reach this one."""
    found: list[str] = []
    for network, how in workload.networks.items():
        for alias in how.get("aliases") or ():
            if not is_label(str(alias)):
                context.findings.refuse(
                    workload.subject,
                    f"networks.{network}.aliases",
                    tr("{name} is no name of a Service", name=alias),
                    tr("use up to 63 lower-case letters, digits and `-`, beginning with a letter"),
                )
            elif alias not in (workload.name, *found):
                found.append(str(alias))
        addresses = sorted(set(how) & {"ipv4_address", "ipv6_address", "link_local_ips", "mac_address"})
        if addresses:
            context.findings.refuse(
                workload.subject,
                f"networks.{network}.{addresses[0]}",
                tr("the network of a cluster gives addresses"),
                tr("use names in place of addresses"),
            )
        elif set(how) - _NOT_ADDRESSES:
            context.findings.note(
                workload.subject,
                f"networks.{network}",
                tr_later("{keys}: left out"),
                keys=", ".join(sorted(set(how) - _NOT_ADDRESSES)),
            )
    own = str(workload.entry.get("container_name") or "")
    taken = {each.name for each in context.workloads.values()}
    if own and own not in (workload.name, *found) and own not in taken:
        if is_label(own):
            found.append(own)
        else:
            context.findings.note(
                workload.subject, "container_name", tr_later("{name} is no name in a cluster"), name=own
            )
    return found


def _service_port(port: Port, number: int | Text) -> Body:
    return {"name": port.name, "port": number, "protocol": port.protocol, "targetPort": port.target}


def _publish(context: Context, workload: Workload, ports: Sequence[Port]) -> None:
    exposure = context.setting(
        "KUBE_EXPOSE",
        ("expose", "type"),
        EXPOSURES[0],
        "exposure",
        about="how published ports are reached; ClusterIP where an Ingress does it",
        choices=EXPOSURES,
    )
    name = f"{workload.name}-published"
    listed: list[Body] = []
    taken: dict[tuple[str, str], int] = {}
    for number, port in enumerate(ports):
        published = port.published
        text: int | SiteText = published if isinstance(published, SiteText) else int(str(published))
        shown = text.expression if isinstance(text, SiteText) else str(text)
        other = taken.setdefault((shown, port.protocol), port.target)
        if other != port.target:
            reason = tr(
                "{port} is published for {first} and for {second}, and addresses do not tell them apart",
                port=f"{shown}/{port.protocol.lower()}",
                first=other,
                second=port.target,
            )
            context.findings.refuse(
                workload.subject, "ports", reason, tr("publish each at a port of its own")
            )
        made = _service_port(port, text)
        made["name"] = f"{port.name}-{number}" if number else port.name
        suffix = (str(number),) if number else ()
        made["nodePort"] = context.setting(
            variable_name("node-port", workload.name, str(port.target), *suffix),
            ("expose", "nodePorts", f"{workload.name}-{made['name']}"),
            "null",
            "port",
            about=f"port of all nodes for {workload.name}, port {port.target}; null for any",
        )
        listed.append(made)
    spec = {"type": exposure, "selector": context.selector(workload.name), "ports": listed}
    context.add(Stage.SERVICES, "Service", name, {"spec": spec}, of=workload)
    first = next((each for each in listed if each["protocol"] == "TCP"), None)
    ends_tls = any(find_certificate(context, mount.source) for mount in mounts(workload.entry))
    if first is not None and not ends_tls:
        _write_ingress(context, workload, name, first)
    policy = {
        "podSelector": {"matchLabels": context.selector(workload.name)},
        "policyTypes": ["Ingress"],
        "ingress": [{"ports": [{"port": port.target, "protocol": port.protocol} for port in ports]}],
    }
    _write_policy(context, name, policy, workload)


def _write_ingress(context: Context, workload: Workload, service: str, port: Body) -> None:
    name = workload.name
    host = context.setting(
        variable_name("host", name),
        ("ingress", "hosts", name),
        f"{name}.example.com",
        "host",
        about=f"name at which an Ingress offers {name}",
    )
    ingress_class = context.setting(
        "KUBE_INGRESS_CLASS", ("ingress", "className"), "null", "class", about="class of the Ingress"
    )
    certificate = context.setting(
        variable_name("tls-secret", name),
        ("ingress", "tlsSecrets", name),
        "null",
        "certificate",
        about=f"Secret with the certificate of {name}; null for that of the controller",
    )
    backend = {"service": {"name": service, "port": {"name": port["name"]}}}
    spec = {
        "ingressClassName": ingress_class,
        "tls": [{"hosts": [host], "secretName": certificate}],
        "rules": [
            {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
        ],
    }
    context.add(Stage.INGRESS, "Ingress", name, {"spec": spec}, of=workload, ingress=True, version=_VERSION)


def write_policies(context: Context) -> None:
    """Write a policy for each network: its pods reach each other, and an internal one leads nowhere else."""
    for name, workload in context.workloads.items():
        if workload.entry.get("network_mode") == "none":
            spec: Body = {
                "podSelector": {"matchLabels": context.selector(workload.name)},
                "policyTypes": ["Ingress", "Egress"],
            }
            _write_policy(context, f"{workload.name}-isolated", spec, workload)
        _check_mode(context, workload, name)
    used = {network for workload in context.workloads.values() for network in workload.networks}
    declared = context.document.get("networks") or {}
    for network in sorted(used):
        how = declared.get(network) or {}
        _check_network(context, network, how)
        member: Body = {"podSelector": {"matchLabels": {network_label(network): "true"}}}
        egress: list[Body] = [{}]
        if how.get("internal"):
            dns = [{"namespaceSelector": {}}, {"ipBlock": {"cidr": _LOCAL_DNS}}]
            egress = [{"to": [member]}, {"to": dns, "ports": _DNS}]
        spec = {
            **member,
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [member]}],
            "egress": egress,
        }
        _write_policy(context, f"network-{network_name(network)}", spec, origin=f"network {network}")


def allow_api(context: Context, workload: Workload) -> None:
    """Let a pod that waits for a Job reach the API, also if all its networks are internal."""
    declared = context.document.get("networks") or {}
    if not workload.networks or not all(
        (declared.get(each) or {}).get("internal") for each in workload.networks
    ):
        return
    spec = {
        "podSelector": {"matchLabels": context.selector(workload.name)},
        "policyTypes": ["Egress"],
        "egress": [{"ports": _API_PORTS}],
    }
    _write_policy(context, f"{workload.name}-api", spec, workload)
    context.findings.note(
        workload.subject,
        "networks",
        tr_later("it waits for a job, so it may reach the ports of the API, 443 and 6443, at any address"),
    )


def network_name(network: str) -> str:
    """Return a network's name as part of the name of an object."""
    return short_name(network, 50)


def network_label(network: str) -> str:
    """Return the label of pods on a network."""
    return f"{NETWORK}/{network_name(network)}"


def _write_policy(
    context: Context, name: str, spec: Mapping[str, Any], workload: Workload | None = None, origin: str = ""
) -> None:
    context.add(
        Stage.POLICIES, "NetworkPolicy", name, {"spec": spec}, of=workload, version=_VERSION, origin=origin
    )


def _check_mode(context: Context, workload: Workload, name: str) -> None:
    mode = str(workload.entry.get("network_mode") or "")
    if mode in {"", "none"}:
        return
    if mode == "bridge":
        context.findings.note(
            f"service {name}", "network_mode", tr_later("reachable by name, and open to all pods")
        )
        return
    context.findings.refuse(
        f"service {name}",
        "network_mode",
        tr("{mode} shares the network of a host or of another container", mode=mode),
        tr("put the service on networks of the project"),
    )


def _check_network(context: Context, network: str, how: Mapping[str, Any]) -> None:
    subject = f"network {network}"
    driver = str(how.get("driver") or "bridge")
    if driver not in {"bridge", "overlay", "default"}:
        context.findings.refuse(subject, "driver", tr("{driver} has no counterpart", driver=driver))
    if how.get("external"):
        context.findings.refuse(
            subject, "external", tr("containers of other projects are not in the cluster")
        )
    for key in ("ipam", "driver_opts", "enable_ipv6"):
        if how.get(key) and not (key == "ipam" and not how[key].get("config")):
            context.findings.note(subject, key, tr_later("the network of the cluster decides"))
