"""The bundle format: tar, names, checksums, manifest, layout, attestations."""
