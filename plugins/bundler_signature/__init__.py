"""Signs bundles with keys in files."""
