"""Reads a Compose project as Compose does."""
