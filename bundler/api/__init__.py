"""The API for plugins: the protocols of each kind of plugin, hooks, the Compose model, templates."""
