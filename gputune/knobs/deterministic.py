"""Whether a parallel stage gives its elements in order, or as they are done."""

from __future__ import annotations

from gputune.knobs.knob import Domain, Knob, Place, SetArgument, SetOption, Takes
from gputune.knobs.places import end_of_pipeline, has_pipeline, trains_with_fit
from gputune.schema.profile import Profile


def domain(profile: Profile) -> Domain:
    """True and false, where a stage works on several elements at once."""
    was = profile.setting("options.deterministic")
    if not has_pipeline(profile) or profile.pipeline is None:
        return Domain(was=was, reason="the training is not fed by a tf.data pipeline")
    parallel = [s for s in profile.pipeline.stages if (s.parallelism or 0) > 1]
    if not parallel:
        return Domain(was=was, reason="no stage works on several elements at once")
    places: tuple[Place, ...] = ()
    if not trains_with_fit(profile):
        end = end_of_pipeline(profile)
        if end is None:
            return Domain(was=was, reason="the line at which the pipeline ends is not known")
        places = (end,)
    return Domain(values=(True, False), was=True if was is None else was, places=places)


KNOB = Knob(
    name="deterministic",
    table="tf_data",
    takes_effect="pipeline",
    changes="order",
    takes=Takes(truth=True),
    addresses=("input-bound",),
    edits=(
        SetArgument(method="map", argument="deterministic"),
        SetArgument(method="interleave", argument="deterministic"),
        SetOption(option="deterministic"),
    ),
    domain=domain,
    reported_as="options.deterministic",
)
