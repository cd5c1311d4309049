"""Training that Python dispatches operation by operation."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile


def is_eager(profile: Profile) -> bool:
    """Whether the analysed training runs without a compiled step."""
    return bool(profile.setting("run_eagerly")) or profile.style == "eager loop"


def findings(profile: Profile) -> Iterator[Finding]:
    """`eager` where the step is no compiled function."""
    if profile.steps is None or not is_eager(profile):
        return
    loop = profile.style == "eager loop"
    mean_s = profile.steps.mean_s
    step = () if mean_s is None else (f"a step takes {mean_s * 1e3:.3g} ms",)
    how = "the loop calls no tf.function" if loop else "run_eagerly is True"
    yield Finding(
        id="eager",
        severity=Severity.PROBLEM,
        title="The training runs eagerly: Python dispatches every operation of every step.",
        evidence=(how, *step),
        remedy="Put the step into a function under @tf.function, its arguments tensors."
        if loop
        else "Compile without run_eagerly=True, and do not call tf.config.run_functions_eagerly.",
        site=next((fit.site for fit in profile.fits if fit.analysed), None),
    )
