"""The terms of the OCI specifications: digests, references, manifests."""
