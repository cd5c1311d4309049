"""The list of checks, and what `--only` and `--skip` make of it."""

from __future__ import annotations

import pytest

from gputune.checks.registry import CHECKS, entry, names
from gputune.checks.script.check import Check
from gputune.checks.selection import UnknownCheck, choose


@pytest.mark.parametrize("one", CHECKS, ids=lambda one: one.name)
def test_each_check_is_where_the_list_says(one) -> None:
    loaded = one.load()
    if one.half == "script":
        assert isinstance(loaded, type) and issubclass(loaded, Check)
    else:
        assert callable(loaded)
    assert one.summary.endswith(".") and one.name == one.name.lower()


def test_the_names_are_unique_and_runs_is_the_last_of_the_script() -> None:
    assert len(set(names())) == len(CHECKS)
    assert names("script")[-1] == "runs"
    with pytest.raises(KeyError):
        entry("none")


def test_all_checks_are_chosen_unless_some_are_named() -> None:
    assert choose() == names()
    assert choose(only=["callbacks,shapes"]) == ("shapes", "callbacks")
    assert choose(only=["runs", "shapes"], skip=["shapes"]) == ("runs",)
    assert set(names()) - set(choose(skip=["shapes, callbacks"])) == {"shapes", "callbacks"}


def test_an_unknown_name_is_refused_with_the_near_ones() -> None:
    with pytest.raises(UnknownCheck) as refused:
        choose(only=["shape"])
    assert "'shape'" in refused.value.what
    assert refused.value.hint == "did you mean shapes?"
    with pytest.raises(UnknownCheck) as refused:
        choose(skip=["zzz"])
    assert all(name in refused.value.hint for name in names())
