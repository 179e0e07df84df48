"""The commands, one module each group; `bundler.cli` loads only the one that is asked for."""
