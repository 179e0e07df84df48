"""Threads, streams, files, and documents from outside read within bounds."""
