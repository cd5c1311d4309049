from __future__ import annotations

import pytest

from gputune.search.planning import longest_profile_s


@pytest.mark.parametrize(
    ("total_s", "longest_s"), [(30.0, 5.0), (180.0, 9.0), (400.0, 20.0), (7200.0, 20.0)]
)
def test_a_short_study_begins_with_a_short_profile(total_s: float, longest_s: float) -> None:
    assert longest_profile_s(total_s) == pytest.approx(longest_s)
