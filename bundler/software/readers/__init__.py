"""Readers of what package managers and build tools leave in an image: from bytes to packages."""
