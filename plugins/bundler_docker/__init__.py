"""Images that are not in a registry: the sources `docker` (from an engine) and `archive` (files, folders)."""
