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


def test_a_run_is_its_start_its_steps_and_its_pauses() -> None:
    assert PROFILE.steps is not None and PROFILE.steps.mean_s is not None
    found = run_length(PROFILE)
    assert found.seconds == pytest.approx(5.0 + 10 * (100 * PROFILE.steps.mean_s + 0.5))


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
    assert found.seconds is None
    assert said in found.reason
