"""Application `compose`: any Docker Compose project. Renderer `compose`: writes it for the site."""
