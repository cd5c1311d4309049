"""The inputs of a training's batches, cut to some samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gputune.checks.script.training import Training


def first_samples(training: Training, count: int) -> Any:
    """The inputs of up to so many samples of the training's first held batch; None without one."""
    batches = training.batches()
    return cut(batches[0].x, 0, count) if batches else None


def cut(inputs: Any, start: int, stop: int) -> Any:
    """The samples `start` to `stop` of a structure of tensors: dicts, lists and tuples."""
    if isinstance(inputs, dict):
        return {key: cut(value, start, stop) for key, value in inputs.items()}
    if isinstance(inputs, (list, tuple)):
        return type(inputs)(cut(value, start, stop) for value in inputs)
    return inputs[start:stop]


def batch_size(inputs: Any) -> int | None:
    """The samples of a batch: the first dimension of its first tensor; None where it has none."""
    from gputune.checks.script.comparing import leaves

    for leaf in leaves(inputs):
        shape: Any = getattr(leaf, "shape", ())
        return int(shape[0]) if len(shape) and shape[0] is not None else None
    return None


def compute_dtype(model: Any) -> str:
    """The coarsest type that a layer of the model computes in: `float16` before `float32`."""
    from gputune.inject.layers import flat

    kinds = {str(getattr(layer, "compute_dtype", "")) for layer in flat(model)}
    return next((kind for kind in ("float16", "bfloat16", "float32") if kind in kinds), "float32")
