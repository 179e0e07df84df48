"""Keys, signatures, statements about keys, and verification of bundles."""
