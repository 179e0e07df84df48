"""Installers for tests: the facts of the server and the trusted keys come from where the environment says."""

from __future__ import annotations

HOOKS = (
    (b"            LD_*) ;;", b"            LD_* | BUNDLE_*) ;;"),
    (b"\nPROBE_ROOT=''", b"\nPROBE_ROOT=${BUNDLE_PROBE_ROOT:-}"),
    (
        b"TRUSTED_KEYS=/etc/bundle/trusted-keys",
        b"TRUSTED_KEYS=${BUNDLE_TRUSTED_KEYS:-/etc/bundle/trusted-keys}",
    ),
)
"""Lines of the shipped installer, and what stands there in the tests' own."""


def with_hooks(script: bytes) -> bytes:
    """The installer or the preflight file with the tests' hooks; the shipped ones have none."""
    for line, hook in HOOKS:
        assert script.count(line) == 1, line
        script = script.replace(line, hook)
    return script
