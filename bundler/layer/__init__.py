"""Layers of images, unpacked as a stream."""
