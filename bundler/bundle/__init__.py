"""The bundle's format: its tar, names, checksums, manifest, layout, attestations."""
