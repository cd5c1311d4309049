"""The stats of many events at once, against each event's own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gputune.trace import xplane
from gputune.trace.stats import alike

VALUES = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**63 - 1).map(str))
STATS = st.lists(st.tuples(st.integers(1, 4), VALUES), max_size=4)


def events(described: list[list[tuple[int, int | str]]]):
    line = xplane.messages().XLine()
    for stats in described:
        event = line.events.add()
        for key, value in stats:
            if isinstance(value, str):
                event.stats.add(metadata_id=key, uint64_value=int(value))
            else:
                event.stats.add(metadata_id=key, int64_value=value)
    return line.events


@given(st.lists(STATS, max_size=12))
def test_every_event_is_in_one_group_with_its_own_numbers(
    described: list[list[tuple[int, int | str]]],
) -> None:
    seen: dict[int, dict[int, int]] = {}
    for group in alike(events(described)):
        for key in range(1, 5):
            if key in group:
                for at, number in zip(group.at.tolist(), group.numbers(key), strict=True):
                    seen.setdefault(at, {})[key] = number
        for at in group.at.tolist():
            seen.setdefault(at, {})
    # The first of two stats with the same id counts.
    expected = [{key: int(value) for key, value in reversed(stats)} for stats in described]
    assert [seen[at] for at in range(len(described))] == expected
    assert len(seen) == len(described)


def test_only_those_that_were_asked_for_are_grouped() -> None:
    import numpy as np

    described = [[(1, 10)], [(2, 20)], [(1, 30)]]
    groups = list(alike(events(described), np.array([0, 2])))
    assert [(group.at.tolist(), group.numbers(1)) for group in groups] == [([0, 2], [10, 30])]


def test_a_layout_that_changes_between_events_is_seen() -> None:
    groups = list(alike(events([[(1, 5), (2, 6)], [(1, 7), (3, 8)]])))
    assert [2 in group for group in groups] == [True, False]
    assert [group.numbers(1) for group in groups] == [[5], [7]]
