"""Licences as packages state them become valid SPDX expressions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from license_expression import get_spdx_licensing

from bundler.software.licenses import License, read_license

SPDX = get_spdx_licensing()


@pytest.mark.parametrize(
    ("stated", "expression"),
    [
        ("MIT", "MIT"),
        ("mit OR apache-2.0", "MIT OR Apache-2.0"),
        ("(MIT OR Apache-2.0)", "(MIT OR Apache-2.0)"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("LGPL-2.1+ and Expat", "LGPL-2.1-or-later AND MIT"),
        ("GPLv2+ and LGPLv2+ and ASL 2.0", "GPL-2.0-or-later AND LGPL-2.0-or-later AND Apache-2.0"),
        ("GPL-2+ or Artistic, and Expat", "GPL-2.0-or-later OR LicenseRef-Artistic AND MIT"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("GNU General Public License v2 or later (GPLv2+)", "GPL-2.0-or-later"),
        ("BSD", "LicenseRef-BSD"),
    ],
)
def test_expressions(stated: str, expression: str) -> None:
    found = read_license(stated)
    assert found is not None
    assert found.expression == expression


def test_what_spdx_does_not_list_keeps_its_name() -> None:
    found = read_license("GPLv2+ and BSD with advertising")
    assert found is not None
    reference = re.fullmatch(
        r"GPL-2\.0-or-later AND (LicenseRef-BSD-with-advertising-[0-9a-f]{8})", found.expression
    )
    assert reference
    assert found.names == ((reference[1], "BSD with advertising"),)
    assert not found.is_id


@pytest.mark.parametrize("stated", ["", "  ", "UNKNOWN", "(none)", "NOASSERTION"])
def test_what_states_nothing_is_no_licence(stated: str) -> None:
    assert read_license(stated) is None


def test_one_identifier_is_told_from_expressions() -> None:
    assert [
        (read_license(each) or License("", ())).is_id for each in ("MIT", "MIT OR ISC", "BSD", "Zlib")
    ] == [
        True,
        False,
        False,
        True,
    ]


@given(
    st.text(max_size=60) | st.from_regex(r"((MIT|GPL-2\+|and|or|with|\(|\)|BSD|,| )){1,9}", fullmatch=True)
)
def test_any_text_becomes_an_expression_that_the_reference_parses(stated: str) -> None:
    found = read_license(stated)
    if found is not None:
        SPDX.parse(found.expression)
        assert all(name in found.expression for name, _ in found.names)
