"""What plugins see: contracts, hooks, the Compose model, templates."""
