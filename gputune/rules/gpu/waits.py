"""What a GPU waits for, by the breakdown, and which finding says so already."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gputune.rules import callback_cost, eager, host_bound, input_bound, waits_for_loss
from gputune.rules.gpu import copies, launch_bound
from gputune.rules.gpu.seen import gpu_parts, share
from gputune.rules.thresholds import WAIT_NAMED_FRACTION
from gputune.schema.finding import Finding
from gputune.schema.profile import Profile

_Rules = tuple[Callable[[Profile], Iterable[Finding]], ...]


@dataclass(frozen=True)
class Wait:
    """The largest part of a step in which the GPU does not compute.

    `words` complete «waits for»; `fraction` is of the step; `said_by` is the id of the finding
    that speaks of it, or empty.
    """

    words: str
    fraction: float
    said_by: str
    remedy: str


def largest_wait(profile: Profile) -> Wait | None:
    """The wait that explains an idle GPU; None where no part of 5 % or more is known."""
    parts = gpu_parts(profile)
    if parts is None:
        return None
    copied = [s for s in (parts.h2d_exposed_s, parts.d2h_exposed_s) if s is not None]
    seconds = (parts.input_wait_s, sum(copied), parts.launch_s, parts.python_s)
    known = [(share(profile, s) or 0.0, why) for s, why in zip(seconds, _WHY, strict=True)]
    fraction, (words, rules, remedy) = max(known, key=lambda one: one[0])
    if fraction < WAIT_NAMED_FRACTION:
        return None
    said = next((finding.id for rule in rules for finding in rule(profile)), "")
    return Wait(words, fraction, said, remedy)


_DISPATCH: _Rules = (
    eager.findings, launch_bound.findings, host_bound.findings, waits_for_loss.findings,
)  # fmt: skip
_WHY: tuple[tuple[str, _Rules, str], ...] = (
    (
        "its input",
        (input_bound.findings,),
        "End the pipeline with .prefetch(tf.data.AUTOTUNE), and measure longer (--max-seconds): "
        "the wait is not certain in this run.",
    ),
    (
        "copies between host and GPU",
        (copies.exposed,),
        "Look for what is copied at every step, both ways: metrics and predictions that are read "
        "as numbers go back to the host.",
    ),
    (
        "the host to launch its work",
        _DISPATCH,
        "Give each launch more to do: steps_per_execution, jit_compile=True, a larger batch.",
    ),
    (
        "Python and the callbacks",
        (eager.findings, callback_cost.findings, host_bound.findings, waits_for_loss.findings),
        "Do less between the steps: callbacks and metrics once in many steps, "
        "steps_per_execution, no work in the loop's body that can wait.",
    ),
)
