"""The command line: `main`, one module per command, and the options and steps that commands share."""
