"""Shapes that raise no error and are wrong all the same. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.checks.script.reading import Shape
from gputune.checks.script.shapes.declared import of_model
from gputune.checks.script.shapes.labels import ID, of_loss
from gputune.checks.script.shapes.parts import ModelFacts, Part
from gputune.checks.script.shapes.words import called, first_upper, shown
from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site
from gputune.schema.training import Retracing

ELEMENTWISE = (
    "mean_squared_error", "mean_absolute_error", "mean_squared_logarithmic_error",
    "mean_absolute_percentage_error", "huber", "log_cosh", "mse", "mae", "msle", "mape",
)  # fmt: skip
"""Keras' losses that subtract: numpy's broadcasting makes two shapes one."""


_FEWEST_TRACES = 2
"""Once is an epoch's last batch, which is smaller: one trace in all, however long it trains."""


def broadcast(
    loss: str, y_true: Shape, y_pred: Shape, head: Part | None, site: Site | None
) -> Iterator[Finding]:
    """`label-shape`, where one of the two has a last axis of 1 and the other has a longer one.

    A `(N,)` beside `(N, 1)` is put right by Keras itself, and is nothing.
    """
    if loss not in ELEMENTWISE or len(y_true) != len(y_pred) or len(y_true) < 2:
        return
    sizes = {y_true[-1], y_pred[-1]}
    if 1 not in sizes or len(sizes) == 1 or None in sizes:
        return
    found = of_loss(loss, y_true, y_pred, head or Part("", "output"))
    yield Finding(
        id=ID,
        severity=Severity.PROBLEM,
        title=found.title,
        evidence=(
            f"labels {shown(y_true)}, predictions {shown(y_pred)}: the loss stretches the "
            "narrower one over the other and raises no error",
        ),
        remedy=found.remedy,
        site=site,
    )


def undeclared(model: ModelFacts, site: Site | None) -> Iterator[Finding]:
    """`input-differs`, where data contradict the model's inputs and no layer has minded."""
    found = of_model(model)
    if found is not None:
        yield Finding(
            id="input-differs",
            severity=Severity.WARNING,
            title=found.title,
            evidence=("no layer has minded, so Keras trains on it",),
            remedy=found.remedy,
            site=site,
        )


def fractions(layer: Part, count: int, site: Site | None) -> Iterator[Finding]:
    """`index-fractions`, where an Embedding is given numbers that are no integers."""
    if count:
        yield Finding(
            id="index-fractions",
            severity=Severity.PROBLEM,
            title=f"{first_upper(called(layer))} looks up rows by numbers that are no integers.",
            evidence=(f"{count} values of one batch have fractions, which it cuts off",),
            remedy="Give it word or category numbers (integers); a Dense layer is what takes "
            "measured values.",
            site=site,
        )


def unknown(
    spec: tuple[Shape | None, ...], first: tuple[Shape, ...], second: tuple[Shape, ...],
    *, compiled: bool, site: Site | None,
) -> Iterator[Finding]:  # fmt: skip
    """What the dataset does not know of its elements; None is an element of unknown rank.

    `first` and `second` are the shapes of two batches, `compiled` says that XLA compiles the step.
    """
    if None in spec:
        yield Finding(
            id="shape-unknown",
            severity=Severity.NOTE,
            title="The dataset does not know how many axes its elements have.",
            evidence=("a py_function, or a generator without output_signature, hides the shape",),
            remedy="Name it: tf.ensure_shape(x, (…)) in the map, or "
            "output_signature=tf.TensorSpec(…). Layers and XLA can then be built for it.",
            site=site,
        )
    differ = [(a, b) for a, b in zip(first, second, strict=False) if a[1:] != b[1:]]
    if compiled and differ:
        a, b = differ[0]
        yield Finding(
            id="shape-retracing",
            severity=Severity.WARNING,
            title="The shapes of the batches change, and XLA compiles the step anew for each.",
            evidence=(f"one batch has the shape {shown(a)}, the next {shown(b)}",),
            remedy="Pad to one length, or to a few (buckets); or compile(jit_compile=False).",
            site=site,
        )


def retraced(found: Retracing) -> Iterator[Finding]:
    """`shape-retracing`, where a function is traced again as the shapes of its inputs change."""
    if found.during_training < _FEWEST_TRACES or "shape" not in found.changed.lower():
        return
    yield Finding(
        id="shape-retracing",
        severity=Severity.WARNING,
        title=f"The shapes that {found.function} is given change, and it is traced anew for each.",
        evidence=(
            f"traced again {found.during_training} times in the few steps of the check: "
            f"{found.changed}",
        ),
        remedy="Give it one shape: .batch(…, drop_remainder=True), padding to one length "
        "(padded_batch with padded_shapes, or buckets), or tf.function(reduce_retracing=True).",
        site=found.site,
    )
