"""What was seen of a callback in a short training, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field

from gputune.schema.site import Site

HOOKS = tuple(
    f"on_{what}_{when}"
    for what in ("train", "epoch", "batch", "train_batch", "test", "test_batch", "predict",
                 "predict_batch")
    for when in ("begin", "end")
)  # fmt: skip
"""The methods that Keras calls."""
SETUP = ("set_params", "set_model", "on_train_begin")
"""Where one of these fails, what else the callback does means nothing."""


@dataclass(frozen=True, kw_only=True)
class RaisedIn:
    """An error that a callback raised: once for each hook, however often it came."""

    callback: str
    """The class's name."""
    hook: str
    error: str
    text: str
    site: Site | None
    own: bool
    """Whether the hook's code is the user's, so that it can be edited."""
    source: str = ""
    """The hook's source, where it is the user's and can be read."""
    missing_folder: str = ""
    """The folder that is not there, of a FileNotFoundError for a file in it."""


@dataclass(frozen=True, kw_only=True)
class Watching:
    """A callback that waits for a metric: EarlyStopping, ReduceLROnPlateau, ModelCheckpoint."""

    kind: str
    monitor: str
    names: tuple[str, ...]
    """What it was given at the ends of the epochs that were seen."""
    epochs_seen: int
    epochs: int | None
    """How many the training has in all; None where nobody knows."""
    has_validation: bool
    site: Site | None
    patience: int | None = None
    earliest_epoch: int | None = None
    """The first at whose end it can act, counted from the training's first as 1."""
    acts_at_the_end: bool = False
    """It restores the best weights when the training ends, whatever its patience."""
    saves_best_only: bool | None = None
    """Of a ModelCheckpoint; None for another."""


@dataclass(frozen=True, kw_only=True)
class Writing:
    """A callback of Keras' that writes: where, and what is there."""

    kind: str
    path: str
    makes_folder: bool
    """Whether it makes the folder itself where that is missing."""
    folder: str
    """The nearest folder that the file is to lie in."""
    problem: str
    """Why it cannot write there; empty where it can."""
    exists: bool
    """Whether files of this name are there, of an earlier run."""
    appends: bool
    """Whether it adds to what is there instead of writing over it."""
    site: Site | None


@dataclass(kw_only=True)
class Spent:
    """The seconds of one callback, call by call."""

    name: str
    steps: list[float] = field(default_factory=list)
    """At each training step, begin and end."""
    epochs: list[float] = field(default_factory=list)
    """At each epoch: its begin, its validation, its end."""
