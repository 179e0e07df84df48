"""Reports for people: one HTML page about a bundle, a plan, or the difference of two bundles."""
