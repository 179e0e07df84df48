"""The application `compose` (any Docker Compose project) and the renderer `compose`, which writes it."""
