from __future__ import annotations

import io

from gputune.report.live import LiveStudy
from gputune.schema.study import Trial
from gputune.search.stopping import budget


def test_a_study_that_is_gone_on_with_keeps_its_baseline_and_its_clock() -> None:
    out, now = io.StringIO(), [1000.0]
    live = LiveStudy(
        out, color=False, ascii_only=True, total_trials=9, budget_s=1.0, clock=lambda: now[0]
    )
    live.on_space(budget(total_s=600.0), {"prefetch": "none"}, 400.0)
    live.on_kept(Trial(number=0, knobs={"prefetch": "none"}, state="complete", samples_per_s=100.0))
    live.on_trial(Trial(number=1, knobs={"prefetch": 2}, state="complete", samples_per_s=300.0))
    (line,) = out.getvalue().splitlines()
    assert line.startswith("trial 1: prefetch=2: 300 samples/s, 3.00x")
    now[0] += 50
    assert live._status()[0].startswith("2 of at most 9 trials, 2 min 30 s left; best so far 300")
