"""The content-addressed store of blobs, and caches of applications."""
