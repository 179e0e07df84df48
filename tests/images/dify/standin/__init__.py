"""Stand-ins for Dify's own programs and for its vector store: for tests, with none of their code.

Each reads the variables that the program it stands in for reads, connects to what they name with the secrets
that they hold, answers on the same ports, and refuses to be healthy while any of it fails. What the real
program would reach for in the internet unless told not to, it reaches for too.
"""
