from __future__ import annotations

from bundler.errors import did_you_mean


def test_the_nearest_name_is_suggested_before_the_list() -> None:
    assert did_you_mean("biuld", ["build", "plan"], "the commands are") == "did you mean build?"
    assert did_you_mean("keyz", ["keys"], quote="`") == "did you mean `keys`?"


def test_without_a_near_match_all_names_are_listed_in_order() -> None:
    assert did_you_mean("x", ["plan", "build"], "there are") == "there are: plan, build"


def test_without_names_there_is_no_hint() -> None:
    assert did_you_mean("x", ["plan", "build"]) is None
    assert did_you_mean("x", [], "there are") is None
