"""A batch held in memory, through an iterator that the compiled function cannot tell apart."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from gputune.inject.datasets import unrecorded


class CannotHold(Exception):
    """Why this input cannot be held; the message is the reason that the report gives."""


class Repeated:
    """Gives the same element for ever: for scripts that take their batches in Python."""

    def __init__(self, element: Any) -> None:
        self._element = element

    def get_next(self) -> Any:
        """The element."""
        return self._element


def hold(tf: ModuleType, iterator: Any, element: Any, *, any_object: bool = False) -> Any:
    """An endless iterator over `element`, with the element spec of `iterator`.

    With `any_object` the iterator may be of another class, where none of the same can be made (a
    distributed one).

    The spec decides whether a `tf.function` is traced again; so that it is the same to the last
    unknown dimension, each component passes through a placeholder of the spec's own shape.
    Raises CannotHold for an input whose spec cannot be rebuilt.
    """
    spec = iterator.element_spec
    flat = tf.nest.flatten(element, expand_composites=True)
    parts = tf.nest.flatten(element)
    if parts and all(isinstance(part, tf.distribute.DistributedValues) for part in parts):
        try:
            return _distributed(tf, iterator, parts)
        except Exception as error:  # private attributes, or another kind of distribution
            if any_object:
                return Repeated(element)
            raise CannotHold(f"a distributed batch could not be held: {error}"[:200]) from error
    with unrecorded():
        flat_spec = tf.nest.flatten(spec, expand_composites=True)
        if len(flat) != len(flat_spec) or not all(tf.is_tensor(t) for t in flat):
            raise CannotHold("the batch has components that are no tensors")
        held = iter(_dataset(tf, flat, flat_spec, spec))
    if held.element_spec != spec:
        raise CannotHold("the held batch would have another element spec")
    return held


def _dataset(tf: ModuleType, flat: list[Any], flat_spec: list[Any], spec: Any) -> Any:
    def as_specified(*components: Any) -> Any:
        shaped = [
            tf.compat.v1.placeholder_with_default(tensor, item.shape)
            for tensor, item in zip(components, flat_spec, strict=True)
        ]
        return tf.nest.pack_sequence_as(spec, shaped, expand_composites=True)

    options = tf.data.Options()
    # Nothing but the batch itself: no thread, no buffer, no tuning that would cost time.
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    options.experimental_optimization.inject_prefetch = False
    options.threading.private_threadpool_size = 1
    return (
        tf.data.Dataset.from_tensors(tuple(flat))
        .map(as_specified)
        .cache()
        .repeat()
        .with_options(options)
    )


def _distributed(tf: ModuleType, iterator: Any, parts: list[Any]) -> Any:
    """The same for a distributed iterator: each replica gets its own part again and again.

    The iterator's strategy and the specs of its replicas are private attributes (tried on
    TensorFlow 2.21 with MirroredStrategy); without them the batch is not held.
    """
    spec, strategy = iterator.element_spec, iterator._strategy
    specs = tf.nest.flatten(spec)

    def of_replica(number: int) -> Any:
        shapes = [item._value_specs[number].shape for item in specs]

        def as_specified(*components: Any) -> Any:
            shaped = [
                tf.compat.v1.placeholder_with_default(tensor, shape)
                for tensor, shape in zip(components, shapes, strict=True)
            ]
            return tf.nest.pack_sequence_as(spec, shaped)

        own = tuple(part.values[number] for part in parts)
        return tf.data.Dataset.from_tensors(own).map(as_specified)

    def of_worker(_: Any) -> Any:
        # The replicas of a worker take its elements in turn.
        dataset = of_replica(0)
        for number in range(1, strategy.num_replicas_in_sync):
            dataset = dataset.concatenate(of_replica(number))
        return dataset.cache().repeat()

    with unrecorded():
        held = iter(strategy.distribute_datasets_from_function(of_worker))
    if type(held) is not type(iterator) or held.element_spec != spec:
        raise CannotHold("the held batch would have another element spec")
    return held
