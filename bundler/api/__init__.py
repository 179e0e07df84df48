"""What plugins see: what each kind of plugin provides, hooks, the Compose model, templates."""
