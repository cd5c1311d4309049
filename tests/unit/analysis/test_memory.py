from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from gputune.analysis.memory import FILLING, TOO_SHORT, Growth, memory_growth
from gputune.session import events
from tests.unit.analysis.synthetic import Training, call

MIB = 2**20
BASE = 700 * MIB


def clean(steps: int = 200, *, epochs: int = 1, phase: str = events.CLEAN) -> Training:
    """Steps of 50 ms from 103 s on."""
    made = Training(t=100.0).calls(events.WARMUP, 3.0)
    for epoch in range(epochs):
        if epoch:
            made.next_epoch()
        made.calls(phase, *[0.05] * (steps // epochs))
    return made


def samples(
    size: Callable[[float], float], *, until: float = 113.0, hz: float = 4.0
) -> list[tuple[float, int]]:
    """Samples from 90 s on; `size` is given the steps of 50 ms since 103 s."""
    times = [90.0 + place / hz for place in range(round((until - 90.0) * hz))]
    return [(t, round(BASE + size((t - 103.0) / 0.05))) for t in times]


def growth(size: Callable[[float], float], made: Training | None = None) -> Growth:
    return memory_growth(samples(size), (made or clean()).seen, full=False)


def test_what_each_step_keeps_is_what_memory_grows_by() -> None:
    found = growth(lambda step: MIB * step)
    assert found.bytes_per_step == pytest.approx(MIB, rel=1e-3)
    assert found.interval is not None
    low, high = found.interval
    assert 0.99 * MIB < low <= high < 1.01 * MIB
    assert found.reason == ""


def test_noise_is_no_growth_and_does_not_hide_one() -> None:
    noise = random.Random(3)
    for per_step in (0.0, float(MIB)):
        found = growth(lambda step, per_step=per_step: per_step * step + noise.gauss(0, 2 * MIB))
        assert found.interval is not None
        assert found.interval[0] <= per_step <= found.interval[1]
        assert (found.interval[0] > 0) == (per_step > 0)


def test_one_jump_is_no_steady_growth() -> None:
    found = growth(lambda step: 300 * MIB if step > 100 else 0.0)
    assert found.interval is not None
    assert found.interval[0] < 0 < found.interval[1]


def test_samples_outside_the_clean_phase_say_nothing() -> None:
    found = growth(lambda step: 0.0 if step >= 0 else 50 * MIB * step)
    assert found.bytes_per_step == pytest.approx(0)


def test_several_steps_a_call_share_the_growth() -> None:
    made = Training(t=100.0, steps_per_execution=5).calls(events.WARMUP, 3.0)
    made.calls(events.CLEAN, *[0.05] * 200)
    found = memory_growth(samples(lambda call: MIB * call), made.seen, full=False)
    assert found.bytes_per_step == pytest.approx(MIB / 5, rel=1e-3)


@pytest.mark.parametrize("made", [clean(20), Training(), clean(200, phase=events.HELD)])
def test_a_short_phase_has_a_reason_in_place_of_a_figure(made: Training) -> None:
    assert growth(lambda step: MIB * step, made) == Growth(reason=TOO_SHORT)


def test_a_cache_that_fills_in_the_first_epoch_is_no_leak() -> None:
    chain = [call(1, "range"), call(2, "cache", inputs=(1,), filename="")]

    def filling(step: float) -> float:
        return MIB * min(step, 100.0)

    one, two = clean(200), clean(200, epochs=2)
    for made, known in ((one, False), (two, True)):
        found = memory_growth(samples(filling), made.seen, full=False, chain=chain)
        assert found.reason == ("" if known else FILLING)
        assert found.bytes_per_step == (pytest.approx(0, abs=1) if known else None)
    on_disk = [call(1, "range"), call(2, "cache", inputs=(1,), filename="/tmp/c")]
    assert not memory_growth(samples(filling), one.seen, full=False, chain=on_disk).reason


def test_under_full_the_longer_of_the_stretches_counts() -> None:
    made = clean(20).calls(events.TRACED, 1.0).calls(events.AFTER, *[0.05] * 200)
    late = samples(lambda step: MIB * step, until=120.0)
    assert memory_growth(late, made.seen, full=True).bytes_per_step == pytest.approx(MIB, rel=1e-3)
    assert memory_growth(late, made.seen, full=False).reason == TOO_SHORT
