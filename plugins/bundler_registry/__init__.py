"""Pulls images from OCI registries without a container engine."""
