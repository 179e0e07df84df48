"""Compares the document of a bundle with what Docker Compose itself makes of the project.

`program`: finds and runs Docker Compose. `documents`: the differences of two documents. `build`: both, for a
build.
"""
