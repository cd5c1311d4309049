"""How many samples a step trains on."""

from __future__ import annotations

import math

from gputune.knobs.knob import Domain, Knob, Place, SetArgument, Takes
from gputune.knobs.places import has_pipeline, trains_with_fit
from gputune.schema.profile import Profile

_MAKERS = (
    "image_dataset_from_directory", "text_dataset_from_directory",
    "audio_dataset_from_directory", "timeseries_dataset_from_array",
)  # fmt: skip
_METHODS = ("fit", "PyDataset", *_MAKERS)
_OF_TF_DATA = ("batch", "padded_batch", "ragged_batch")
_SMALLEST_SHARE = 4
_LARGEST_TIMES = 32
"""Ours: from a quarter of the present batch to 32 times as much, by powers of two."""
_FEWEST_STEPS = 4
"""Ours: an epoch of fewer steps trains too little to be compared."""


def domain(profile: Profile) -> Domain:
    """Powers of two around the present size: as far as memory and the epoch's length go."""
    was = profile.steps.batch_size if profile.steps is not None else None
    pipeline = profile.pipeline
    if was is None or was < 1:
        return Domain(reason="the batch size of the training is not known")
    source = pipeline.source if pipeline is not None else ""
    if source == "PyDataset" and profile.setting("batch_size") is None:
        return Domain(was=was, reason="the PyDataset has no attribute batch_size")
    if source not in ("tf.data", "distributed tf.data", "arrays", "PyDataset"):
        return Domain(was=was, reason="the script's own Python makes the batches")
    places = _places(profile)
    if not trains_with_fit(profile) and not places:
        return Domain(was=was, reason="the line that makes the batches is not known")
    most = min(was * _LARGEST_TIMES, _most(profile, was))
    least = max(was // _SMALLEST_SHARE, 1)
    first, last = math.ceil(math.log2(least)), math.floor(math.log2(max(most, least)))
    powers = {2**k for k in range(first, last + 1)}
    return Domain(values=tuple(sorted({was, *powers})), was=was, places=places)


def _places(profile: Profile) -> tuple[Place, ...]:
    """The call that makes the batches; none where only `fit` can find the last one.

    The last `.batch` before the model, no other: `Profile.config` is in the pipeline's order. What
    a library has batched is turned at the script's line where that calls one of Keras' makers.
    """
    if not has_pipeline(profile):
        return ()
    found = [s for s in profile.config if s.knob == "batch_size" and s.site and s.value is not None]
    if not found or found[-1].site is None:
        return ()
    last, site = found[-1], found[-1].site
    own = last.note.startswith(".") and last.note.endswith(")")
    if own or any(maker in site.code for maker in _MAKERS):
        return (Place(site=site, stage=last.note if own else "", was=last.value),)
    return ()


def _most(profile: Profile, was: int) -> float:
    """The largest batch that memory and the epoch's length allow, as far as they are known."""
    predicted = [m.predicted_max_batch_size for m in profile.device_memory]
    limits: list[float] = [float(most) for most in predicted if most is not None]
    epoch = next((fit.steps_per_epoch for fit in profile.fits if fit.analysed), None)
    if epoch is not None:
        limits.append(epoch * was / _FEWEST_STEPS)
    return max(min(limits, default=math.inf), float(was))


KNOB = Knob(
    name="batch_size",
    table="tf_data",
    takes_effect="pipeline",
    changes="training",
    takes=Takes(least=1),
    addresses=("small-batch", "launch-bound", "low-mfu", "low-head-room"),
    edits=(
        *(SetArgument(method=method, argument="batch_size") for method in _METHODS),
        # `.batch` is also what windows are made of: only the one next to the model is meant.
        *(SetArgument(method=m, argument="batch_size", last=True) for m in _OF_TF_DATA),
    ),
    domain=domain,
    always=True,
)
