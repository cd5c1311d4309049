from __future__ import annotations

from dataclasses import replace

import pytest

from gputune.schema.profile import FitSeen
from gputune.schema.training import BetweenEpochs, Startup
from gputune.search.length import run_length
from tests.unit.report import sample

FIT = FitSeen(
    index=1, site=None, steps=50, epochs_requested=10, steps_per_epoch=100, analysed=True
)  # fmt: skip
BASE = sample.cpu_profile()
PROFILE = replace(
    BASE, fits=(FIT,), startup=Startup(total_s=5.0), between_epochs=BetweenEpochs(mean_s=0.5)
)


def test_a_gain_is_a_share_of_the_steps_and_not_of_start_and_pauses() -> None:
    assert PROFILE.steps is not None and PROFILE.steps.mean_s is not None
    found = run_length(PROFILE)
    assert found.steps_s == pytest.approx(10 * 100 * PROFILE.steps.mean_s)


@pytest.mark.parametrize(
    ("fit", "said"),
    [
        (replace(FIT, epochs_requested=None), "epochs"),
        (replace(FIT, steps_per_epoch=None), "steps an epoch"),
        (replace(FIT, analysed=False), "no training"),
    ],
)
def test_what_is_not_known_has_its_reason(fit: FitSeen, said: str) -> None:
    found = run_length(replace(PROFILE, fits=(fit,)))
    assert found.steps_s is None
    assert said in found.reason
