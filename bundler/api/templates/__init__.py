"""Templates: Jinja2 at build time, and the formats of files that hold site values."""
