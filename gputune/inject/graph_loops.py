"""How often a `While` of a traced function runs, where its graph alone says so."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

_COMPARED = {"Less": 0, "LessEqual": 1}
"""`counter < limit`, and how much further the other one counts."""
_PASSES = {"Identity", "StopGradient", "Squeeze"}
_MORE_DATA = {"OptionalHasValue"}
"""True until the dataset ends: a call of the train function amid an epoch."""


def step_of(body: Any, number: int) -> int | None:
    """By how much one run of the body counts its loop variable up; None where it does not."""
    total = 0
    tensor = body.outputs[number]
    while True:
        op = tensor.op
        if op.type in _PASSES:
            tensor = op.inputs[0]
        elif op.type in ("Add", "AddV2"):
            constants = [_constant(t) for t in op.inputs]
            if constants[1] is not None:
                total, tensor = total + constants[1], op.inputs[0]
            elif constants[0] is not None:
                total, tensor = total + constants[0], op.inputs[1]
            else:
                return None
        else:
            return total if same(tensor, body.inputs[number]) else None


def same(one: Any, other: Any) -> bool:
    """Whether two tensors of one graph are the same output of the same operation."""
    return bool(one.op.name == other.op.name and one.value_index == other.value_index)


def trips(condition: Any, body: Any, initial: Callable[[int], int | None]) -> int | None:
    """How often the body runs; None where that hangs on data.

    `condition` and `body` are the graphs of the loop, `initial(i)` the value of its i-th variable
    before the loop. The condition must be a conjunction of `counter < limit` and of whether there
    is more data, of which there is.
    """
    found: list[int] = []
    for tensor in _conjuncts(condition.outputs[0]):
        op = tensor.op
        if op.type in _MORE_DATA:
            continue
        if op.type in _COMPARED:
            counter, limit = op.inputs
            more = _COMPARED[op.type]
        elif op.type == "Greater":
            limit, counter = op.inputs
            more = 0
        else:
            return None
        number = _input(condition.inputs, counter)
        if number is None:
            return None
        step, begin = step_of(body, number), initial(number)
        end = _constant(limit)
        if end is None:
            bound = _input(condition.inputs, limit)
            if bound is None or step_of(body, bound) != 0:
                return None
            end = initial(bound)
        if step is None or step <= 0 or begin is None or end is None:
            return None
        found.append(max(math.ceil((end + more - begin) / step), 0))
    return min(found, default=None)


def _conjuncts(tensor: Any) -> list[Any]:
    op = tensor.op
    if op.type in _PASSES:
        return _conjuncts(op.inputs[0])
    if op.type == "LogicalAnd":
        return [part for t in op.inputs for part in _conjuncts(t)]
    return [tensor]


def _through(tensor: Any) -> Any:
    while tensor.op.type in _PASSES:
        tensor = tensor.op.inputs[0]
    return tensor


def _input(inputs: Sequence[Any], tensor: Any) -> int | None:
    tensor = _through(tensor)
    return next((i for i, known in enumerate(inputs) if same(known, tensor)), None)


def _constant(tensor: Any) -> int | None:
    tensor = _through(tensor)
    if tensor.op.type != "Const" or not tensor.dtype.is_integer or tensor.shape.rank != 0:
        return None
    value = tensor.op.get_attr("value")
    numbers = list(value.int_val) or list(value.int64_val)
    if numbers:
        return int(numbers[0])
    return int.from_bytes(value.tensor_content, "little", signed=True) or 0
