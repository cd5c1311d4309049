"""Which `tf.function` was traced again in the course of the training, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gputune.analysis.calls import site
from gputune.schema.training import Retracing

MADE_ANEW = "a new tf.function is made each time"
_SETTLED_STEPS = 3
_FEWEST_MADE = 2
"""One function that is new during training is a first call (of a callback's, say)."""


def retracings(
    traced: Sequence[Mapping[str, Any]], step_ends: Sequence[float]
) -> tuple[Retracing, ...]:
    """The functions that were traced again, those first that were so most during training.

    `traced` are the session's events, `step_ends` when the training's calls ended (s). Each call
    that traced counts once, though TensorFlow traces a function twice that makes variables. Code
    that many functions are made from (a method is one for each instance) is listed where one of
    them was traced again, or where the user's code goes on making them during training.
    """
    settled = step_ends[_SETTLED_STEPS - 1] if len(step_ends) >= _SETTLED_STEPS else None
    by_code: dict[tuple[str, str, int], list[Mapping[str, Any]]] = {}
    for event in traced:
        where = (event.get("site") or {}) if event.get("user") else {}
        key = (str(event["function"]), str(where.get("file")), int(where.get("line") or 0))
        by_code.setdefault(key, []).append(event)
    found = [_of_code(group, settled) for group in by_code.values()]
    return tuple(
        sorted(
            (one for one in found if one is not None),
            key=lambda one: (-one.during_training, -one.count),
        )
    )


def _of_code(group: Sequence[Mapping[str, Any]], settled: float | None) -> Retracing | None:
    late = [event for event in group if settled is not None and float(event["t"]) > settled]
    early = group[: len(group) - len(late)]
    total, objects = int(group[-1]["total"]), int(group[-1]["objects"])
    before, made_before = (int(early[-1]["total"]), int(early[-1]["objects"])) if early else (0, 0)
    again = [event for event in group if event.get("changed")]
    during = total - max(before, 1)  # the first trace of all is none again
    changed = ""
    if total == objects:
        # Only a library's own code is known to make its functions for a reason.
        if not group[-1].get("user") or not late or objects - made_before < _FEWEST_MADE:
            return None
        changed = MADE_ANEW
    elif again:
        changed = str(next((event for event in again if event in late), again[-1])["changed"])
    return Retracing(
        function=str(group[-1]["function"]),
        count=total,
        during_training=during if late else 0,
        changed=changed,
        site=site((again or group)[-1].get("site")),
    )
