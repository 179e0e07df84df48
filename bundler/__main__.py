"""Lets `python -m bundler` run the command `bundle`."""

from bundler.cli.main import main

if __name__ == "__main__":
    main()
