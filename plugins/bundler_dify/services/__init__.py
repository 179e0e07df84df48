"""Services of the Compose document, by what they are for."""
