"""Reads a Compose project as Compose does."""

from bundler_compose.reading.project import Project, Readings, Source, read_project

__all__ = ["Project", "Readings", "Source", "read_project"]
