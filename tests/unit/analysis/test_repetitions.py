from __future__ import annotations

from typing import Any

import pytest

from gputune.analysis.repetitions import batches_of_an_epoch, repetition_records
from gputune.analysis.run import read_run
from gputune.schema.training import Repetition
from gputune.session import events
from tests.unit.analysis.synthetic import Training, call

CALLS = {
    1: call(1, "range", line=10),
    2: call(2, "map", inputs=(1,), line=11, map_func={"function": "decode"}),
}
GIB = 1 << 30


def looked(**more: Any) -> dict[str, Any]:
    return {
        "event": events.REPETITION, "fit": 1, "call": 2, "elements": 200, "repeats": True,
        "in_order": False, "element_bytes": 1000.0, "elements_all": 5000, "per_element": True,
        "memory_available_bytes": GIB, "reason": "", **more,
    }  # fmt: skip


def only(event: dict[str, Any], **more: Any) -> Repetition:
    given = {"memory_bytes": 2 * GIB, "rss_bytes": GIB, **more}
    (found,) = repetition_records([event], CALLS, **given)
    return found


def test_the_stage_is_the_users_call() -> None:
    found = only(looked())
    assert (found.label, found.repeats, found.in_order) == (".map(decode)", True, False)
    assert found.site is not None and found.site.line == 11
    assert (found.elements, found.elements_all, found.element_bytes) == (200, 5000, 1000)
    assert found.bytes_all == pytest.approx(5e6)


@pytest.mark.parametrize(
    ("memory", "rss", "available", "fits"),
    [
        (10_000_001, 1.0, GIB, True),
        (9_999_999, 0.0, GIB, False),
        (GIB, 0.0, 9_999_999, False),
        (None, None, 10_000_000, True),
        (GIB, GIB + 1.0, None, False),
        (None, 5.0, None, None),
    ],
)
def test_it_fits_into_half_of_what_is_left(
    memory: int | None, rss: float | None, available: int | None, fits: bool | None
) -> None:
    # 5000 elements of 1000 bytes.
    event = looked(memory_available_bytes=available)
    assert only(event, memory_bytes=memory, rss_bytes=rss).fits is fits


def test_a_length_that_nobody_knows_is_that_of_an_epoch() -> None:
    unknown = looked(elements_all=None)
    assert only(unknown).bytes_all is None and only(unknown).fits is None
    assert only(unknown, batches=10, batch_size=32).elements_all == 320
    assert only(looked(elements_all=None, per_element=False), batches=10).elements_all == 10
    assert only(unknown, batches=10, batch_size=None).elements_all is None


def test_what_was_not_looked_at_says_why_and_has_no_size() -> None:
    found = only(
        looked(
            elements=0, repeats=False, element_bytes=None, elements_all=None,
            reason="it runs Python",
        ),
        batches=10, batch_size=32,
    )  # fmt: skip
    assert (found.reason, found.elements, found.elements_all) == ("it runs Python", 0, None)
    assert (found.repeats, found.bytes_all, found.fits) == (False, None, None)


def test_an_unknown_call_is_left_out() -> None:
    assert repetition_records([looked(call=99)], CALLS, memory_bytes=1, rss_bytes=1.0) == ()


def epoch(**begin: Any) -> Training:
    made = Training(**{"steps_per_epoch": None, "epochs": 9, **begin})
    return made.calls(events.WARMUP, 0.1, 0.1).calls(events.CLEAN, *[0.1] * 5)


def batches(made: Training) -> int | None:
    return batches_of_an_epoch(read_run(made.events).fits[0])


def test_an_epoch_that_ended_has_as_many_batches_as_were_seen() -> None:
    made = epoch()
    made.write(events.EPOCH_END, epoch=made_epoch(made), t=9.0)
    assert batches(made) == 7


def test_an_epoch_that_did_not_end_or_was_cut_says_nothing() -> None:
    assert batches(epoch()) is None
    cut = epoch(steps_per_epoch=7)
    cut.write(events.EPOCH_END, epoch=made_epoch(cut), t=9.0)
    assert batches(cut) is None


def made_epoch(made: Training) -> int:
    return read_run(made.events).fits[0].rows[0].epoch


def test_an_epoch_in_which_batches_were_taken_says_nothing() -> None:
    made = epoch().calls(events.SETTLE, 0.1)
    made.write(events.EPOCH_END, epoch=made_epoch(made), t=9.0)
    assert batches(made) is None
