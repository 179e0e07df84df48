"""Image layers, unpacked as a stream."""
