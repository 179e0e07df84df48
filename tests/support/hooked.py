"""Run `bundle` so that its bundles' installers have the tests' hooks: python -m tests.support.hooked build"""

from __future__ import annotations

from bundler.cli.main import main
from bundler_installer import assemble
from tests.support.hooks import with_hooks

if __name__ == "__main__":
    hooked = with_hooks(assemble.assemble_installer())
    vars(assemble)["assemble_installer"] = lambda: hooked
    main()
