"""Images that are not in a registry: source `docker` (an engine's), source `archive` (files and folders)."""
