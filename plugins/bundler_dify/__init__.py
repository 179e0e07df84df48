"""Dify, packed for places without internet."""
