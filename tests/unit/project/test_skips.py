"""A test that skips names the missing requirement; where skips are forbidden, it fails."""

from __future__ import annotations

import pytest

from tests.support.programs import NO_SKIP, need_program


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NO_SKIP, raising=False)
    with pytest.raises(
        pytest.skip.Exception, match=r"needs no-such-program \(apt-get install some-package\)"
    ):
        need_program("no-such-program", "some-package")


def test_nothing_skips_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NO_SKIP, "1")
    with pytest.raises(pytest.fail.Exception, match="may not be skipped: needs no-such-program"):
        need_program("no-such-program")
