"""Run `bundle` so that its bundles' installers have the tests' hooks: python -m tests.support.hooked build"""

from __future__ import annotations

from bundler.cli.main import main
from bundler_installer import packer
from bundler_installer.assemble import assemble_installer
from tests.support.hooks import with_hooks

if __name__ == "__main__":
    hooked = with_hooks(assemble_installer())
    vars(packer)["assemble_installer"] = lambda: hooked
    main()
