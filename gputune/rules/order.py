"""Calls of the pipeline in an order that costs time or changes the training."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile

# kind -> (severity, what is wrong, what to do); TensorFlow's tf.data performance guide.
_PROBLEMS = {
    "cache-after-prefetch": (
        Severity.WARNING,
        "{label} stands behind .prefetch(…): what it caches is batches that were already "
        "prefetched, and nothing is prefetched behind the cache.",
        "Move .prefetch(…) to the end of the pipeline.",
    ),
    "cache-after-repeat": (
        Severity.PROBLEM,
        "{label} stands behind .repeat(): it caches an endless stream and never reads from it.",
        "Move .cache() in front of .repeat().",
    ),
    "cache-after-random": (
        Severity.WARNING,
        "{label} stands behind random augmentation: every epoch sees the same random values.",
        "Move .cache() in front of the random .map(…).",
    ),
    "shuffle-after-batch": (
        Severity.WARNING,
        "{label} stands behind .batch(…): it shuffles whole batches, not examples.",
        "Move .shuffle(…) in front of .batch(…).",
    ),
    "prefetch-not-last": (
        Severity.NOTE,
        "{label} is not the last call: what comes after it is not made ahead of the step by it.",
        "Move .prefetch(…) to the end of the pipeline.",
    ),
}


def findings(profile: Profile) -> Iterator[Finding]:
    """`order:<kind>` for each call in the wrong place."""
    if profile.pipeline is None:
        return
    for problem in profile.pipeline.order_problems:
        if problem.kind not in _PROBLEMS:
            continue
        severity, title, remedy = _PROBLEMS[problem.kind]
        yield Finding(
            id=f"order:{problem.kind}",
            severity=severity,
            title=title.format(label=problem.label),
            evidence=("the order of the calls in the source",),
            remedy=remedy,
            site=problem.site,
        )
