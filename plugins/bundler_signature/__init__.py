"""Signs bundles."""
