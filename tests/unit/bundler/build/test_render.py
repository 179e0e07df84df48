"""What is refused when a bundle's files are written."""

from __future__ import annotations

import pytest

from bundler.build.render import manifest_member
from bundler.bundle.manifest import MANIFEST_LIMIT
from bundler.errors import BundleError
from tests.support.tiny import MANIFEST


def test_a_manifest_that_nothing_verifies_is_not_written() -> None:
    assert b"".join(manifest_member(MANIFEST).content.chunks()) == MANIFEST.to_bytes()
    spare = MANIFEST_LIMIT - len(MANIFEST.to_bytes()) + len(MANIFEST.title)
    largest = MANIFEST.model_copy(update={"title": "x" * spare})
    assert sum(map(len, manifest_member(largest).content.chunks())) == MANIFEST_LIMIT
    with pytest.raises(BundleError, match=r"bundle\.json: it would have 4194305 bytes") as error:
        manifest_member(MANIFEST.model_copy(update={"title": "x" * (spare + 1)}))
    assert error.value.hint
