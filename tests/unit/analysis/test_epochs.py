from __future__ import annotations

from typing import Any

import pytest

from gputune.analysis.epochs import between_epochs
from gputune.schema.training import BetweenEpochs
from gputune.session import events
from tests.unit.analysis.synthetic import Training

STEP_S = 0.1


def callbacks(epoch: int, *, begin: float = 0.0, end: float = 0.0) -> dict[str, Any]:
    """Of two callbacks, each with half of it."""
    return {"epoch": epoch, "begin_s": [begin / 2] * 2, "end_s": [end / 2] * 2}


def validation(t: float, duration_s: float) -> dict[str, Any]:
    return {"t": t, "duration_s": duration_s}


def training(*pauses: float, first_step: float = 0.3, phase: str = events.CLEAN) -> Training:
    """Epochs of four steps of 0.1 s, the first of which takes `first_step` after a pause."""
    made = Training(t=100.0)
    made.calls(events.WARMUP, 0.1).calls(phase, *[STEP_S] * 3)
    for pause in pauses:
        made.next_epoch(gap_s=pause).calls(phase, first_step, *[STEP_S] * 3)
    return made


def test_a_pause_is_split_into_what_it_was_spent_on() -> None:
    made = training(2.0)  # the epoch ends at 100.4 s, the next begins at 102.4 s
    seen = [callbacks(0, begin=9.0, end=0.25), callbacks(1, begin=0.05, end=9.0)]
    found = between_epochs(
        made.seen, STEP_S, seen, [validation(101.9, 1.5), validation(103.5, 9.0)], full=False
    )
    assert found.pauses == 1
    assert found.validation_s == pytest.approx(1.5)
    assert found.callbacks_s == pytest.approx(0.3)
    assert found.first_step_s == pytest.approx(0.2)
    assert found.other_s == pytest.approx(0.2)
    assert found.mean_s == pytest.approx(2.2)
    # The training was seen from 100 s to 103 s.
    assert found.run_fraction == pytest.approx(2.2 / 3.0)


def test_the_first_pause_traces_the_validation_and_is_in_no_mean_of_several() -> None:
    found = between_epochs(training(5.0, 1.0, 2.0).seen, STEP_S, [], [], full=False)
    assert found.pauses == 3
    assert found.mean_s == pytest.approx(1.5 + 0.2)
    # Of 4 epochs of 0.4 s, 3 of them 0.2 s longer, and 8 s between them.
    assert found.run_fraction == pytest.approx(8.6 / 10.2)


def test_a_first_step_faster_than_others_makes_the_pause_no_shorter() -> None:
    found = between_epochs(training(1.0, first_step=0.02).seen, STEP_S, [], [], full=False)
    assert found.first_step_s == 0.0
    assert found.mean_s == pytest.approx(1.0)


def test_without_callbacks_their_part_is_not_known() -> None:
    found = between_epochs(training(1.0).seen, STEP_S, [], [], full=False)
    assert found.validation_s is None
    assert found.callbacks_s is None
    assert found.other_s == pytest.approx(1.0)


def test_a_loop_without_events_of_its_epochs_has_pauses_in_one_piece() -> None:
    made = training(1.0)
    made.events = [e for e in made.events if e["event"] != events.EPOCH_BEGIN]
    found = between_epochs(made.seen, STEP_S, [], [], full=False)
    assert found.mean_s == pytest.approx(1.2)
    assert found.first_step_s is None
    assert found.other_s == pytest.approx(1.2)


@pytest.mark.parametrize("full", [False, True])
def test_a_pause_amid_the_held_blocks_is_not_the_scripts(full: bool) -> None:
    made = training().calls(events.HELD, 0.1).next_epoch(gap_s=3.0).calls(events.HELD, 0.1, 0.1)
    assert between_epochs(made.seen, STEP_S, [], [], full=full) == BetweenEpochs()


def test_under_full_the_epochs_after_the_trace_count() -> None:
    made = training().calls(events.SETTLE, 0.1).calls(events.TRACED, 0.1).calls(events.AFTER, 0.1)
    made.next_epoch(gap_s=3.0).calls(events.AFTER, 0.1, 0.1)
    assert between_epochs(made.seen, STEP_S, [], [], full=True).mean_s == pytest.approx(3.0)
    assert between_epochs(made.seen, STEP_S, [], [], full=False).pauses == 0


def test_a_call_of_several_steps_is_compared_with_as_many() -> None:
    made = Training(t=100.0, steps_per_execution=4)
    made.calls(events.CLEAN, 0.4, 0.4).next_epoch(gap_s=1.0).calls(events.CLEAN, 0.5, 0.4)
    found = between_epochs(made.seen, 0.1, [], [], full=False)
    assert found.first_step_s == pytest.approx(0.1)


def test_without_a_step_time_there_is_nothing() -> None:
    assert between_epochs(training(1.0).seen, None, [], [], full=False) == BetweenEpochs()
