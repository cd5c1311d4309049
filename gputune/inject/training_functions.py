"""Which calls train, in loops written by hand: they take gradients and change what they took.

A compiled function trains where it was seen, while it was traced, to take the gradient with
respect to variables and to assign to the same variables. So a validation step (no gradient) and a
saliency map (the gradient with respect to the input) do not train. Where the gradient is taken in
one function and applied in another, or by hand, the one that takes it is a training function as
soon as its variables are assigned to.

Tried on TensorFlow 2.21: `type(tf.function(...))` is the class of all compiled functions, and the
classes below `tf.Variable` are those that assign.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from gputune.inject.patching import patch

ASSIGNING = (
    "assign", "assign_add", "assign_sub", "scatter_add", "scatter_sub", "scatter_update",
    "scatter_nd_add", "scatter_nd_sub", "scatter_nd_update", "batch_scatter_update",
)  # fmt: skip
_RESOURCE_UPDATES = ("ResourceApply", "ResourceSparseApply", "ResourceScatter")
"""Kernels that optimizers call without a method of the variable (`tf.raw_ops`)."""
_MOST_SOURCES = 8
"""So many variables of a gradient are remembered: an optimizer assigns to all of them."""


class Trainer:
    """One thing that is called, and what it was seen to do while it was traced or run."""

    def __init__(self, tf: ModuleType, kind: str) -> None:
        self._tf = tf
        self.kind = kind
        """`function`, `strategy.run`, `train_on_batch` or `eager`."""
        self.thing: Callable[[], Any] = _nothing
        """What is called, while it lives."""
        self.sources: set[int] = set()
        self.assigned: set[int] = set()
        self.trains = False
        self.strategy: Any = None
        """The strategy of tf.distribute that it runs in, if any."""
        self.loops = False
        """Whether the gradient is taken in a loop inside the function."""
        self.optimizers: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        """Keras' optimizers that it applies, and their counts of steps when last looked at."""
        self.graphs: list[weakref.ref[Any]] = []
        self.first_steps: int | None = None
        """Steps of its first call, by the optimizers; None where none counted."""

    def note_graph(self, graph: Any) -> None:
        """A gradient was taken while this graph was being traced."""
        if not self.trains:
            self.graphs.append(weakref.ref(graph))

    def steps_since_last(self) -> int | None:
        """Steps that the optimizers counted since this was last asked; None without one."""
        most = 0
        for optimizer, before in list(self.optimizers.items()):
            now = optimizer_steps(self._tf, optimizer)
            if now is not None:
                self.optimizers[optimizer] = now
                most = max(most, now - before)
        return most or None

    def conclude(self) -> bool:
        """Whether it is known now to train; asked after each call until it is."""
        known = self.trains
        if not self.trains and self.sources:
            self.trains = not self.sources.isdisjoint(self.assigned) or any(
                _updates_resources(graph) for ref in self.graphs if (graph := ref()) is not None
            )
        if self.trains and not known:
            self.graphs.clear()
            self.first_steps = self.steps_since_last()
            self.loops = self.loops or (self.first_steps or 1) > 1
        return self.trains


class Trainers:
    """All that was called, by what it is."""

    def __init__(self, tf: ModuleType) -> None:
        self._tf = tf
        self._known: weakref.WeakKeyDictionary[Any, Trainer] = weakref.WeakKeyDictionary()
        self._eager: dict[int, Trainer] = {}

    def of(self, thing: Any, kind: str) -> Trainer:
        """The trainer for a compiled function, a model, or a Python function's code."""
        found = self._known.get(thing)
        if found is None:
            found = self._known[thing] = Trainer(self._tf, kind)
            found.thing = weakref.ref(thing)
        return found

    def of_variables(self, ids: Iterable[int]) -> Trainer:
        """The trainer for gradients taken eagerly, told apart by their first variable."""
        sources = sorted(ids)
        found = self._eager.get(sources[0])
        if found is None:
            found = self._eager[sources[0]] = Trainer(self._tf, "eager")
        found.sources.update(sources)
        return found


def source_ids(tf: ModuleType, sources: Any) -> set[int]:
    """The identities of the first variables that a gradient is taken with respect to.

    Those of Keras' variables are the TensorFlow variables below them; of a distributed variable
    the parts of each replica count, too. Tensors (a saliency map's input) give nothing.
    """
    if isinstance(sources, (list, tuple)):
        flat = list(sources[:_MOST_SOURCES])
        if any(isinstance(item, (list, tuple, dict)) for item in flat):
            flat = tf.nest.flatten(sources)[:_MOST_SOURCES]
    else:
        flat = tf.nest.flatten(sources)[:_MOST_SOURCES]
    found: set[int] = set()
    for item in flat:
        found.update(variable_ids(tf, item))
    return found


def variable_ids(tf: ModuleType, item: Any) -> set[int]:
    """The identities under which a variable may be assigned to; empty for a tensor."""
    if not isinstance(item, tf.Variable):
        inner = getattr(item, "value", None)  # Keras' variable: a property; a tensor has none
        if not isinstance(inner, tf.Variable):
            return set()
        item = inner
    parts = getattr(item, "values", ()) if not callable(getattr(item, "values", ())) else ()
    return {id(item), *(id(part) for part in parts)}


def optimizer_steps(tf: ModuleType, optimizer: Any) -> int | None:
    """The steps that a Keras optimizer has counted; None where its count cannot be read."""
    count = getattr(optimizer, "iterations", None)
    inner = getattr(count, "value", count)  # Keras' variable holds TensorFlow's, or a mirrored one
    try:
        return int(tf.convert_to_tensor(inner() if callable(inner) else inner))
    except Exception:  # in a replica's context, or a counter of another kind
        return None


def _updates_resources(graph: Any) -> bool:
    """Whether the graph, or one that it stands in, holds an optimizer's kernel."""
    while graph is not None:
        if any(op.type.startswith(_RESOURCE_UPDATES) for op in graph.get_operations()):
            return True
        graph = getattr(graph, "outer_graph", None)
    return False


def loops_inside(graph: Any) -> bool:
    """Whether a graph is the body of a loop: of `while`, or of a dataset's own (`reduce`)."""
    while graph is not None:
        kind, name = type(graph).__name__, str(getattr(graph, "name", ""))
        if "While" in kind or "scan_body" in name or "reduce" in name.lower():
            return True
        graph = getattr(graph, "outer_graph", None)
    return False


def watch_variables(tf: ModuleType, assigned: Callable[[Any], Any]) -> None:
    """Call `assigned(variable)` before every assignment, in graphs and eagerly."""

    def hook(
        original: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        assigned(instance)
        return original(*args, **kwargs)

    for kind in _subclasses(tf.Variable):
        for name in ASSIGNING:
            if name in vars(kind):
                patch(kind, name, hook)


def _nothing() -> None:
    """Gradients that are taken eagerly have no function."""


def _subclasses(kind: type) -> list[type]:
    found: list[type] = []
    direct: list[type] = kind.__subclasses__()
    for below in direct:
        found += [below, *_subclasses(below)]
    return list(dict.fromkeys(found))
