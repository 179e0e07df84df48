"""Signs with keys that never leave their device."""
