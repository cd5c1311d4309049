"""What could be won before anything is changed: the step, if something were different.

Only the free input is measured (steps on a held batch). The others take the step apart with the
breakdown and leave parts out; each says in its `basis` what it assumes.
"""

from __future__ import annotations

from collections.abc import Iterator

from gputune.analysis.input_wait import InputWait
from gputune.schema.conditions import (
    COPIES_HIDDEN,
    HOST_FREE,
    INPUT_AND_HOST_FREE,
    INPUT_READY,
    LOSS_SELDOM,
    STEPS_AT_ONCE,
)
from gputune.schema.profile import Breakdown, Steps, WhatIf

INPUT_LIMITS_FRACTION = 0.05
"""XProf's «moderately input-bound»: from such a wait on, the input sets the pace."""
LEAST_LEFT_FRACTION = 0.10
"""Ours: on a CPU a model that leaves less of the step than this prices nothing. TensorFlow traces
no operation below some 3 µs, so what is left is then mostly what the trace did not see: once 53
times as fast was said where 11 were measured (`reports/what_if.md`)."""
_AT_MOST = "so much at most: on a CPU small operations count as dispatch"


def what_if(
    steps: Steps,
    wait: InputWait | None,
    breakdown: Breakdown,
    *,
    waits_for_loss: bool,
    input_batch_s: float | None = None,
) -> tuple[WhatIf, ...]:
    """The prices of a clean step; a condition whose parts are not known is left out.

    `steps.mean_s` is the clean step in seconds. `waits_for_loss` says that the script's loop reads
    the loss after each call of the compiled function (Keras' `fit`, not eager). `input_batch_s`
    is what the input alone needs for a batch (the drain), in seconds: what copies and host alone
    would save, a slower input would make the step wait longer, so with the input as it is no step
    is priced below that. Where it is not known and the step surely waits for its input, copies
    and host are priced only with free input.
    """
    if steps.mean_s is None:
        return ()
    found = _prices(
        steps, steps.mean_s, wait, breakdown, waits_for_loss=waits_for_loss,
        input_batch_s=input_batch_s,
    )  # fmt: skip
    return tuple(found)


def _prices(
    steps: Steps, step_s: float, wait: InputWait | None, parts: Breakdown, *, waits_for_loss: bool,
    input_batch_s: float | None,
) -> Iterator[WhatIf]:  # fmt: skip
    on_gpu = parts.device == "gpu"
    if wait is not None:
        yield from _price(
            INPUT_READY, step_s, step_s * wait.fraction,
            "measured: the same function on a held batch",
        )  # fmt: skip
    limited = input_batch_s is None and wait is not None and _input_limits(wait)
    least_s = input_batch_s or 0.0
    if not limited and parts.h2d_exposed_s is not None and parts.d2h_exposed_s is not None:
        yield from _price(
            COPIES_HIDDEN, step_s, parts.h2d_exposed_s + parts.d2h_exposed_s,
            "model: the step without the copies that no computation hid", least_s,
        )  # fmt: skip
    if parts.launch_s is None or parts.python_s is None:
        return
    host_s = parts.launch_s + parts.python_s
    what = "the time in which the device had no work" if on_gpu else "dispatch and Python"
    bound = "" if on_gpu else f"; {_AT_MOST}"
    if not limited:
        yield from _price(
            HOST_FREE, step_s, host_s, f"model: the step without {what}{bound}", least_s
        )
        if waits_for_loss and steps.steps_per_execution == 1:
            # Once in N calls instead of once a step.
            yield from _price(
                LOSS_SELDOM, step_s, host_s * (1 - 1 / STEPS_AT_ONCE),
                f"model: {what} once in {STEPS_AT_ONCE} steps{bound}", least_s,
            )  # fmt: skip
    if parts.input_wait_s is not None:
        yield from _price(
            INPUT_AND_HOST_FREE, step_s, parts.input_wait_s + host_s,
            f"model: the step on a held batch without {what}{bound}",
        )  # fmt: skip


def _input_limits(wait: InputWait) -> bool:
    certain = wait.interval is None or wait.interval[0] > 0
    return certain and wait.fraction >= INPUT_LIMITS_FRACTION


def _price(
    condition: str, step_s: float, saved_s: float, basis: str, least_s: float = 0.0
) -> Iterator[WhatIf]:
    left_s = min(step_s, max(step_s - saved_s, least_s))
    unsure = _AT_MOST in basis and left_s < LEAST_LEFT_FRACTION * step_s
    if left_s > 0 and not unsure:
        if step_s - saved_s < least_s:
            basis += "; the input alone needs as long"
        yield WhatIf(condition=condition, step_s=left_s, speedup=step_s / left_s, basis=basis)
