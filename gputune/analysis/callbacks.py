"""What each callback of Keras' took, at the steps and around the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gputune.schema.training import CallbackCost


def callback_costs(
    written: Sequence[Mapping[str, Any]], *, steps_per_call: int, step_s: float | None
) -> tuple[CallbackCost, ...]:
    """One record for each callback in the order of the list, from the `callbacks` events of a fit.

    `step_s` is the clean step. A time at the steps is a mean over the training steps of the clean
    phase; one around the epochs a mean over the epochs that ended: their beginnings, validations
    and ends. A list of callbacks that changed in the course of the fit is taken as it was last.
    """
    if not written:
        return ()
    last = written[-1]
    same = [event for event in written if event["names"] == last["names"]]
    steps = sum(int(event["calls"]) for event in same) * steps_per_call
    epochs = {event["epoch"] for event in same if any(event["end_s"])}
    found = []
    for place, name in enumerate(last["names"]):
        at_steps = sum(float(event["step_s"][place]) for event in same)
        around = sum(
            float(event[kind][place])
            for event in same
            if event["epoch"] in epochs
            for kind in ("begin_s", "test_s", "end_s")
        )
        each = at_steps / steps if steps else None
        found.append(
            CallbackCost(
                name=str(name),
                step_s=each,
                step_fraction=each / step_s if each is not None and step_s else None,
                epoch_s=around / len(epochs) if epochs else None,
                ours=bool(last["ours"][place]),
            )
        )
    return tuple(found)
