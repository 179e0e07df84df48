"""Keys, signatures, statements about keys, and the verification of bundles."""
