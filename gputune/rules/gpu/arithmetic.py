"""The bytes that a step must move to the GPU beside those that it moves."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.gpu.copies import copies_matter
from gputune.rules.gpu.seen import copies_share, fit_site, megabytes, ms, trains_on_gpu
from gputune.rules.thresholds import (
    COPIED_TWICE_RATIO,
    COPIES_EXPOSED_FRACTION,
    COPIES_MATTER_BYTES,
    WIDE_RATIO,
)
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile


def findings(profile: Profile) -> Iterator[Finding]:
    """`copied-twice` and `wide-elements`, of the element that the dataset gives."""
    if trains_on_gpu(profile) and profile.element is not None:
        yield from _twice(profile)
        yield from _wide(profile)


def _severity(profile: Profile) -> Severity:
    exposed = copies_share(profile) or 0.0
    return Severity.WARNING if exposed >= COPIES_EXPOSED_FRACTION else Severity.NOTE


def _twice(profile: Profile) -> Iterator[Finding]:
    """Where a step moves 1.8 times the bytes of its batch, and a megabyte more than it must."""
    moved, element = profile.transfer.h2d_bytes_per_step, profile.element
    expected = element.expected_h2d_bytes_per_step if element is not None else None
    if element is None or moved is None or not expected:
        return
    if moved < COPIED_TWICE_RATIO * expected or moved - expected < COPIES_MATTER_BYTES:
        return
    evidence = [f"a batch has {megabytes(expected)}, a step copies {megabytes(moved)} to the GPU"]
    if element.components:
        evidence.append(f"the batch is {', '.join(element.components)}")
    if profile.transfer.h2d_s_per_step is not None:
        evidence.append(f"the copies take {ms(profile.transfer.h2d_s_per_step)} of a step")
    yield Finding(
        id="copied-twice",
        severity=_severity(profile),
        title=f"A step copies {moved / expected:.1f} times the bytes of its batch to the GPU.",
        evidence=tuple(evidence),
        remedy="Look for a batch that is sent again after an operation on the CPU (preprocessing "
        "layers inside the model, tf.numpy_function in the step) or to each of several GPUs whole, "
        "and for large constants and tables that are no variables: `gputune trace` lists the "
        "operations.",
        site=fit_site(profile),
    )


def _wide(profile: Profile) -> Iterator[Finding]:
    """Where casts on the host at least double the bytes of a batch, and copies are worth it."""
    element = profile.element
    if element is None or element.narrower_bytes_per_step is None:
        return
    expected, narrow = element.expected_h2d_bytes_per_step, element.narrower_bytes_per_step
    if not expected or narrow > WIDE_RATIO * expected:
        return
    if expected < COPIES_MATTER_BYTES and not copies_matter(profile):
        return
    casts = f" ({', '.join(element.casts)})" if element.casts else ""
    kinds = (
        " and ".join(sorted({cast.split(" ")[0] for cast in element.casts})) or "the narrower type"
    )
    yield Finding(
        id="wide-elements",
        severity=_severity(profile),
        title=f"Batches are cast to a wider type before they are sent: {expected / narrow:.3g} "
        "times the bytes."
        if narrow
        else "Batches are cast to a wider type before they are sent.",
        evidence=(
            f"a batch has {megabytes(expected)}, and had {megabytes(narrow)} before it was cast on "
            f"the host{casts}",
        ),
        remedy=f"Send {kinds}, and cast on the GPU: drop the tf.cast from the .map, and make "
        "keras.layers.Rescaling (or a tf.cast in the step) the model's first layer. The host casts "
        "less, too, and caches hold less.",
        site=fit_site(profile),
    )
