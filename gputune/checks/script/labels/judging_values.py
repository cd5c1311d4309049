"""What does not fit between a loss and the values of the labels, as findings. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.checks.script.labels.facts import Labels, Output
from gputune.checks.script.labels.losses import BINARY, CATEGORICAL, REGRESSION, SPARSE
from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site

FEW = 32
"""Labels; fewer say nothing about all of them."""
UNREACHABLE = 0.01
"""Share of labels outside of what the last activation can give: fewer may be outliers."""
MOSTLY = 0.5
TOLERANCE = 1e-6


def classes(output: Output, site: Site | None) -> Iterator[Finding]:
    """Of crossentropies: labels that are none of the classes."""
    labels = output.labels
    low, high = labels.values.minimum, labels.values.maximum
    if low is None or high is None or not labels.values.finite:
        return
    if output.loss == SPARSE:
        yield from _sparse(output, labels, low, high, site)
    elif low < -TOLERANCE or high > 1 + TOLERANCE:
        yield _no_zeros_and_ones(output, labels, low, high, site)
    elif output.loss in CATEGORICAL and (labels.rows_of_one or 0.0) < MOSTLY:
        yield _many_hot(labels, site)


def regression(output: Output, site: Site | None) -> Iterator[Finding]:
    """Of distances: labels that the output cannot reach, and classes."""
    labels = output.labels
    if output.unreachable > UNREACHABLE and labels.values.finite:
        yield Finding(
            id="output-cannot-reach-labels",
            severity=Severity.PROBLEM if output.unreachable > MOSTLY else Severity.WARNING,
            title=f"The last layer's {output.activation} cannot give "
            f"{output.unreachable:.0%} of the labels.",
            evidence=(
                f"labels from {labels.values.minimum:.4g} to {labels.values.maximum:.4g} with "
                f"{output.loss}",
            ),
            remedy="Leave the activation of the last layer out for a regression, or scale the "
            "labels into its range.",
            site=site,
        )
    elif (
        output.outputs == "probabilities"
        and not labels.fractions
        and (labels.rows_of_one or 0.0) > 1 - UNREACHABLE
    ):
        yield Finding(
            id="distance-for-classes",
            severity=Severity.NOTE,
            title=f"{output.loss} on a softmax learns classes slowly.",
            evidence=("each row of labels is one-hot; where the softmax is sure and wrong, the "
                      "gradient of a distance vanishes",),
            remedy='Use loss="categorical_crossentropy".',
            site=site,
        )  # fmt: skip


def constant(output: Output, site: Site | None) -> Iterator[Finding]:
    """All labels of the training are the same (of some batches: the check `order`)."""
    labels = output.labels
    if not labels.whole or labels.classes != 1 or labels.values.shape[0] < FEW:
        return
    value = "" if output.loss in CATEGORICAL else f" ({labels.values.minimum:g})"
    yield Finding(
        id="labels-constant",
        severity=Severity.WARNING if output.loss in REGRESSION else Severity.PROBLEM,
        title=f"All {labels.values.shape[0]:,} labels are the same{value}.",
        evidence=("the model only has to learn to say that, whatever it is given",),
        remedy="Look at how the labels are read: a wrong column, a comparison that is never true, "
        "or a split that took one class.",
        site=site,
    )


def _sparse(
    output: Output, labels: Labels, low: float, high: float, site: Site | None
) -> Iterator[Finding]:
    if labels.fractions:
        yield Finding(
            id="labels-are-no-classes",
            severity=Severity.PROBLEM,
            title=f"{output.loss} wants class numbers, but the labels are fractions.",
            evidence=(f"labels from {low:.4g} to {high:.4g}; the loss cuts their fraction off",),
            remedy='For a number to be predicted: Dense(1) without activation, loss="mse".',
            site=site,
        )
    elif low < 0 or high >= output.units:
        label = int(low) if low < 0 else int(high)
        yield _out_of_range(label, output.units, (f"labels from {low:g} to {high:g}",), site)


def _out_of_range(label: int, units: int, evidence: tuple[str, ...], site: Site | None) -> Finding:
    """A class number that no output stands for: on a GPU the loss is NaN, on a CPU an error."""
    if units == 1:
        cure = 'Two classes: Dense(1, activation="sigmoid") with loss="binary_crossentropy"; more: '
        cure += "as many units as there are classes."
    elif label < 0:
        cure = "Class numbers count from 0: look for a -1 that stands for unknown, and give the "
        cure += "loss ignore_class=-1 or drop those samples."
    elif label == units:
        cure = f"Class numbers count from 0: if the labels are 1 to {units}, subtract 1; else give "
        cure += f"the last layer {units + 1} units."
    else:
        cure = f"Give the last layer at least {label + 1} units, or number the classes from 0 "
        cure += "(layers.StringLookup, or numpy.unique(y, return_inverse=True))."
    return Finding(
        id="label-out-of-range",
        severity=Severity.PROBLEM,
        title=f"A label is {label}, but the model has outputs for the classes 0 to {units - 1}.",
        evidence=evidence,
        remedy=cure,
        site=site,
    )


def _no_zeros_and_ones(
    output: Output, labels: Labels, low: float, high: float, site: Site | None
) -> Finding:
    if labels.fractions:
        what, cure = "numbers", 'For a number to be predicted: no activation and loss="mse".'
    elif output.loss in BINARY and labels.classes == 2:
        what = f"{low:g} and {high:g}"
        cure = f'Turn them into 0 and 1: y = (y == {high:g}).astype("float32").'
        if (low, high) == (-1.0, 1.0):
            cure += ' (Or keep them, with activation="tanh" and loss="hinge".)'
    elif output.loss in BINARY and output.units == 1:
        what = f"{labels.classes} classes"
        cure = f'Use Dense({int(high) + 1}, activation="softmax") and '
        cure += 'loss="sparse_categorical_crossentropy".'
    else:
        what, cure = "other numbers", "Make them one-hot: keras.utils.to_categorical(y)."
    return Finding(
        id="labels-not-0-to-1",
        severity=Severity.PROBLEM,
        title=f"{output.loss} wants labels from 0 to 1, but these are {what}.",
        evidence=(f"labels from {low:.4g} to {high:.4g}: the loss can fall below zero and has no "
                  "lowest value",),
        remedy=cure,
        site=site,
    )  # fmt: skip


def _many_hot(labels: Labels, site: Site | None) -> Finding:
    return Finding(
        id="labels-not-one-hot",
        severity=Severity.WARNING,
        title="categorical_crossentropy wants one class for each sample, but most rows of labels "
        "do not sum to 1.",
        evidence=(f"{labels.rows_of_one or 0.0:.0%} of the rows do",),
        remedy='Several classes at once: activation="sigmoid" with loss="binary_crossentropy".',
        site=site,
    )
