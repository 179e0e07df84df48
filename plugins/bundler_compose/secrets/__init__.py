"""Finds the secrets of a project, follows each value to every place, and puts site variables there."""
