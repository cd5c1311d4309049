"""What stands in the comments of a recommended configuration: what was measured, what was not."""

from __future__ import annotations

from collections.abc import Sequence

from gputune.schema.study import Check, Confirmation


def evidence(
    verdict: str, gain: Confirmation, checks: Sequence[Check], training: Sequence[str]
) -> tuple[str, ...]:
    """The verdict, the gain with its interval, what the guard saw of this candidate, and advice.

    `training` is what to look at because the configuration changes what a step learns: whoever
    finds the file a month later must see it there.
    """
    ratio, low, high, of_what = gain.in_figures()
    return (
        verdict,
        f"{ratio:.3f} times {of_what} (95 % interval {low:.3f} to {high:.3f}), "
        f"{gain.rounds} rounds in fresh processes",
        *(
            f"{check.check} {check.outcome}: {check.evidence}"
            for check in checks
            if check.candidate == gain.candidate
        ),
        *training,
    )
