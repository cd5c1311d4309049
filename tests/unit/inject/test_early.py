from __future__ import annotations

import random

import pytest

from gputune.inject.early import cannot_win


@pytest.mark.parametrize(
    ("windows", "incumbent", "expected"),
    [
        ([50.0, 51.0, 50.5], 100.0, True),
        ([50.0, 51.0], 100.0, False),  # too few
        ([50.0, 51.0, 50.5], None, False),  # nothing to lose against
        ([96.0, 97.0, 96.5], 100.0, False),  # within 5 %
        ([50.0, 99.0, 50.0], 100.0, False),  # one window came near
        ([40.0, 60.0, 80.0], 100.0, False),  # it still rises
        ([56.0, 52.0, 50.0, 49.0], 100.0, True),  # it falls
        ([30.0, 90.0, 40.0], 100.0, False),  # too noisy to say
    ],
)
def test_a_trial_ends_where_it_clearly_cannot_win(
    windows: list[float], incumbent: float | None, expected: bool
) -> None:
    assert cannot_win(windows, incumbent) is expected


def test_a_trial_that_is_as_good_as_the_best_is_hardly_ever_ended() -> None:
    generator = random.Random(4)
    ended = 0
    for _ in range(2000):
        windows: list[float] = []
        for _ in range(8):
            windows.append(generator.gauss(100.0, 8.0))
            if cannot_win(windows, 100.0):
                ended += 1
                break
    assert ended / 2000 < 0.02


def test_a_trial_that_is_half_as_good_is_ended_at_the_third_window_or_soon_after() -> None:
    generator = random.Random(5)
    counts = []
    for _ in range(500):
        windows: list[float] = []
        while not cannot_win(windows, 100.0):
            windows.append(generator.gauss(50.0, 4.0))
        counts.append(len(windows))
    assert sorted(counts)[int(0.9 * len(counts))] <= 6
