"""How long the training under the checks is."""

from __future__ import annotations

from gputune.checks.script.length import Length


def trained(epoch_steps: int, *, step_s: float = 0.0, made: int = 1) -> list[int]:
    """The steps of each epoch of a training whose own epochs have `epoch_steps`."""
    length, now, epochs = Length(max_s=60.0), 0.0, []
    while len(epochs) < 1000:
        steps = 0
        while steps < epoch_steps:
            steps += made
            now += step_s * made
            if length.step_ends(made, now):
                break
        epochs.append(steps)
        if length.epoch_ends(now):
            return epochs
    raise AssertionError("it trains for ever")


def test_a_long_epoch_is_cut_twice() -> None:
    assert trained(10_000) == [30, 10]


def test_short_epochs_are_as_they_are_until_there_are_enough_steps() -> None:
    assert trained(4) == [4] * 10
    assert trained(12) == [12, 10, 10, 8]


def test_many_steps_a_call_end_with_the_call() -> None:
    assert trained(10_000, made=100) == [100]
    assert trained(10_000, made=16) == [32, 16]


def test_a_slow_training_ends_in_time_after_two_epochs() -> None:
    # 45 s and 60 s after the first step, which may have taken minutes.
    assert trained(10_000, step_s=5.0) == [11, 3]
    assert trained(10_000, step_s=100.0) == [2]
