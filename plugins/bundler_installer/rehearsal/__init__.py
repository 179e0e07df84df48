"""Rehearses a finished bundle: a whole installation on a throwaway engine without a way out."""
