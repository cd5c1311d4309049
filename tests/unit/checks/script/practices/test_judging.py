"""Advice: each is a note, and none where it is followed."""

from __future__ import annotations

import pytest

from gputune.checks.script.practices.judging import Seen, findings
from gputune.schema.finding import Severity

LARGE = 5_000_000


def said(**seen) -> list[str]:
    found = list(findings(Seen(**seen)))
    assert all(finding.severity is Severity.NOTE for finding in found)
    return [finding.id for finding in found]


@pytest.mark.parametrize(
    ("asked", "near", "identity"),
    [
        ({"inputs": 2, "is_subclass": True}, {"inputs": 2}, "functional-inputs"),
        ({"inputs": 3, "is_subclass": True}, {"inputs": 1, "is_subclass": True},
         "functional-inputs"),
        ({"policy": "float32", "parameters": LARGE},
         {"policy": "mixed_float16", "parameters": LARGE}, "mixed-precision"),
        ({"policy": "float32", "parameters": LARGE}, {"policy": "float32", "parameters": 10_000},
         "mixed-precision"),
        ({"seeded": False}, {"seeded": True}, "no-seed"),
        ({"seeded": False}, {"seeded": None}, "no-seed"),
        ({"saves": False, "epochs": 30}, {"saves": True, "epochs": 30}, "nothing-saved"),
        ({"saves": False, "epochs": 30}, {"saves": False, "epochs": 29}, "nothing-saved"),
        ({"saves": False, "epochs": 30}, {"saves": False, "epochs": None}, "nothing-saved"),
    ],
)  # fmt: skip
def test_each_is_said_where_it_lacks_and_not_where_it_is(asked, near, identity) -> None:
    assert said(**asked) == [identity]
    assert said(**near) == []


@pytest.mark.parametrize(
    ("capabilities", "words", "knobs"),
    [
        ((), "TensorFlow sees none on this machine", ()),
        ((6.1,), "does not gain by it: compute capability 6.1", ()),
        ((8.0,), "supports it: compute capability 8", ("mixed_precision",)),
        ((6.1, 9.0), "supports it: compute capability 9", ("mixed_precision",)),
    ],
)
def test_mixed_precision_says_what_this_machine_can(capabilities, words, knobs) -> None:
    (one,) = findings(Seen(policy="float32", parameters=LARGE, capabilities=capabilities))
    assert words in one.evidence[0] and one.knobs == knobs
