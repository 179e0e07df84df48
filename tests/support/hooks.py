"""Installers for tests, which read the server's facts and the trusted keys from paths in the environment."""

from __future__ import annotations

HOOKS = (
    (b"LD_*) ;;", b"LD_* | BUNDLE_*) ;;"),
    (b"\nPROBE_ROOT=''", b"\nPROBE_ROOT=${BUNDLE_PROBE_ROOT:-}"),
    (
        b"\nset_defaults() {\n",
        b'\nset_defaults() {\n    if [ -n "$PROBE_ROOT" ]; then PATH=$PROBE_ROOT/bin:$PATH; fi\n',
    ),
    (
        b"TRUSTED_KEYS=/etc/bundle/trusted-keys",
        b"TRUSTED_KEYS=${BUNDLE_TRUSTED_KEYS:-/etc/bundle/trusted-keys}",
    ),
)
"""Lines of the shipped installer, and their replacements in the tests' installer."""


def with_hooks(script: bytes) -> bytes:
    """Return the installer or the preflight file with the tests' hooks; the shipped ones have no hooks."""
    for line, hook in HOOKS:
        assert script.count(line) == 1, line
        script = script.replace(line, hook)
    return script
