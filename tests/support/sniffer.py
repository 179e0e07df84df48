"""Print one line for each packet on a network device. Runs inside a site with the system's Python.

Argument: the device. A line is `dns NAME`, or `tcp ADDRESS PORT`, `udp ADDRESS PORT`, or `other NUMBER`.
"""

from __future__ import annotations

import socket
import sys

IPV4 = 0x0800
DNS = 53


def describe(frame: bytes) -> str:
    """Describe an Ethernet frame in a few words."""
    if int.from_bytes(frame[12:14], "big") != IPV4:
        return f"other {frame[12:14].hex()}"
    packet = frame[14:]
    head = (packet[0] & 15) * 4
    address = ".".join(map(str, packet[16:20]))
    kind = {6: "tcp", 17: "udp"}.get(packet[9])
    if kind is None:
        return f"other {packet[9]}"
    port = int.from_bytes(packet[head + 2 : head + 4], "big")
    if kind == "udp" and port == DNS:
        return f"dns {question(packet[head + 8 :])}"
    return f"{kind} {address} {port}"


def question(message: bytes) -> str:
    """Return the name in a query (RFC 1035 section 4.1.2)."""
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1 : at + 1 + message[at]].decode(errors="replace"))
        at += 1 + message[at]
    return ".".join(labels)


if __name__ == "__main__":
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    wire.bind((sys.argv[1], 0))
    while True:
        print(describe(wire.recv(65536)), flush=True)  # noqa: T201 its purpose
