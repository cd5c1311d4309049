from __future__ import annotations

import json
from typing import Any

import pytest

from gputune.report.perfetto import render_perfetto
from gputune.schema.profile import Profile
from tests.unit.report import sample
from tests.unit.report.hostile import with_texts


def events(profile: Profile) -> list[dict[str, Any]]:
    found = json.loads(render_perfetto(profile))["traceEvents"]
    assert isinstance(found, list)
    return found


def test_phases_are_slices_and_curves_are_counters_in_microseconds() -> None:
    found = events(sample.watched_profile())
    slices = [(e["name"], e["ts"], e["dur"]) for e in found if e["ph"] == "X"]
    assert ("clean", 4e6, 8e6) in slices
    assert [name for name, _, _ in slices].count("held") == 2
    gpu = [e for e in found if e["ph"] == "C" and e["name"] == "gpus[0].power_w"]
    assert len(gpu) == 180
    assert gpu[0]["args"] == {"value": 420.0}
    assert gpu[10]["ts"] == pytest.approx(1e6)


@pytest.mark.parametrize(
    "profile", [sample.minimal_profile(), with_texts(sample.watched_profile())]
)
def test_any_profile_gives_a_file_that_can_be_read(profile: Profile) -> None:
    text = render_perfetto(profile)
    assert text.isascii()
    assert "\\u001b" not in text
    assert {event["ph"] for event in events(profile)} <= {"M", "X", "C"}
