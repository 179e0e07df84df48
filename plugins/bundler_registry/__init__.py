"""Images from OCI registries, without a container engine."""
