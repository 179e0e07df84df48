"""The small preflight file contains the bundle's tables unchanged, or is not made."""

from __future__ import annotations

import pytest

from bundler.bundle.tar import Member
from bundler.errors import BundleError
from bundler_installer.standalone import END, TABLES, assemble_preflight

MEMBERS = [Member.of(name, f"#of {name}\n".encode()) for name in TABLES]


def test_every_table_is_in_it_in_full() -> None:
    made = assemble_preflight(MEMBERS).decode()
    assert all(f"<<'{END}'\n#of {name}\n{END}\n" in made for name in TABLES)


def test_a_table_that_is_missing_is_named() -> None:
    with pytest.raises(BundleError, match=f"{TABLES[0]} cannot be embedded"):
        assemble_preflight(MEMBERS[1:])


def test_a_table_that_would_end_early_is_refused() -> None:
    broken = Member.of(TABLES[0], f"#name\n{END}\nrm -rf /\n".encode())
    with pytest.raises(BundleError, match=f"{TABLES[0]} cannot be embedded"):
        assemble_preflight([broken, *MEMBERS[1:]])
