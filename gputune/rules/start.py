"""What goes by before the training runs: imports, preparation, the first step."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules import thresholds
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile
from gputune.schema.site import Site


def findings(profile: Profile) -> Iterator[Finding]:
    """`slow-first-step`, or else `slow-start`; shares count only where the whole run was seen."""
    found = [*_first_step(profile)]
    yield from found
    start = profile.startup
    first_s, total_s = start.first_step_s or 0.0, start.total_s or 0.0
    if found and first_s > total_s / 2:
        return
    yield from _start(profile)


def _first_step(profile: Profile) -> Iterator[Finding]:
    first_s = profile.startup.first_step_s
    if first_s is None:
        return
    fraction = _run_fraction(profile, first_s)
    large = (
        fraction is not None
        and fraction >= thresholds.FIRST_STEP_RUN_FRACTION
        and first_s >= thresholds.FIRST_STEP_LEAST_S
    )
    if first_s <= thresholds.FIRST_STEP_S and not large:
        return
    share = f", {fraction:.0%} of the run" if fraction is not None and large else ""
    evidence = [
        f"{first_s:.3g} s from the call of the training to the end of its first step{share}"
    ]
    if profile.steps is not None and profile.steps.median_s:
        evidence.append(f"a step takes {profile.steps.median_s * 1e3:.3g} ms later on")
    yield Finding(
        id="slow-first-step",
        severity=Severity.WARNING if large else Severity.NOTE,
        title=f"The first step takes {first_s:.3g} s.",
        evidence=tuple(evidence),
        remedy=_first_step_remedy(profile),
        site=_fit_site(profile),
    )


def _first_step_remedy(profile: Profile) -> str:
    hints = []
    if profile.setting("jit_compile"):
        hints.append(
            "XLA compiles the model for each shape (jit_compile): keep the shapes constant "
            "(drop_remainder=True), or compile with jit_compile=False where XLA gains little"
        )
    if profile.pipeline is not None:
        labels = [label for stage in profile.pipeline.stages for label in stage.calls]
        hints += [
            f"{label} fills its buffer before the first batch: a smaller one starts sooner"
            for label in labels
            if label.startswith(".shuffle(")
        ]
    hints.append(
        "the rest is tracing: a Python loop over layers or time steps makes the graph large"
    )
    text = "; ".join(hints)
    return f"{text[0].upper()}{text[1:]}."


def _start(profile: Profile) -> Iterator[Finding]:
    start = profile.startup
    if start.total_s is None:
        return
    fraction = _run_fraction(profile, start.total_s)
    large = (
        fraction is not None
        and fraction >= thresholds.START_RUN_FRACTION
        and start.total_s >= thresholds.START_LEAST_S
    )
    if start.total_s <= thresholds.START_S and not large:
        return
    parts = {
        "imports": start.imports_s,
        "data, model and compile": start.preparation_s,
        "the first step": start.first_step_s,
    }
    known = {name: seconds for name, seconds in parts.items() if seconds is not None}
    remedies = {
        "imports": "Import less, and from a local disk: a network file system is slow with the "
        "many small files of a Python environment.",
        "data, model and compile": "Prepare the data once and store it (TFRecord, .cache(FILE) or "
        "dataset.save), or read it with tf.data while training already runs.",
        "the first step": _first_step_remedy(profile),
    }
    worst = max(known, key=lambda name: known[name], default="data, model and compile")
    share = f", {fraction:.0%} of the run" if fraction is not None else ""
    yield Finding(
        id="slow-start",
        severity=Severity.WARNING,
        title=f"{start.total_s:.3g} s go by until the first step is over{share}.",
        evidence=tuple(f"{name}: {seconds:.3g} s" for name, seconds in known.items()),
        remedy=remedies[worst],
        site=_fit_site(profile) if worst == "the first step" else None,
    )


def _run_fraction(profile: Profile, seconds: float) -> float | None:
    """The share of the run; None where gputune or a signal cut it short."""
    command = profile.command
    if command.stopped_by_gputune or command.interrupted or command.duration_s <= 0:
        return None
    return seconds / command.duration_s


def _fit_site(profile: Profile) -> Site | None:
    return next((fit.site for fit in profile.fits if fit.analysed), None)
