"""Templates: Jinja2 at build time, and the formats of files that contain site values."""
