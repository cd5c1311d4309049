"""From the start of the process to the end of its first training step."""

from __future__ import annotations

from collections.abc import Sequence

from gputune.analysis.run import FitRun, Run
from gputune.schema.training import Startup


def startup_record(run: Run) -> Startup:
    """The parts of the time until the first step, in seconds; empty where there was no step.

    The imports end with the last that was seen before the training was called. Where that is not
    known, only the whole and the first step are.
    """
    began = run.start.get("t")
    first = _first_trained(run.fits)
    if began is None or first is None:
        return Startup()
    # A loop written by hand is recognised when its first step is over.
    called = min(float(first.begin.get("called", first.begin["t"])), first.rows[0].t_enter)
    ended = first.rows[0].t_end
    imported = run.environment.get("t")
    if imported is not None and not began <= imported <= called:
        imported = None
    seen = _last_seen(run) - began
    return Startup(
        total_s=ended - began,
        imports_s=imported - began if imported is not None else None,
        preparation_s=called - imported if imported is not None else None,
        first_step_s=ended - called,
        run_fraction=(ended - began) / seen if seen > 0 else None,
    )


def _first_trained(fits: Sequence[FitRun]) -> FitRun | None:
    return min((fit for fit in fits if fit.rows), key=lambda f: f.rows[0].t_end, default=None)


def _last_seen(run: Run) -> float:
    """When the run ended, or where that was not written, when its last step did."""
    if run.end is not None and run.end.get("t") is not None:
        return float(run.end["t"])
    return max(fit.rows[-1].t_end for fit in run.fits if fit.rows)
