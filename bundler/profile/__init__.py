"""Profiles: their models, and how they are found, merged and validated."""
