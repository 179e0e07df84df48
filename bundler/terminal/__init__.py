"""Output for people: console, progress, tables."""
