"""How many elements a `map` works on at once, or how many inputs an `interleave` reads."""

from __future__ import annotations

from gputune.knobs.knob import AUTOTUNE, AUTOTUNED, Domain, Knob, SetArgument, Takes
from gputune.knobs.places import has_pipeline, places_of, stage_at
from gputune.schema.config import Setting
from gputune.schema.profile import Profile


def first_values(profile: Profile) -> tuple[Setting, ...]:
    """AUTOTUNE for each serial map that a finding names."""
    return tuple(
        Setting(
            knob="num_parallel_calls",
            value=AUTOTUNE,
            site=finding.site,
            note="runs one element at a time, and the step waits for it",
            stage=stage_at(profile, finding.site),
        )
        for finding in profile.findings
        if finding.id == "serial-map" and finding.site is not None and finding.severity != "note"
    )


def domain(profile: Profile) -> Domain:
    """1, 2, 4, all usable cores and AUTOTUNE, at each `map` and `interleave` by itself."""
    if not has_pipeline(profile):
        return Domain(reason="the training is not fed by a tf.data pipeline")
    places = (
        *places_of(profile, "num_parallel_calls", "map"),
        *places_of(profile, "num_parallel_calls", "interleave"),
    )
    if not places:
        return Domain(reason="the pipeline has no .map and no .interleave")
    cores = max(int(profile.environment.cores or 1), 1)
    counts = sorted({1, cores, *(n for n in (2, 4) if n <= cores)})
    return Domain(values=(*counts, AUTOTUNE), places=places)


KNOB = Knob(
    name="num_parallel_calls",
    table="tf_data",
    takes_effect="pipeline",
    changes="order",
    takes=Takes(least=1, words=(AUTOTUNE,)),
    addresses=("serial-map", "input-bound"),
    edits=(
        SetArgument(method="map", argument="num_parallel_calls", words=AUTOTUNED),
        SetArgument(method="interleave", argument="num_parallel_calls", words=AUTOTUNED),
    ),
    domain=domain,
    first_values=first_values,
)
