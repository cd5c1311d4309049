"""From the cases to findings. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gputune.checks.script.predictions.cases import BIG, ONE, PARTIAL, WHOLE, ZEROS, Asked, Case
from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site


def findings(asked: Asked, dtype: str, site: Site | None) -> Iterator[Finding]:
    """What is wrong; `dtype` is the type that the model computes in, `site` where it is trained."""
    cases = {case.name: case for case in asked.cases}
    whole = cases[WHOLE]
    if whole.error:
        yield _fails(whole, site, Severity.WARNING)
        return
    if whole.nan:
        yield _not_finite(whole, site)
        return
    random = asked.repeated is not None and asked.repeated.is_more_than_rounding(dtype)
    if random and asked.repeated is not None:
        yield _random(asked.repeated.text(), site)
    said: set[str] = set()
    for case in (cases[name] for name in (ONE, PARTIAL) if name in cases):
        for finding in _of_size(case, whole, site, dtype, compared=not random):
            if finding.id == "predict-fails" and asked.fixed_batch is not None:
                finding = _fixed(asked.fixed_batch, finding)
            if finding.id not in said:
                said.add(finding.id)
                yield finding
    for case in (cases[name] for name in (ZEROS, BIG) if name in cases):
        if case.error:
            yield _fails(case, site, Severity.NOTE)
        elif case.nan or (case.infinite and not whole.infinite):
            yield _not_finite(case, site)


def _of_size(
    case: Case, whole: Case, site: Site | None, dtype: str, *, compared: bool
) -> Iterator[Finding]:
    if case.error:
        yield _fails(case, site, Severity.WARNING)
        return
    wanted = tuple(
        (case.samples, *shape[1:]) if shape[:1] == (whole.samples,) else shape
        for shape in whole.shapes
    )
    if case.shapes != wanted:
        yield Finding(
            id="predict-shape",
            severity=Severity.WARNING,
            title=f"For {case.name} the model gives another shape.",
            evidence=(
                f"{case.samples} of {whole.samples} samples give {_shapes(case.shapes)}, where "
                f"{_shapes(wanted)} would follow from {_shapes(whole.shapes)}",
            ),
            remedy="Name the axis where squeeze or reshape is called: without one, squeeze takes "
            "the batch away as well when it is 1.",
            site=site,
        )
    elif compared and case.apart is not None and case.apart.is_more_than_rounding(dtype):
        yield Finding(
            id="predict-depends-on-batch",
            severity=Severity.WARNING,
            title="The same sample is predicted otherwise alone than among others.",
            evidence=(f"in {case.name} the outputs differ {case.apart.text()}",),
            remedy="Look for statistics over the batch in the model: BatchNormalization called "
            "with training=True, a mean or a norm over axis 0.",
            site=site,
        )


def _fails(case: Case, site: Site | None, severity: Severity) -> Finding:
    remedies = {
        ONE: "Take the size of the batch from the tensor (keras.ops.shape(x)[0], or -1 in one "
        "place of a reshape), not from a constant.",
        WHOLE: "Give the model a call that works for model.predict, or predict in the way that "
        "the script trains.",
    }
    return Finding(
        id="predict-fails",
        severity=severity,
        title=f"model.predict fails for {case.name}.",
        evidence=(case.error,),
        remedy=remedies.get(case.name if case.name != PARTIAL else ONE, "Guard the model's own "
                            "checks and divisions, or check inputs before they reach it."),
        site=case.site or site,
    )  # fmt: skip


def _not_finite(case: Case, site: Site | None) -> Finding:
    what = "NaN" if case.nan else "infinity"
    remedies = {
        WHOLE: "The weights are damaged: look at the loss, the learning rate and the inputs.",
        ZEROS: "Look for a division or a logarithm by what may be zero (a norm, a sum, a "
        "variance), and add a small epsilon; keras.ops.divide_no_nan divides so.",
        BIG: "Clip or normalise the inputs within the model, and use the library's softmax, "
        "log-softmax and losses from logits instead of exp and log.",
    }
    return Finding(
        id="predict-not-finite",
        severity=Severity.NOTE if case.name == BIG else Severity.WARNING,
        title=f"For {case.name} the model predicts {what}.",
        evidence=(f"{case.samples} samples, outputs of shape {_shapes(case.shapes)}",),
        remedy=remedies[case.name],
        site=site,
    )


def _random(text: str, site: Site | None) -> Finding:
    return Finding(
        id="predict-random",
        severity=Severity.NOTE,
        title="Two predictions of the same batch differ.",
        evidence=(f"they differ {text}",),
        remedy="Right for sampling; otherwise look for a layer that is called with training=True, "
        "or that draws random numbers or changes its weights in a prediction.",
        site=site,
    )


def _fixed(size: int, finding: Finding) -> Finding:
    return replace(
        finding,
        id="predict-fixed-batch",
        severity=Severity.NOTE,
        title=f"The model predicts batches of {size} alone: its inputs have a fixed batch size.",
        remedy="Leave batch_size and batch_shape out of Input unless an RNN is stateful.",
    )


def _shapes(shapes: tuple[tuple[int, ...], ...]) -> str:
    return " and ".join(str(shape) for shape in shapes) or "nothing"
