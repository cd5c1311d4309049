"""A value is changed where it is set and nowhere else, or the reason is said."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from gputune.rewrite.patch.patch import unified_diff
from tests.unit.rewrite.corpus import Case, batch
from tests.unit.rewrite.corpus_origins import CASES
from tests.unit.rewrite.test_patch import patched


@pytest.mark.parametrize("name", CASES)
def test_the_place_that_is_meant_or_a_true_refusal(name: str) -> None:
    case = CASES[name]
    patch, after = patched(case)
    text = "\n".join(one.decode() for one in after.values())
    refusals = [one.what for one in patch.told if one.how == "refused"]
    if case.refused:
        assert any(case.refused in one for one in refusals), patch.told
        assert not patch.files, "what is refused changes nothing"
        assert "made" not in [one.how for one in patch.told], patch.told
        return
    assert case.now, "a case without a truth"
    assert not refusals
    for part in case.now:
        assert part in text, text
    for part in case.gone:
        assert part not in text
    if case.noted:
        assert any(case.noted in one.what for one in patch.told if one.how == "noted"), patch.told
    for one in after.values():
        ast.parse(one)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.refused])
def test_a_second_application_is_empty(name: str) -> None:
    case = CASES[name]
    _, after = patched(case)
    again, _ = patched(case, after)
    assert not again.files, unified_diff(again, Path("/p")).decode()
    # A line that the patch has changed is found again by its value.
    assert not [one for one in again.told if one.how == "refused"], again.told


def test_what_depends_on_itself_ends_the_search() -> None:
    """Attributes, functions and parameters that lead to each other are no place."""
    text = (
        "import tensorflow as tf\n\n\ndef a(c):\n    return b(c)\n\n\ndef b(c):\n"
        "    c.rows = c.rows\n    return a(c)\n\n\ncfg = a(b(a(None)))\ncfg.next = cfg.next.next\n"
        "ds = tf.data.Dataset.range(9).batch(cfg.next.rows)\n"
    )
    patch, _ = patched(Case(text, batch(".batch(")))
    assert [one.how for one in patch.told] == ["refused"]
    assert not patch.files
