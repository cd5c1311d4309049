"""The arithmetic of a training step and what it is done in, looked up when all else is measured.

Nothing is traced, run or drawn for it: only what TensorFlow has traced for the script is read.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject import layers
from gputune.inject.flops import Batch, Tally, TooLong, count
from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.record import Record

LONGEST_S = 2.0
_DEEPEST = 4


@dataclass(frozen=True)
class Trained:
    """What makes a training step: callables, and how often each is called in one step.

    With several steps in a call that is less than one. `reason` says why it is not known.
    """

    functions: tuple[tuple[Any, float], ...] = ()
    model: Any = None
    batch_size: int | None = None
    compiled: bool = False
    """Whether XLA compiles it (`jit_compile`)."""
    reason: str = ""


class NotCounted(Exception):
    """Why a step's operations are not known; the message is the reason."""


def look(
    tf: ModuleType, record: Record, trained: Trained, spec: Any, batches: Sequence[Batch]
) -> None:
    """Write the `compute` event of the training that `record` is of.

    `spec` is the element spec of its iterator (None without one), `batches` what a call is given.
    """
    began = time.perf_counter()
    tally, reason = None, ""
    try:
        tally = _per_step(tf, trained, spec, batches, began + LONGEST_S)
    except NotCounted as why:
        reason = str(why)
    except TooLong:
        reason = f"counting them would have taken more than {LONGEST_S:.0f} s"
    model = trained.model
    record.write(
        events.COMPUTE,
        flops=None if tally is None else tally.flops,
        by_dtype={} if tally is None else tally.by_dtype,
        reason=reason,
        took_s=time.perf_counter() - began,
        policy=_policy(model),
        tensor_float_32=bool(tf.config.experimental.tensor_float_32_execution_enabled()),
        devices=_devices(tf),
        layers=None if model is None else layers.off_size(model),
    )


def _per_step(
    tf: ModuleType, trained: Trained, spec: Any, batches: Sequence[Batch], until: float
) -> Tally:
    if trained.reason:
        raise NotCounted(trained.reason)
    whole = Tally()
    for function, calls in trained.functions:
        whole.add(count(tf, graph_of(tf, function, spec, batches), batches, until), calls)
    if whole.missing:
        name, why = next(iter(whole.missing.items()))
        more = f" (and {len(whole.missing) - 1} more)" if len(whole.missing) > 1 else ""
        raise NotCounted(f"the operation {name}{more} could not be counted: {why}")
    return whole


def graph_of(tf: ModuleType, function: Any, spec: Any, batches: Sequence[Batch]) -> Any:
    """The graph that a call of `function` on such a batch runs; raises NotCounted."""
    found = [c for compiled in compiled_in(tf, function) for c in _traced(compiled)]
    if not found:
        raise NotCounted("the training step is not a compiled function")
    given = [(c, _element_specs(tf, c)) for c in found]
    if spec is not None and any(specs for _, specs in given):
        same = [c for c, specs in given if spec in specs]
        # What takes the iterator calls what takes its batch, which was traced on the way.
        found = same or [c for c, specs in given if specs]
        if len(found) > 1 and not same:
            raise NotCounted("the training step was traced for another kind of batch")
    elif len(found) > 1:
        found = [c for c in found if _takes(tf, c, batches)] or found[-1:]
    return found[-1].graph


def compiled_in(tf: ModuleType, thing: Any, depth: int = _DEEPEST) -> list[Any]:
    """The `tf.function`s that a callable is or closes over.

    Keras' `train_function` is a plain function around its compiled step (3.15), or the compiled
    step itself in older versions.
    """
    if isinstance(thing, _kind(tf)):
        return [thing]
    if depth == 0:
        return []
    return list(
        dict.fromkeys(
            one for below in _below(thing) for one in compiled_in(tf, below, depth - 1)
        )
    )  # fmt: skip


def _kind(tf: ModuleType) -> type:
    return type(tf.function(_nothing))


def _below(thing: Any) -> Iterator[Any]:
    """What a callable stands on: a partial's function, a method's, what a function closes over."""
    if isinstance(thing, functools.partial):
        yield thing.func
    inner = getattr(thing, "__func__", None)
    if inner is not None:
        yield inner
    for cell in getattr(thing, "__closure__", None) or ():
        try:
            content = cell.cell_contents
        except ValueError:  # not filled yet
            continue
        if callable(content) and not isinstance(content, type):
            yield content


def _traced(function: Any) -> list[Any]:
    """The traces of a compiled function, the oldest first.

    `_list_all_concrete_functions` is private (tried on TensorFlow 2.21): the public
    `get_concrete_function` would trace where none fits. Asked only of what was traced.
    """
    if not function.experimental_get_tracing_count():
        return []
    return list(function._list_all_concrete_functions())


def _element_specs(tf: ModuleType, concrete: Any) -> list[Any]:
    """What the iterators and datasets among a trace's arguments give.

    Of an iterator's spec that is private (`_element_spec`, tried on TensorFlow 2.21).
    """
    flat = tf.nest.flatten(concrete.structured_input_signature)
    found = [getattr(s, "element_spec", getattr(s, "_element_spec", None)) for s in flat]
    return [spec for spec in found if spec is not None]


def _takes(tf: ModuleType, concrete: Any, batches: Sequence[Batch]) -> bool:
    """Whether some part of a batch fits each argument of a trace that has a shape."""
    parts = [part for batch in batches for part in batch]
    specs = [
        spec
        for spec in tf.nest.flatten(concrete.structured_input_signature)
        if isinstance(spec, tf.TensorSpec) and spec.shape.rank
    ]
    return all(
        any(spec.dtype.name == dtype and spec.shape.is_compatible_with(shape)
            for dtype, shape in parts)
        for spec in specs
    )  # fmt: skip


def _policy(model: Any) -> str | None:
    if model is not None:
        return layers.policy(model)
    keras = sys.modules.get("keras")
    return str(keras.config.dtype_policy().name) if keras is not None else None


def _devices(tf: ModuleType) -> list[dict[str, Any]]:
    """The GPUs that the script sees, by TensorFlow's name for their kind."""
    found = []
    for device in tf.config.get_visible_devices("GPU"):
        details = tf.config.experimental.get_device_details(device)
        capability = details.get("compute_capability")
        found.append(
            {
                "name": details.get("device_name"),
                "compute_capability": ".".join(map(str, capability)) if capability else None,
            }
        )
    return found


def _nothing() -> None:
    """A function to compile, for its class."""
