from __future__ import annotations

from typing import Any

import pytest

from gputune.analysis.callbacks import callback_costs

NAMES = ["Slow", "History"]


def event(
    epoch: int, *, calls: int = 0, step: float = 0.0, begin: float = 0.0, end: float = 0.0,
    test: float = 0.0, names: list[str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The first callback took these seconds; the second a tenth of them."""
    sums = {"step_s": step, "begin_s": begin, "end_s": end, "test_s": test}
    return {
        "epoch": epoch, "calls": calls, "names": names or NAMES, "ours": [False, True],
        **{name: [value, value / 10] for name, value in sums.items()},
    }  # fmt: skip


def test_a_callback_costs_its_seconds_over_the_steps_that_were_counted() -> None:
    written = [event(0, calls=40, step=0.12), event(0, calls=60, step=0.18)]
    slow, history = callback_costs(written, steps_per_call=1, step_s=0.01)
    assert (slow.name, slow.ours) == ("Slow", False)
    assert slow.step_s == pytest.approx(0.003)
    assert slow.step_fraction == pytest.approx(0.3)
    assert (history.name, history.ours) == ("History", True)
    assert history.step_s == pytest.approx(0.0003)
    assert slow.epoch_s is None  # no epoch ended


def test_a_call_of_several_steps_is_shared_among_them() -> None:
    (slow, _) = callback_costs([event(0, calls=10, step=0.4)], steps_per_call=8, step_s=None)
    assert slow.step_s == pytest.approx(0.4 / 80)
    assert slow.step_fraction is None


def test_an_epoch_costs_its_beginning_its_validation_and_its_end() -> None:
    written = [
        event(0, begin=0.1), event(0, end=0.2, test=0.3),
        event(1, begin=0.1), event(1, end=0.4, test=0.3),
        event(2, begin=7.0, calls=5, step=0.1),  # has not ended
    ]  # fmt: skip
    (slow, history) = callback_costs(written, steps_per_call=1, step_s=0.1)
    assert slow.epoch_s == pytest.approx(0.7)
    assert history.epoch_s == pytest.approx(0.07)
    assert slow.step_s == pytest.approx(0.02)


def test_without_clean_steps_their_cost_is_not_known() -> None:
    (slow, _) = callback_costs([event(0, end=0.2)], steps_per_call=1, step_s=None)
    assert slow.step_s is None
    assert slow.epoch_s == pytest.approx(0.2)


def test_a_list_that_changed_is_taken_as_it_was_last() -> None:
    written = [event(0, calls=1, step=5.0, names=["Other", "List"]), event(1, calls=2, step=0.2)]
    (slow, _) = callback_costs(written, steps_per_call=1, step_s=None)
    assert slow.step_s == pytest.approx(0.1)


def test_a_loop_without_callbacks_has_none() -> None:
    assert callback_costs([], steps_per_call=1, step_s=0.1) == ()
