from __future__ import annotations

from gputune.schema.study import Check, Confirmation
from gputune.search.evidence import evidence

GAIN = Confirmation(
    candidate="best", knobs={"batch_size": 64}, ratio=2.0, ci95=(1.5, 2.5), verdict="faster",
    rounds=5, reason="",
)  # fmt: skip


def test_it_has_what_the_guard_saw_and_what_it_did_not_see() -> None:
    checks = (
        Check(candidate="best", check="head-room", passed=True, evidence="90% free"),
        Check(candidate="best", check="loss", passed=None, evidence="no time: not looked at"),
        Check(candidate="best_same_batch", check="loss", passed=True, evidence="inside"),
    )
    assert evidence("Twice as fast.", GAIN, checks, ["Set the learning rate."]) == (
        "Twice as fast.",
        "2.000 times the throughput (95 % interval 1.500 to 2.500), 5 rounds in fresh processes",
        "head-room passed: 90% free",
        "loss not known: no time: not looked at",
        "Set the learning rate.",
    )
