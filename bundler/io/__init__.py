"""Threads, streams, files, and parsers with limits for untrusted documents."""
