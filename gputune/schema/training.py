"""What a run showed around the step: its start, its pauses, its callbacks, its devices.

As everywhere in the Profile, a quantity that was not or could not be measured is None.
"""

from __future__ import annotations

from dataclasses import dataclass

from gputune.schema.site import Site


@dataclass(frozen=True, kw_only=True)
class Startup:
    """From the start of the process to the end of the first training step.

    The parts are exclusive, in this order in time, and sum to `total_s`. Under gputune the
    imports are those of a bare run; the hooks' own share is not taken off.
    """

    total_s: float | None = None
    imports_s: float | None = None
    """Until TensorFlow, and Keras where the script uses it, were imported."""
    preparation_s: float | None = None
    """From there until the training was called: data, model, `compile`."""
    first_step_s: float | None = None
    """From the call of the training to the end of its first step: iterator, tracing, compilation,
    the first batch."""
    run_fraction: float | None = None
    """`total_s` as a share of the run as far as it was seen."""


@dataclass(frozen=True, kw_only=True)
class BetweenEpochs:
    """The pause from the last step of an epoch to the first step of the next, means over pauses.

    `callbacks_s` are those at the ends and beginnings of epochs (checkpoints, logs),
    `first_step_s` what the first step of an epoch takes beyond a clean one (a new iterator, a
    shuffle buffer that is filled again). Every part is None where it was not seen. The first
    pause, in which the validation is traced, is in no mean where there are others.
    """

    pauses: int = 0
    mean_s: float | None = None
    validation_s: float | None = None
    callbacks_s: float | None = None
    first_step_s: float | None = None
    other_s: float | None = None
    run_fraction: float | None = None
    """All pauses as a share of the training time that was seen (the clean phase and before)."""


@dataclass(frozen=True, kw_only=True)
class CallbackCost:
    """What one callback of Keras' took; means over the clean steps, and over the epochs seen.

    `epoch_s` is what it did at an epoch's beginning, in its validation and at its end.
    """

    name: str
    """The class's name."""
    step_s: float | None = None
    step_fraction: float | None = None
    """`step_s` as a share of the clean step."""
    epoch_s: float | None = None
    ours: bool = False
    """Whether Keras put it in by itself (History, ProgbarLogger)."""


@dataclass(frozen=True, kw_only=True)
class Retracing:
    """A `tf.function` that was traced again: what it was called with changed."""

    function: str
    count: int
    """How many calls traced it in all (one that also makes variables traces twice, and is one)."""
    during_training: int
    """How many of them after the third step, without the function's first."""
    changed: str = ""
    """The argument that changed, and from what to what, for instance `x: shape (32, 10) ->
    (17, 10)`; empty where it is not known."""
    site: Site | None = None


@dataclass(frozen=True, kw_only=True)
class Repetition:
    """Whether the elements of a stage were the same in two passes, by their hashes.

    `above_random` says that nothing random stands above or in the stage as far as could be seen:
    its elements came again, each of them. `elements` were looked at in each pass; `bytes_all` is
    the estimate for the whole dataset, None where its length is unknown.
    """

    label: str
    site: Site | None = None
    repeats: bool = False
    in_order: bool = False
    elements: int = 0
    element_bytes: float | None = None
    elements_all: int | None = None
    bytes_all: float | None = None
    fits: bool | None = None
    """Whether `bytes_all` is below half of the memory that the cgroup has left; None: unknown."""
    reason: str = ""
    """Why it could not be tried, where `elements` is 0."""


@dataclass(frozen=True, kw_only=True)
class Replica:
    """One device of a distributed training, from the trace."""

    device: str
    busy_s_per_step: float | None = None


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """How the training is spread over devices of this host.

    `imbalance_fraction` = 1 - (least busy / most busy); `all_reduce_fraction` is the share of
    the traced step in which a device ran nothing but all-reduce; None with a reason without a
    trace of the devices.
    """

    strategy: str
    replicas: int
    per_replica_batch: int | None = None
    global_batch: int | None = None
    devices: tuple[Replica, ...] = ()
    imbalance_fraction: float | None = None
    all_reduce_fraction: float | None = None
