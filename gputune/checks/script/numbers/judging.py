"""From what was seen to findings: where the first number that is none comes from. Pure.

A number that is not finite in the loss or in a gradient ends the training for good: after the
next update every weight that it reaches is NaN. Elsewhere it may be meant (a mask of minus
infinity, missing values that a layer fills in), so that it alone is no problem.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from gputune.checks.script.probe.facts import Pass, Values, norm_of
from gputune.checks.script.probe.sites import Sites
from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site

_MOST_LAYERS = 5


@dataclass(frozen=True, kw_only=True)
class Seen:
    """`losses` are those of the steps before `first_bad_step` (all of them where that is None)."""

    data: tuple[Values, ...] = ()
    passes: tuple[Pass, ...] = ()
    first_bad_step: int | None = None
    losses: tuple[float, ...] = ()


def judge(seen: Seen, sites: Sites) -> Iterator[Finding]:
    """At most one finding for each input, else one for the first place in the model."""
    bad = [one for one in seen.data if not one.finite]
    broken = next((one for one in seen.passes if _breaks(one)), None)
    trouble = broken is not None or seen.first_bad_step is not None
    when = _when(seen)
    if bad:
        for values in _one_for_each(bad):
            yield _of_data(values, trouble, when, sites.training)
    elif broken is not None:
        yield _of_pass(broken, when, sites)
    elif trouble:
        yield _on_the_way(seen, when, sites.training)


def _breaks(one: Pass) -> bool:
    return not _finite(one.loss) or (
        not one.scaled and any(not gradient.finite for gradient in one.gradients)
    )


def _finite(value: float | None) -> bool:
    return value is None or math.isfinite(value)


def _when(seen: Seen) -> tuple[str, ...]:
    if seen.first_bad_step is None:
        return ()
    return (f"the loss is not finite from step {seen.first_bad_step} on",)


def _one_for_each(bad: list[Values]) -> list[Values]:
    found: dict[str, Values] = {}
    for values in bad:
        found.setdefault(values.name, values)
    return list(found.values())


def _of_data(values: Values, trouble: bool, when: tuple[str, ...], site: Site | None) -> Finding:
    label = values.name.startswith("y")
    what = " and ".join(
        text
        for count, text in (
            (values.nan, f"{values.nan:,} NaN"),
            (values.infinite, f"{values.infinite:,} infinite"),
        )
        if count
    )
    return Finding(
        id="label-not-finite" if label else "input-not-finite",
        severity=Severity.PROBLEM if trouble else Severity.WARNING,
        title=f"The {'labels' if label else 'input'} {values.name} "
        f"{'have' if label else 'has'} values that are NaN or infinite.",
        evidence=(f"{what} of {values.count:,} numbers that were looked at", *when),
        remedy="Drop or fill them before the training: for a table x[np.isfinite(x).all(axis=1)], "
        "in tf.data .filter(lambda x, y: tf.reduce_all(tf.math.is_finite(x))).",
        site=site,
    )


def _of_pass(one: Pass, when: tuple[str, ...], sites: Sites) -> Finding:
    weights = "before the first step" if one.weights == "first" else "after the last step"
    where = f"seen on a batch held in memory, with the weights {weights}"
    first = next((call for call in one.activations if call.inputs_finite and not call.finite), None)
    if first is not None and not _finite(one.loss):
        return Finding(
            id="activation-not-finite",
            severity=Severity.PROBLEM,
            title=f"The layer {first.layer} ({first.kind}) makes NaN or infinity of finite inputs.",
            evidence=(where, *when),
            remedy="Look for a division by zero, a logarithm or root of what can be zero or "
            "negative, an exponential of what can be large, or weights that are too large, in "
            "that layer; tf.debugging.enable_check_numerics() stops at the very operation.",
            site=sites.of(first.layer),
        )
    if not _finite(one.loss):
        return Finding(
            id="loss-not-finite",
            severity=Severity.PROBLEM,
            title=f"The loss is {_word(one.loss)} while all activations are finite.",
            evidence=(where, *when),
            remedy="The loss itself makes it: a logarithm of zero (give the loss logits and "
            "from_logits=True), labels that it is not made for, a division by a sum that can be "
            "zero.",
            site=sites.training,
        )
    layers = dict.fromkeys(g.layer for g in reversed(one.gradients) if not g.finite)
    names = ", ".join(list(layers)[:_MOST_LAYERS])
    return Finding(
        id="gradient-not-finite",
        severity=Severity.PROBLEM,
        title="The loss is finite, but its gradient is NaN or infinite.",
        evidence=(f"of the layers (from the loss backwards) {names}", where, *when),
        remedy="The derivative of a root, a norm or a division is infinite at zero: add a small "
        "number inside of it, or choose tf.math.divide_no_nan.",
        site=sites.of(next(iter(layers), "")),
    )


def _on_the_way(seen: Seen, when: tuple[str, ...], site: Site | None) -> Finding:
    """Data and model are finite at the start: the training has diverged, or it met rare data."""
    evidence = [*when]
    if len(seen.losses) > 1:
        evidence.append(
            f"the loss before: {seen.losses[0]:.4g} at first, {seen.losses[-1]:.4g} at last"
        )
    norms = [norm_of(one.gradients) for one in seen.passes if one.weights == "first"]
    if norms and norms[0] is not None:
        evidence.append(f"the norm of the gradients before the first step is {norms[0]:.3g}")
    if seen.passes:
        evidence.append("the batches that were looked at are finite, and so was the first step")
    return Finding(
        id="loss-not-finite",
        severity=Severity.PROBLEM,
        title=f"The loss is NaN or infinite from step {seen.first_bad_step} on.",
        evidence=tuple(evidence),
        remedy="Most often the steps are too large: lower the learning rate by ten times, bring "
        "inputs and labels to a scale near 1, or give the optimizer clipnorm=1.0. "
        "tf.debugging.enable_check_numerics() names the operation.",
        site=site,
    )


def _word(loss: float | None) -> str:
    return "NaN" if loss is None or math.isnan(loss) else "infinite"
