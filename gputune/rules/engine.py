"""All rules in order, and the sentence on top."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gputune.rules import (
    callback_cost,
    ceiling,
    eager,
    gpu,
    host_bound,
    input_bound,
    memory,
    no_cache,
    order,
    pauses,
    python_stage,
    retracing,
    serial_map,
    setup,
    start,
    waits_for_loss,
)
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile

Rule = Callable[[Profile], Iterable[Finding]]

RULES: tuple[Rule, ...] = (
    setup.findings,
    eager.findings,
    input_bound.findings,
    no_cache.findings,
    serial_map.findings,
    python_stage.findings,
    order.findings,
    retracing.findings,
    callback_cost.findings,
    host_bound.findings,
    waits_for_loss.findings,
    *gpu.RULES,
    pauses.findings,
    memory.findings,
    start.findings,
)
_RANK = {Severity.PROBLEM: 0, Severity.WARNING: 1, Severity.GOOD: 2, Severity.NOTE: 3}


_SAME = ("launch-bound", "waits-for-loss")
"""Two views of one part of the step, the GPU's wait for the host: the graver is said, of equals
the first."""


def find(profile: Profile) -> tuple[Finding, ...]:
    """The findings of all rules, worst first; of equal weight in the order of the rules."""
    found = _once([finding for rule in RULES for finding in rule(profile)])
    if not any(f.severity in (Severity.PROBLEM, Severity.WARNING) for f in found):
        found += ceiling.findings(profile)
    return tuple(sorted(found, key=lambda finding: _RANK[finding.severity]))


def _once(found: list[Finding]) -> list[Finding]:
    same = [finding for finding in found if finding.id in _SAME]
    if len(same) < 2:
        return found
    kept = min(same, key=lambda finding: (_RANK[finding.severity], _SAME.index(finding.id)))
    return [finding for finding in found if finding is kept or finding.id not in _SAME]


def verdict(profile: Profile, findings: tuple[Finding, ...]) -> str:
    """One sentence: what limits the script and what to do."""
    if profile.steps is None:
        return _no_training(profile)
    if profile.steps.mean_s is None:
        return "Training began, but ended before a step could be timed."
    worst = next((f for f in findings if f.severity in (Severity.PROBLEM, Severity.WARNING)), None)
    if worst is not None:
        return f"{worst.title} {worst.remedy.split('. ')[0].rstrip('.')}."
    good = next((f for f in findings if f.severity is Severity.GOOD), None)
    if good is not None:
        return good.title
    if profile.breakdown is None or profile.breakdown.input_wait_s is None:
        return "The step was timed, but not what it waits for: see what is not available, and why."
    return "No rule found anything wrong; where the step goes stands below."


def _no_training(profile: Profile) -> str:
    if profile.fits:
        # The script did train; there is a reason why none of it was analysed (`--fit 7`).
        reasons = [u.reason for u in profile.unavailable if u.metric == "steps"]
        return f"No training was measured{f': {reasons[0]}' if reasons else ''}."
    if profile.style is not None and profile.notes:
        return f"No training was measured: {profile.notes[0]}."
    if profile.environment.tensorflow is None:
        return "No training was seen: the script never imported TensorFlow."
    return (
        "No training was seen: no call of Keras' fit or train_on_batch, and no loop that takes "
        "gradients of variables and applies them."
    )
