"""The content-addressed store of blobs."""
