"""The wait for input: real steps against steps on a held batch, in alternating blocks."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from gputune.analysis.run import FitRun
from gputune.analysis.statistics import ratio_interval
from gputune.analysis.steps import between_calls, phase_durations
from gputune.session import events


@dataclass(frozen=True, kw_only=True)
class InputWait:
    """What the blocks say.

    `fraction` is the share of a real step that it waits for input (1 − held ÷ real), between 0
    and 1, with its 95 % interval (which may reach below 0). `held_step_s` is the held step,
    `held_between_s` the part of it outside the train function (Python, callbacks).
    `real_step_s` is the real step within the blocks, a check on the clean phase's. `pairs` is
    how many pairs of blocks there were.
    """

    fraction: float
    interval: tuple[float, float] | None
    held_step_s: float
    held_between_s: float
    real_step_s: float
    pairs: int


def input_wait(fit: FitRun) -> InputWait | None:
    """The wait for input of a fit, or None without a whole pair of blocks."""
    blocks = sorted({row.block for row in fit.rows if row.phase == events.HELD})
    held: list[float] = []
    real: list[float] = []
    for block in blocks:
        on_held = phase_durations(fit, events.HELD, block)
        on_real = phase_durations(fit, events.REAL, block)
        if on_held and on_real:
            held.append(fmean(on_held))
            real.append(fmean(on_real))
    if not held:
        return None
    ratio = ratio_interval(held, real)
    bounds = ratio.interval
    between = between_calls(fit, events.HELD)
    per_call = fit.steps_per_call
    return InputWait(
        fraction=min(max(1 - ratio.mean, 0.0), 1.0),
        interval=None if bounds is None else (1 - bounds[1], 1 - bounds[0]),
        held_step_s=fmean(held) / per_call,
        held_between_s=fmean(between) / per_call if between else 0.0,
        real_step_s=fmean(real) / per_call,
        pairs=len(held),
    )
