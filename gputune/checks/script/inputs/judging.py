"""From what the first layers are given to findings. Pure.

Judged is the tensor that arrives at the first kernel, so that it does not matter where it was
normalised: in NumPy, in the pipeline, or by a layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gputune.checks.script.probe.facts import FirstInput
from gputune.checks.script.probe.sites import Sites
from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site

LARGE_RMS = 25.0
"""Of a feature. Initialisations are made for inputs with a variance of 1 (Glorot and Bengio 2010;
He et al. 2015), a gradient grows with its input, and Adam's steps do not shrink with it. Counts
and sums of some standardised features stay below; pixels (0 to 255) are near 130, and incomes,
years and areas are far above."""
PIXELS = 128.0
"""The highest value of an image that is not below this, with no negative one: bytes that nobody
has divided. What the preprocessing of older pretrained networks makes of them (minus the mean) has
negative values, and is meant."""
_CHANNELS = (1, 3, 4)
_MOST_COLUMNS = 5


def judge(firsts: Sequence[FirstInput], sites: Sites) -> Iterator[Finding]:
    """`inputs-not-normalised`, one for each input that a kernel is given as it is."""
    for first in firsts:
        if first.normalised_after or first.values.minimum is None:
            continue
        site = sites.of(first.layer)
        finding = _image(first, site) if _is_image(first) else _features(first, site)
        if finding is not None:
            yield finding


def _is_image(first: FirstInput) -> bool:
    shape = first.values.shape
    return len(shape) in (4, 5) and shape[-1] in _CHANNELS


def _image(first: FirstInput, site: Site | None) -> Finding | None:
    values = first.values
    low, high = values.minimum or 0.0, values.maximum or 0.0
    if low < 0 or high < PIXELS or max(first.column_rms, default=0.0) < LARGE_RMS:
        return None
    return Finding(
        id="inputs-not-normalised",
        severity=Severity.WARNING,
        title=f"The images reach {first.layer} ({first.kind}) with values from {low:.4g} to "
        f"{high:.4g}.",
        evidence=(
            f"mean {values.mean:.4g}, standard deviation {values.std:.4g}; no layer before it "
            "rescales them, and no normalisation follows it",
        ),
        remedy="Divide by 255 in the pipeline, or make layers.Rescaling(1 / 255) the model's "
        "first layer; a pretrained network has a preprocess_input of its own.",
        site=site,
    )


def _features(first: FirstInput, site: Site | None) -> Finding | None:
    values = first.values
    columns = first.column_rms or (((values.mean or 0.0) ** 2 + (values.std or 0.0) ** 2) ** 0.5,)
    large = [(index, rms) for index, rms in enumerate(columns) if rms > LARGE_RMS]
    if not large:
        return None
    large.sort(key=lambda item: -item[1])
    if len(columns) > 1:
        named = ", ".join(f"{index} ({rms:.3g})" for index, rms in large[:_MOST_COLUMNS])
        more = f" and {len(large) - _MOST_COLUMNS} more" if len(large) > _MOST_COLUMNS else ""
        share = f"{len(large)} of {len(columns)} features are above {LARGE_RMS:g} (root mean "
        evidence = f"{share}square), counted from 0: {named}{more}"
    else:
        evidence = f"their root mean square is {columns[0]:.4g}"
    return Finding(
        id="inputs-not-normalised",
        severity=Severity.WARNING,
        title=f"The inputs reach {first.layer} ({first.kind}) with values from "
        f"{values.minimum:.4g} to {values.maximum:.4g}.",
        evidence=(evidence,),
        remedy="Give each feature a mean of 0 and a standard deviation of 1: a "
        "layers.Normalization() with adapt(x_train) as the first layer does it, and goes with "
        "the saved model. What numbers categories belongs into an Embedding or a one-hot code.",
        site=site,
    )
