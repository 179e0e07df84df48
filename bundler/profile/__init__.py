"""Profiles: how they are modelled, found, merged and validated."""
