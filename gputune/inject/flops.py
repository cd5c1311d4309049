"""The floating-point operations of a traced function, from its graphs; nothing of it runs.

Most training functions are traced with an unknown batch dimension, and what a graph knows of its
shapes then ends at the first reshape. So the part of the graph that shapes depend on is built once
more in a graph of our own, with the shapes of a real batch at its sources, and TensorFlow's own
shape inference fills in the rest. Functions are entered where they are called; of a condition's
branches the larger one counts; a loop counts as often as its graph says that it runs.

Only what the function's results and effects stand on is counted: TensorFlow prunes the rest.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from gputune.inject.graph_loops import same, step_of, trips
from gputune.inject.graph_shapes import common, compatible, refine, shape_of, whole
from gputune.inject.op_flops import KINDS, NO_FORMULA, Shape, flops

Batch = Sequence[tuple[str, tuple[int, ...]]]
"""The components of one batch, flat: (dtype, shape)."""
_CALLS = {"PartitionedCall": "f", "StatefulPartitionedCall": "f", "XlaLaunchV2": "f"}
_LOOPS = {"While", "StatelessWhile"}
_BRANCHES = {"If", "StatelessIf", "Case", "StatelessCase"}
_SOURCES = {
    "IteratorGetNext", "IteratorGetNextSync", "OptionalGetValue",
    "MultiDeviceIteratorGetNextFromShard",
}  # fmt: skip
_ARGUMENTS = {"Placeholder", "PlaceholderWithDefault"}
_LIST_ITEM = {"TensorListPushBack": 1, "TensorListSetItem": 2, "TensorListFromTensor": 0}
"""Which input of these says what the elements of a list of tensors look like."""
_LIST_GIVES = {"TensorListPopBack": 1, "TensorListGetItem": 0}
"""Which output of these is an element of the list."""


class TooLong(Exception):
    """Counting would take longer than it may."""


@dataclass
class Tally:
    """What was counted; `missing` are the operations that could not be, with the reason."""

    flops: float = 0.0
    by_dtype: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, other: Tally, times: float = 1.0) -> None:
        """Add another tally so many times."""
        self.flops += times * other.flops
        for name, value in other.by_dtype.items():
            self.by_dtype[name] = self.by_dtype.get(name, 0.0) + times * value
        if times:
            self.missing.update(other.missing)


@dataclass
class _Item:
    """An element of a list of tensors; `value` where each one is the same constant."""

    shape: Shape
    value: Any = None

    def alike(self, other: _Item | None) -> bool:
        """Whether a second look at a loop could find no more than the first."""
        return other is not None and self.shape == other.shape and (
            (self.value is None) == (other.value is None)
        )  # fmt: skip


def count(tf: ModuleType, graph: Any, batches: Sequence[Batch], until: float) -> Tally:
    """The operations of one call of the function whose graph this is.

    `batches` are what a call may be given: one batch, or one for each replica. Raises TooLong
    where it is not done at `until`, in seconds of perf_counter.
    """
    counter = _Counter(tf, batches, until)
    with counter.scratch.as_default():
        arguments = [counter.argument(tensor) for tensor in graph.inputs]
        _, tally = counter.body(graph, arguments, shapes_wanted=False)
    return tally


class _Counter:
    def __init__(self, tf: ModuleType, batches: Sequence[Batch], until: float) -> None:
        self._tf = tf
        self._batches = batches
        self._until = until
        self.scratch = tf.Graph()
        self._heavy: dict[int, bool] = {}
        self._items: dict[str, _Item | None] = {}
        """What the elements of each list of tensors are, by the tensor's name."""

    # What stands for a tensor of the traced graph.

    def stand_in(self, dtype: Any, shape: Shape) -> Any:
        """A tensor of our own of which nothing but the shape is known."""
        return self._tf.compat.v1.placeholder(dtype, shape)

    def argument(self, tensor: Any) -> Any:
        """An argument of the function: a component of the batch where it can be one."""
        shape = shape_of(tensor)
        if not whole(shape):
            for component in (c for batch in self._batches for c in batch):
                if component[0] == tensor.dtype.name and compatible(shape, component[1]):
                    shape = component[1]
                    break
        return self.stand_in(tensor.dtype, shape)

    def _source(self, op: Any) -> list[Any]:
        shapes = [shape_of(t) for t in op.outputs]
        for batch in self._batches:
            if len(batch) == len(shapes) and all(
                compatible(shape, component[1])
                for shape, component in zip(shapes, batch, strict=True)
            ):
                shapes = [component[1] for component in batch]
                break
        return [self.stand_in(t.dtype, s) for t, s in zip(op.outputs, shapes, strict=True)]

    # The walk.

    def body(
        self, graph: Any, arguments: Sequence[Any], *, shapes_wanted: bool
    ) -> tuple[list[Any], Tally]:
        """The results of a graph for these arguments, and what it computes.

        Results whose shapes nobody asked for are those of the trace.
        """
        tally = Tally()
        known = {_key(t): value for t, value in zip(graph.inputs, arguments, strict=False)}
        wanted = self._wanted(graph, shapes_wanted=shapes_wanted)
        # The operations of a graph stand in the order in which they were made: inputs first.
        for op in graph.get_operations():
            if op.name not in wanted or (op.outputs and _key(op.outputs[0]) in known):
                continue
            if time.perf_counter() > self._until:
                raise TooLong
            inputs = [self._value(known, t) for t in op.inputs]
            for tensor, value in zip(op.outputs, self._run(op, inputs, tally), strict=True):
                known[_key(tensor)] = value
        return [self._value(known, t) for t in graph.outputs], tally

    def _value(self, known: dict[tuple[str, int], Any], tensor: Any) -> Any:
        key = _key(tensor)
        if key not in known:
            known[key] = self.stand_in(tensor.dtype, shape_of(tensor))
        return known[key]

    def _run(self, op: Any, inputs: list[Any], tally: Tally) -> list[Any]:
        if op.type in KINDS:
            outputs = self._again(op, inputs)
            self._count(op, inputs, outputs, tally)
            return outputs
        if op.type in NO_FORMULA:
            tally.missing[op.name] = f"{op.type} has no formula"
        if op.type in _SOURCES:
            return self._source(op)
        if op.type in _ARGUMENTS:
            return [self.argument(t) for t in op.outputs]
        if op.type in _CALLS and (graph := self._function(op, _CALLS[op.type])) is not None:
            outputs, inner = self.body(graph, inputs, shapes_wanted=True)
            tally.add(inner)
            return outputs
        if op.type in _LOOPS:
            return self._loop(op, inputs, tally)
        if op.type in _BRANCHES:
            return self._branches(op, inputs[1:], tally)
        return self._again(op, inputs)

    def _count(self, op: Any, inputs: list[Any], outputs: list[Any], tally: Tally) -> None:
        shapes = [shape_of(t) for t in inputs], [shape_of(t) for t in outputs]
        found = flops(op.type, *shapes, op.get_attr)
        if found is None:
            tally.missing[op.name] = "its shape is not known"
            return
        # The operands' type: a product of halves may well be summed in single precision.
        floats = [t.dtype.name for t in inputs if t.dtype.is_floating or t.dtype.is_complex]
        dtype = floats[0] if floats else inputs[0].dtype.name
        tally.add(Tally(found, {dtype: found}))

    def _again(self, op: Any, inputs: list[Any]) -> list[Any]:
        """The operation made in our own graph; where it cannot be, its results as traced."""
        try:
            made = self.scratch.create_op(
                op.type, inputs, [t.dtype for t in op.outputs],
                attrs={k: v for k, v in op.node_def.attr.items() if not k.startswith("_")},
                op_def=op.op_def,
            ).outputs  # fmt: skip
        except Exception:  # an operation whose attributes are bound to its own graph
            return [self.stand_in(t.dtype, shape_of(t)) for t in op.outputs]
        outputs = list(made)
        for new, old in zip(outputs, op.outputs, strict=True):
            refine(new, shape_of(old))
        return self._lists(op, inputs, outputs)

    def _lists(self, op: Any, inputs: list[Any], outputs: list[Any]) -> list[Any]:
        """Lists of tensors carry their elements past what inference follows: out of loops."""
        if not op.type.startswith("TensorList") and op.type != "Identity":
            return outputs
        item = next((known for t in inputs if (known := self._items.get(t.name))), None)
        if op.type in _LIST_ITEM:
            item = self._item(inputs[_LIST_ITEM[op.type]], op.type)
        if item is None:
            return outputs
        for tensor in outputs:
            if tensor.dtype == self._tf.variant:
                self._items[tensor.name] = item
        if op.type in _LIST_GIVES:
            place = _LIST_GIVES[op.type]
            refine(outputs[place], item.shape)
            if item.value is not None:
                outputs[place] = self._tf.constant(item.value, outputs[place].dtype)
        elif op.type == "TensorListStack" and item.shape is not None:
            refine(outputs[0], (None, *item.shape))
        return outputs

    def _item(self, tensor: Any, kind: str) -> _Item:
        shape = shape_of(tensor)
        if kind == "TensorListFromTensor":
            return _Item(shape[1:] if shape else None)
        # Shapes are kept for the way back: what is constant is so in each run of the body.
        small = tensor.dtype.is_integer and tensor.shape.rank is not None and tensor.shape.rank <= 1
        return _Item(shape, self._tf.get_static_value(tensor) if small else None)

    # Loops and conditions.

    def _loop(self, op: Any, inputs: list[Any], tally: Tally) -> list[Any]:
        condition, body = self._function(op, "cond"), self._function(op, "body")
        if condition is None or body is None:
            return [self.stand_in(t.dtype, shape_of(t)) for t in op.outputs]
        number = trips(condition, body, lambda i: self._integer(inputs[i]))
        arguments = self._variables(body, inputs)
        outputs, inner = self.body(body, arguments, shapes_wanted=True)
        if self._widen(body, arguments, outputs):
            outputs, inner = self.body(body, arguments, shapes_wanted=True)
        if number is not None:
            tally.add(inner, number)
        elif inner.flops or inner.missing:
            tally.missing[op.name] = "how often its loop runs is not known"
        results = []
        for place, (begin, end) in enumerate(zip(inputs, outputs, strict=True)):
            value = self._integer(begin)
            step = step_of(body, place) if value is not None else None
            if value is not None and step is not None and number is not None:
                results.append(self._tf.constant(value + step * number, begin.dtype))
                continue
            result = self.stand_in(end.dtype, shape_of(end))
            self._items[result.name] = self._items.get(end.name)
            results.append(result)
        return results

    def _variables(self, body: Any, inputs: list[Any]) -> list[Any]:
        """The loop's variables inside of it: what never changes as it is, else its shape."""
        found = []
        for place, value in enumerate(inputs):
            if same(body.outputs[place], body.inputs[place]):
                found.append(value)
                continue
            inside = self.stand_in(value.dtype, shape_of(value))
            self._items[inside.name] = self._items.get(value.name)
            found.append(inside)
        return found

    def _widen(self, body: Any, arguments: list[Any], outputs: list[Any]) -> bool:
        """Whether a variable comes out of the body in another shape than it went in."""
        changed = False
        for place, (inside, out) in enumerate(zip(arguments, outputs, strict=True)):
            if inside is out:
                continue
            item = self._items.get(out.name)
            if item is not None and not item.alike(self._items.get(inside.name)):
                self._items[inside.name] = item
                changed = True
            before, after = shape_of(inside), shape_of(out)
            if before != after and inside.dtype != self._tf.variant:
                arguments[place] = self.stand_in(inside.dtype, common(before, after))
                changed = True
        return changed

    def _branches(self, op: Any, inputs: list[Any], tally: Tally) -> list[Any]:
        names = ("then_branch", "else_branch")
        if "Case" in op.type:
            graphs = [self._graph(op, f.name) for f in op.get_attr("branches")]
        else:
            graphs = [self._function(op, name) for name in names]
        ran = [self.body(g, inputs, shapes_wanted=True) for g in graphs if g is not None]
        if not ran or len(ran) < len(graphs):
            return [self.stand_in(t.dtype, shape_of(t)) for t in op.outputs]
        tally.add(max((inner for _, inner in ran), key=lambda t: (t.flops, len(t.missing))))
        results = []
        for place, traced in enumerate(op.outputs):
            shapes = [shape_of(outputs[place]) for outputs, _ in ran]
            shape = shapes[0]
            for other in shapes[1:]:
                shape = common(shape, other)
            results.append(self.stand_in(traced.dtype, shape))
        return results

    # What the graph says of itself.

    def _wanted(self, graph: Any, *, shapes_wanted: bool) -> set[str]:
        """The operations that what is to be counted, or the results' shapes, stand on."""
        live = _above(
            [t.op for t in graph.outputs] + list(graph.control_outputs), lambda op: (
                [t.op for t in op.inputs] + list(op.control_inputs)
            )
        )  # fmt: skip
        roots = [op for op in live.values() if self._is_heavy(op)]
        if shapes_wanted:
            roots += [t.op for t in graph.outputs if not _settled(t)]
        return set(_above(roots, lambda op: [t.op for t in op.inputs if not _settled(t)]))

    def _is_heavy(self, op: Any) -> bool:
        if op.type in KINDS or op.type in NO_FORMULA:
            return True
        return any(self._has_heavy(graph) for graph in self._graphs_of(op))

    def _has_heavy(self, graph: Any) -> bool:
        found = self._heavy.get(id(graph))
        if found is None:
            self._heavy[id(graph)] = False  # a function that calls itself
            found = any(self._is_heavy(op) for op in graph.get_operations())
            self._heavy[id(graph)] = found
        return found

    def _graphs_of(self, op: Any) -> Iterable[Any]:
        if op.type in _CALLS:
            names: tuple[str, ...] = (_CALLS[op.type],)
        elif op.type in _LOOPS:
            names = ("body",)
        elif "Case" in op.type and op.type in _BRANCHES:
            graphs = [self._graph(op, f.name) for f in op.get_attr("branches")]
            return [g for g in graphs if g is not None]
        elif op.type in _BRANCHES:
            names = ("then_branch", "else_branch")
        else:
            return ()
        return [g for name in names if (g := self._function(op, name)) is not None]

    def _function(self, op: Any, attribute: str) -> Any:
        return self._graph(op, op.get_attr(attribute).name)

    def _graph(self, op: Any, name: str) -> Any:
        """The graph of a function that `op`'s graph may call; None where it has none.

        `_get_function` is private (tried on TensorFlow 2.21); by the public `as_graph_def` the
        whole library, constants and all, would be written out for it.
        """
        function = op.graph._get_function(name)
        return None if function is None else function.graph

    def _integer(self, tensor: Any) -> int | None:
        if not tensor.dtype.is_integer or tensor.shape.rank != 0:
            return None
        while tensor.op.type in ("Max", "Min") and tensor.op.inputs[0].shape.rank == 0:
            tensor = tensor.op.inputs[0]  # of one number: Keras' way to say how long a sequence is
        value = self._tf.get_static_value(tensor)
        return None if value is None else int(value)


def _above(roots: Iterable[Any], inputs: Any) -> dict[str, Any]:
    """The operations and all that they stand on, by name."""
    found: dict[str, Any] = {}
    left = list(roots)
    while left:
        op = left.pop()
        if op.name not in found:
            found[op.name] = op
            left += inputs(op)
    return found


def _settled(tensor: Any) -> bool:
    """Whether the trace knows of it all that a shape could hang on."""
    return bool(tensor.dtype.is_floating) and whole(shape_of(tensor))


def _key(tensor: Any) -> tuple[str, int]:
    return tensor.op.name, tensor.value_index
