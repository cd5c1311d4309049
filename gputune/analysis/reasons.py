"""Why a figure of the Profile is None."""

from __future__ import annotations

from collections.abc import Mapping

from gputune.analysis.trace_facts import TraceFacts
from gputune.schema.profile import Environment, Profile, Unavailable

FULL = "--full lets the script run on undisturbed: this needs steps on a held batch"
ENDED = "the training ended before this could be measured"


def uses_gpu(environment: Environment) -> bool:
    """Whether TensorFlow had a GPU to compute on."""
    return any("GPU" in device for device in environment.devices)


def missing(
    profile: Profile, reasons: Mapping[str, str], trace: TraceFacts, *, full: bool
) -> list[Unavailable]:
    """The reasons for everything else that is None."""
    found = []
    if trace.gpu is None:
        why = "TensorFlow used no GPU in this run"
        if uses_gpu(profile.environment):
            why = trace.reason or "the trace holds no events of a GPU"
        found.append(Unavailable(metric="transfer", reason=why))
    ceilings = profile.ceilings
    held = reasons.get("input_wait_s") or (FULL if full else ENDED)
    drain = reasons.get("ceilings.input_samples_per_s") or (
        "--full lets the script run on undisturbed: this needs the input alone" if full else ENDED
    )
    if profile.steps is not None and profile.steps.batch_size is None:
        held = drain = "the size of a batch is not known"
        found += [
            Unavailable(metric=f"steps.{name}", reason=held)
            for name in ("batch_size", "samples_per_s")
        ]
    if ceilings.compute_samples_per_s is None:
        found.append(Unavailable(metric="ceilings.compute_samples_per_s", reason=held))
    if ceilings.input_samples_per_s is None:
        found.append(Unavailable(metric="ceilings.input_samples_per_s", reason=drain))
    if ceilings.achieved_fraction is None:
        found.append(
            Unavailable(metric="ceilings.achieved_fraction", reason="a ceiling is not known")
        )
    if profile.pipeline is not None and not profile.pipeline.stages:
        why = reasons.get("pipeline.model") or trace.reason or reasons.get("trace") or ENDED
        found.append(Unavailable(metric="pipeline.stages", reason=why))
    if full:
        why = "--full lets the script run on undisturbed: this needs a second pass over the input"
        found.append(Unavailable(metric="repetitions", reason=why))
    for metric in ("trace", "pipeline.model", "repetitions"):
        if metric in reasons:
            found.append(Unavailable(metric=metric, reason=reasons[metric]))
    return found
