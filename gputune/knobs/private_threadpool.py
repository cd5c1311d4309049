"""Threads of the pipeline's own, so that it does not stand in the model's queue."""

from __future__ import annotations

from gputune.knobs.knob import Domain, Knob, Place, SetOption, Takes
from gputune.knobs.places import end_of_pipeline, has_pipeline, trains_with_fit
from gputune.schema.profile import Profile


def domain(profile: Profile) -> Domain:
    """TensorFlow's shared pool (0), then half, all and twice the usable cores."""
    was = profile.setting(KNOB.reported_as)
    if not has_pipeline(profile):
        return Domain(was=was, reason="the training is not fed by a tf.data pipeline")
    places: tuple[Place, ...] = ()
    if not trains_with_fit(profile):
        end = end_of_pipeline(profile)
        if end is None:
            return Domain(was=was, reason="the line at which the pipeline ends is not known")
        places = (end,)
    cores = max(int(profile.environment.cores or 1), 1)
    values = sorted({0, max(cores // 2, 1), cores, 2 * cores})
    return Domain(values=tuple(values), was=0 if was is None else was, places=places)


KNOB = Knob(
    name="private_threadpool",
    table="tf_data",
    takes_effect="pipeline",
    changes="nothing",
    takes=Takes(least=0),
    addresses=("input-bound",),
    edits=(SetOption(option="threading.private_threadpool_size"),),
    domain=domain,
    reported_as="options.threading.private_threadpool_size",
)
