"""Bundles Dify for sites without internet access."""
