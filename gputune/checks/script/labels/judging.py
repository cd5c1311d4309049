"""What does not fit between a loss and the activation before it, as findings. Pure.

Of the labels' values: `judging_values`.
"""

from __future__ import annotations

from collections.abc import Iterator

from gputune.checks.script.labels import judging_values
from gputune.checks.script.labels.facts import Output
from gputune.checks.script.labels.losses import BINARY, CATEGORICAL, REGRESSION, SPARSE
from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site

TOLERANCE = 1e-3
"""Beyond 0 and 1, so that rounding in float16 is no logit."""
_CLASSES = (SPARSE, *CATEGORICAL)


def judge(output: Output, site: Site | None) -> Iterator[Finding]:
    """The findings on one output; what makes others meaningless comes alone."""
    if output.loss in _CLASSES and output.units == 1 and output.loss != SPARSE:
        yield _one_unit(output, site)
        return
    if output.activation == "softmax" and output.units == 1 and output.minimum == output.maximum:
        yield _one_unit(output, site)
        return
    if output.loss in REGRESSION:
        yield from judging_values.regression(output, site)
    else:
        yield from _activation(output, site)
        yield from judging_values.classes(output, site)
    yield from judging_values.constant(output, site)


def _activation(output: Output, site: Site | None) -> Iterator[Finding]:
    if _is_logits(output):
        yield _logits(output, site)
    elif output.from_logits and _is_activated(output):
        yield _activated_twice(output, site)
    elif output.activation == "sigmoid" and output.units > 1 and output.loss in _CLASSES:
        yield _sigmoid_for_classes(output, site)
    elif output.activation == "softmax" and output.units > 2 and output.loss in BINARY:
        yield _softmax_for_binary(output, site)


def _is_logits(output: Output) -> bool:
    """Whether the loss is to get probabilities and gets numbers that surely are none."""
    if output.from_logits:
        return False
    above = output.maximum > 1 + TOLERANCE and output.loss not in CATEGORICAL
    return output.minimum < -TOLERANCE or above


def _is_activated(output: Output) -> bool:
    """Whether what goes for logits surely is not."""
    if output.loss in BINARY:
        return output.activation == "sigmoid" and output.outputs != "numbers"
    return output.units > 1 and output.outputs == "probabilities"


def _one_unit(output: Output, site: Site | None) -> Finding:
    softmax = output.activation == "softmax"
    return Finding(
        id="softmax-of-one",
        severity=Severity.PROBLEM,
        title=f"A softmax over one unit{_of(output)} is always 1: nothing can be learned."
        if softmax
        else f"{output.loss} over one output{_of(output)} is always 0: nothing can be learned.",
        evidence=(f"predictions from {output.minimum:g} to {output.maximum:g}", _seen(output)),
        remedy='Two classes: Dense(1, activation="sigmoid") with loss="binary_crossentropy". '
        'More: as many units as there are classes. A number: no activation and loss="mse".',
        site=site,
    )


def _logits(output: Output, site: Site | None) -> Finding:
    activation = "sigmoid" if output.loss in BINARY else "softmax"
    return Finding(
        id="logits-as-probabilities",
        severity=Severity.PROBLEM,
        title=f"{output.loss} is given numbers that are no probabilities{_of(output)}.",
        evidence=(
            f"predictions from {output.minimum:.4g} to {output.maximum:.4g}; the loss has "
            "from_logits=False and cuts them off at 0 and 1",
            _seen(output),
        ),
        remedy=f'Give the loss from_logits=True, or the last layer activation="{activation}".',
        site=site,
    )


def _activated_twice(output: Output, site: Site | None) -> Finding:
    activation = "sigmoid" if output.loss in BINARY else "softmax"
    harmless = bool(output.sees_through)
    evidence = (
        "this version of Keras takes the logits out of the activation by itself, so that the loss "
        "is right; saved, wrapped or computed in float16 it is not"
        if harmless
        else f"the loss computes {activation} of what is one already: its gradients are small, and "
        "it cannot come near 0"
    )
    return Finding(
        id="probabilities-as-logits",
        severity=Severity.WARNING if harmless else Severity.PROBLEM,
        title=f"{output.loss} has from_logits=True, but the outputs are probabilities "
        f"already{_of(output)}.",
        evidence=(evidence, _seen(output)),
        remedy=f"Take from_logits=True away, or the {activation} of the last layer.",
        site=site,
    )


def _sigmoid_for_classes(output: Output, site: Site | None) -> Finding:
    return Finding(
        id="sigmoid-for-classes",
        severity=Severity.WARNING,
        title=f"{output.loss} chooses one class of {output.units}, but the outputs are sigmoids"
        f"{_of(output)}, each for itself.",
        evidence=(_seen(output),),
        remedy='One class a sample: activation="softmax". Several at once: keep the sigmoid, with '
        'loss="binary_crossentropy" and labels of zeros and ones.',
        site=site,
    )


def _softmax_for_binary(output: Output, site: Site | None) -> Finding:
    return Finding(
        id="softmax-for-binary",
        severity=Severity.WARNING,
        title=f"binary_crossentropy takes each of the {output.units} outputs{_of(output)} for "
        "itself, but a softmax makes them one choice.",
        evidence=(_seen(output),),
        remedy='One class a sample: loss="categorical_crossentropy" (the metric "accuracy" then '
        'counts classes, too). Several at once: activation="sigmoid".',
        site=site,
    )


def _of(output: Output) -> str:
    return f" ({output.name})" if output.name else ""


def _seen(output: Output) -> str:
    activation = f"activation {output.activation}" if output.activation else "no known activation"
    return f"last layer: {output.layer or 'unknown'}, {output.units} units, {activation}"
