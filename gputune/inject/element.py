"""What a batch is made of: its components' types and shapes, and those of the stages before it."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject.chains import chain
from gputune.inject.flops import Batch
from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.datasets import Recorder
    from gputune.inject.record import Record

BATCHING = {"batch", "padded_batch", "ragged_batch"}
Component = tuple[str, list[int | None] | None]
"""A type and a shape; a shape whose rank is not known is None."""


def describe(
    tf: ModuleType, record: Record, recorder: Recorder | None, spec: Any,
    dataset_id: int | None,
) -> None:  # fmt: skip
    """Write the `element` event: the batch that training takes, and the stages that made it.

    `spec` is the element spec of the iterator, None where there is none.
    """
    if spec is None:
        why = "the script takes its batches neither from tf.data nor from an iterator"
        record.unavailable("element", why)
        return
    stages = []
    if recorder is not None and dataset_id is not None:
        stages = [
            {
                "call": made.id,
                "method": made.method,
                "components": components(tf, dataset.element_spec),
            }
            for dataset, made in chain(recorder.living(), dataset_id)
        ]
    record.write(events.ELEMENT, components=components(tf, spec), stages=stages)


def components(tf: ModuleType, spec: Any) -> list[Component]:
    """The parts of an element spec, flat; of ragged and sparse ones what they are made of.

    Of a distributed dataset's spec: what the first replica gets.
    """
    found: list[Component] = []
    own = [(_of_replicas(part) or (part,))[0] for part in tf.nest.flatten(spec)]
    for part in tf.nest.flatten(own, expand_composites=True):
        dtype, shape = getattr(part, "dtype", None), getattr(part, "shape", None)
        sizes = None if shape is None or shape.rank is None else shape.as_list()
        found.append((dtype.name if dtype is not None else "", sizes))
    return found


def batches(tf: ModuleType, element: Any) -> list[Batch]:
    """The parts of a real batch, flat; one batch for each replica that gets its own."""
    parts = tf.nest.flatten(element)
    if parts and all(isinstance(part, tf.distribute.DistributedValues) for part in parts):
        return [
            [_part(part.values[number]) for part in parts] for number in range(len(parts[0].values))
        ]
    return [[_part(part) for part in tf.nest.flatten(element, expand_composites=True)]]


def assumed(tf: ModuleType, spec: Any, batch_size: int | None) -> list[Batch]:
    """A batch as the spec has it, of that size where the spec leaves it open.

    Empty where another dimension is open, too: that of a batch's components would be a guess; and
    for replicas, whose shares of the batch the spec does not tell.
    """
    if spec is not None and any(map(_of_replicas, tf.nest.flatten(spec))):
        return []
    found: list[tuple[str, tuple[int, ...]]] = []
    for dtype, shape in components(tf, spec) if spec is not None else ():
        if shape is None:
            return []
        whole = [batch_size, *shape[1:]] if shape and shape[0] is None else shape
        known = [size for size in whole if size is not None]
        if len(known) < len(whole):
            return []
        found.append((dtype, tuple(known)))
    return [found] if found else []


def last_batch_size(recorder: Recorder | None, dataset_id: int | None) -> int | None:
    """The size of the last `.batch` before the model, where it was recorded."""
    if recorder is None or dataset_id is None:
        return None
    for _, made in reversed(chain(recorder.living(), dataset_id)):
        if made.method in BATCHING:
            size = made.arguments.get("batch_size")
            return size if isinstance(size, int) else None
    return None


def _of_replicas(part: Any) -> tuple[Any, ...]:
    """What each replica gets of a part; `_value_specs` is private (tried on TensorFlow 2.21)."""
    return tuple(getattr(part, "_value_specs", ()))


def _part(tensor: Any) -> tuple[str, tuple[int, ...]]:
    return tensor.dtype.name, tuple(int(size) for size in tensor.shape)
