"""The command line: `main`, and a module a group of commands."""
