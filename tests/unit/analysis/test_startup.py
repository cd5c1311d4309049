from __future__ import annotations

from typing import Any

import pytest

from gputune.analysis.run import Run, read_run
from gputune.analysis.startup import startup_record
from gputune.schema.training import Startup
from gputune.session import events
from tests.unit.analysis.synthetic import Training


def run(*, imported: float | None = 4.0, steps: bool = True, **begin: Any) -> Run:
    """A process that starts at 1 s; the training is called at 100 s; its first step takes 3 s."""
    made = Training(t=100.0, **begin)
    clock = {} if imported is None else {"t": imported}
    made.events[:0] = [
        {"event": events.START, "t": 1.0, "pid": 7},
        {"event": events.ENVIRONMENT, "tensorflow": "2.21.0", "t": 3.0} if clock else {"event": ""},
        {"event": events.ENVIRONMENT, "keras": "3.15.1", **clock},
        {"event": events.ENVIRONMENT, "devices": ["CPU:0"]},
    ]
    if steps:
        made.calls(events.WARMUP, 3.0, 0.5)
    made.events.append({"event": events.END, "t": 205.0, "how": "stopped"})
    return made.run


def test_the_parts_are_in_order_and_sum_to_the_whole() -> None:
    found = startup_record(run())
    assert found == Startup(
        total_s=102.0, imports_s=3.0, preparation_s=96.0, first_step_s=3.0, run_fraction=102 / 204
    )


def test_the_first_step_begins_where_the_training_was_called() -> None:
    """Before its first event `fit` makes an iterator and builds the model."""
    found = startup_record(run(called=98.5))
    assert (found.preparation_s, found.first_step_s) == (94.5, 4.5)
    assert found.total_s == 102.0


def test_a_loop_that_was_recognised_after_its_first_step_was_called_before_it() -> None:
    assert startup_record(run(called=103.2)).first_step_s == 3.0


def test_imports_that_were_not_seen_are_not_guessed() -> None:
    found = startup_record(run(imported=None))
    assert (found.total_s, found.first_step_s) == (102.0, 3.0)
    assert found.imports_s is None
    assert found.preparation_s is None


def test_without_a_step_nothing_is_known() -> None:
    assert startup_record(run(steps=False)) == Startup()


def test_the_first_training_counts_and_a_killed_run_is_known_until_its_last_step() -> None:
    first, second = Training(t=10.0).calls(events.WARMUP, 1.0), Training(fit=2, t=20.0)
    second.calls(events.WARMUP, 1.0)
    log = [{"event": events.START, "t": 0.0}, *first.events, *second.events]
    found = startup_record(read_run(log))
    assert found.total_s == 11.0
    assert found.run_fraction == pytest.approx(11 / 21)
