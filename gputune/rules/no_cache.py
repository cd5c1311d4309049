"""Work whose result is the same in every epoch, done again in every epoch."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.caching import Place, moved_behind, opens_files, place
from gputune.rules.input_bound import waits_for_input
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Pipeline, Profile


def findings(profile: Profile) -> Iterator[Finding]:
    """`no-cache` where the step waits for what a cache could hold, and was seen to repeat."""
    pipeline = profile.pipeline
    if pipeline is None or not waits_for_input(profile):
        return
    found = place(profile)
    if found is None:
        return
    yield Finding(
        id="no-cache",
        severity=Severity.WARNING,
        title=f"{found.saved_fraction:.0%} of the input's work gives the same elements in every "
        f"epoch, and is done again each time: {found.stage.label} and what stands above it.",
        evidence=_evidence(found),
        remedy=_remedy(pipeline, found),
        site=found.repetition.site or found.stage.site,
    )


def _evidence(found: Place) -> tuple[str, ...]:
    seen = found.repetition
    order = "in the same order" if seen.in_order else "the random order above it aside"
    lines = [f"{seen.elements} elements of {seen.label} were made twice: the same, {order}"]
    if seen.bytes_all is not None and seen.elements_all is not None:
        room = "" if seen.fits is None else ", which is below half of the memory that is left"
        lines.append(f"all {seen.elements_all} take {size(seen.bytes_all)}{room}")
    return tuple(lines)


def _remedy(pipeline: Pipeline, found: Place) -> str:
    stage, seen = found.stage, found.repetition
    where = f"{seen.site.label()}: " if seen.site is not None else ""
    moved = moved_behind(pipeline, stage)
    chain = f"{seen.label}.cache(){''.join(moved)}"
    text = f"{where}{chain}."
    if any(label.startswith(".shuffle(") for label in moved):
        shuffle = next(label for label in moved if label.startswith(".shuffle("))
        text += (
            f" Move {shuffle} from above it to behind the cache: left where it is, the order of "
            "the first epoch would be frozen for all others."
        )
        if opens_files(pipeline, stage):
            text += " Files that are shuffled above it keep their first order."
    elif not seen.in_order:
        text += (
            " The order above it is random: put .shuffle(…) behind the cache, or the order of the "
            "first epoch is frozen for all others."
        )
    if any(label.startswith(".repeat(") for label in moved):
        text += " .repeat() moves behind the cache too: an endless stream fills it without end."
    if seen.fits is None:
        each = f" of {size(seen.element_bytes)}" if seen.element_bytes else ""
        text += (
            f" How much memory that takes is not known (elements{each}); where it does not fit, "
            "give .cache(…) a file on a local disk."
        )
    return text


def size(count: float) -> str:
    """Bytes as a person writes them: `169 MB`."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} bytes"
