"""Threads, and documents from outside read within bounds."""
