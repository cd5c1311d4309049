"""What checks there are, as data: read by both processes, so it loads the standard library only."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Literal

Half = Literal["script", "source"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One check.

    `summary` is the sentence of `gputune check --list`. `half` says where it runs: in the script's
    process (`place` names a `script.check.Check`) or on its source (`place` names a function from
    a `source.tree.Source` to findings). `place` is `module:name` below `gputune.checks`.
    """

    name: str
    summary: str
    half: Half
    place: str

    def load(self) -> Any:
        """The check's class or function; raises ImportError or AttributeError where it is broken.

        By name, so that neither process imports what belongs to the other.
        """
        module, _, name = self.place.partition(":")
        return getattr(importlib.import_module(f"gputune.checks.{module}"), name)


CHECKS: tuple[Entry, ...] = (
    # The order is that of `--list`, and the one in which the checks are asked at every hook.
    # `runs` stays the last of its half: it speaks of an error that no other check has explained.
    Entry(
        name="patience",
        summary="EarlyStopping or ReduceLROnPlateau with a patience that the epochs in the source "
        "can never reach.",
        half="source",
        place="source.patience:findings",
    ),
    Entry(
        name="formats",
        summary="Ways of saving and loading that Keras 3 refuses (save_format, names without an "
        "ending, folders of a SavedModel), with today's way.",
        half="source",
        place="source.formats:findings",
    ),
    Entry(
        name="log-level",
        summary="Settings that hide TensorFlow's errors, or that come after its import.",
        half="source",
        place="source.log_level:findings",
    ),
    Entry(
        name="devices",
        summary="Lines that hide the GPU from TensorFlow, or put the model on the CPU.",
        half="source",
        place="source.devices:findings",
    ),
    Entry(
        name="shapes",
        summary="Layers, losses and metrics that are given another shape than they want, and "
        "shapes that change from batch to batch.",
        half="script",
        place="script.shapes.check:Shapes",
    ),
    Entry(
        name="callbacks",
        summary="Callbacks that raise, that watch a metric which does not exist, that can never "
        "act, that cannot write, that overwrite the last run's files, or that cost much time.",
        half="script",
        place="script.callbacks.check:Callbacks",
    ),
    Entry(
        name="saving",
        summary="The trained model comes back the same from .keras, .weights.h5, HDF5 and "
        "SavedModel; custom layers, losses, metrics and optimizers are saved whole.",
        half="script",
        place="script.saving.check:Saving",
    ),
    Entry(
        name="predictions",
        summary="model.predict works for one sample, a partial batch, zeros and large values, and "
        "a sample's prediction does not depend on its neighbours.",
        half="script",
        place="script.predictions.check:Predictions",
    ),
    Entry(
        name="surroundings",
        summary="Where the model's weights are, and an environment that hides TensorFlow's errors.",
        half="script",
        place="script.surroundings.check:Surroundings",
    ),
    Entry(
        name="practices",
        summary="Advice: the functional API for many inputs, mixed precision, a random seed, "
        "checkpoints of long trainings.",
        half="script",
        place="script.practices.check:Practices",
    ),
    Entry(
        name="numbers",
        summary="NaN and infinity, and what makes them first: an input, a layer, the loss or a "
        "gradient.",
        half="script",
        place="script.numbers.check:Numbers",
    ),
    Entry(
        name="gradients",
        summary="Gradients that vanish or explode, dead units, weights that begin constant or far "
        "too large.",
        half="script",
        place="script.gradients.check:Gradients",
    ),
    Entry(
        name="inputs",
        summary="Inputs that reach the first layers without being normalised.",
        half="script",
        place="script.inputs.check:Inputs",
    ),
    Entry(
        name="labels",
        summary="Labels, outputs and a loss that do not fit together: class numbers out of range, "
        "logits and probabilities mixed up, labels that the output cannot reach.",
        half="script",
        place="script.labels.check:Labels",
    ),
    Entry(
        name="learning",
        summary="A loss that rises or stands still, weights that do not move, loss and val_loss "
        "that part, as far as some forty steps show it.",
        half="script",
        place="script.learning.check:Learning",
    ),
    Entry(
        name="order",
        summary="Training data that nothing shuffles, or that come sorted by their label.",
        half="script",
        place="script.order.check:OrderOfData",
    ),
    Entry(
        name="stopping",
        summary="Long trainings without early stopping or validation: advice.",
        half="script",
        place="script.stopping.check:Stopping",
    ),
    Entry(
        name="gpu",
        summary="A GPU that TensorFlow does not see, operations that run beside it, a batch too "
        "small for it.",
        half="script",
        place="script.gpu.check:Gpu",
    ),
    Entry(
        name="runs",
        summary="The script reaches its first training steps without an error.",
        half="script",
        place="script.runs:Runs",
    ),
)


def names(half: Half | None = None) -> tuple[str, ...]:
    """The checks' names, of one half or of both, in the order of the list."""
    return tuple(entry.name for entry in CHECKS if half in (None, entry.half))


def entry(name: str) -> Entry:
    """The check of that name; raises KeyError where there is none."""
    for one in CHECKS:
        if one.name == name:
            return one
    raise KeyError(name)
