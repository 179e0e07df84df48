"""Stand-ins for Dify's own programs and for its vector store: for tests, without any of their code.

Each reads the same variables as the real program, connects to the peers that they name with the given
secrets, listens on the same ports, and is unhealthy while any connection fails. It also tries to reach every
internet host that the real program contacts unless configured otherwise.
"""
