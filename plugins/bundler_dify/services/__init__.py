"""Services of the Compose document, grouped by purpose."""
