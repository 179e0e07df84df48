"""Types commands of the builder one after the other: `python -m tests.support.typist '[["plan", "-h"]]'`.

One process for all of them, because starting Python takes longer than most commands. Its standard streams are
what the commands find: a terminal, or pipes. `cat FILE` shows a file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bundler.cli.main import main
from bundler.terminal import console


def type_one(words: list[str]) -> int:
    """Run one command; return its exit code."""
    if words[0] == "cat":
        console.echo(Path(words[1]).read_text("utf-8"), lines=True, end="")
        return 0
    try:
        main(words)
    except SystemExit as ended:
        return int(ended.code or 0)


def type_all(commands: list[list[str]]) -> None:
    """Run the commands; show each as a person types it, what it says, and its exit code."""
    console.prepare()
    for words in commands:
        line = " ".join(words if words[0] == "cat" else ["bundle", *words])
        console.echo(f"$ {line}")
        console.echo(f"[{type_one(words)}]")


if __name__ == "__main__":
    sys.argv[0] = "bundle"
    type_all(json.loads(sys.argv[1]))
