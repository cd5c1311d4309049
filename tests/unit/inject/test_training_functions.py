"""What trains, told from gradients and assignments; graphs and variables are made up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gputune.inject.training_functions import Trainer, loops_inside

TF: Any = SimpleNamespace(convert_to_tensor=lambda value: value)


class Graph:
    """A graph with operations of the given types, inside another one."""

    def __init__(self, *types: str, name: str = "step", outer: Any = None) -> None:
        self._types = types
        self.name = name
        self.outer_graph = outer

    def get_operations(self) -> list[Any]:
        return [SimpleNamespace(type=kind) for kind in self._types]


class WhileBodyFuncGraph(Graph):
    """As TensorFlow calls the body of a loop."""


class Optimizer:
    """Counts as Keras' do; can be referred to weakly."""

    def __init__(self, iterations: int) -> None:
        self.iterations = iterations


def trainer(sources: set[int], assigned: set[int], *graphs: Graph) -> Trainer:
    found = Trainer(TF, "function")
    found.sources, found.assigned = sources, assigned
    for graph in graphs:
        found.note_graph(graph)
    return found


@pytest.mark.parametrize(
    ("sources", "assigned", "trains"),
    [
        ({1, 2}, {2}, True),
        ({1, 2}, set(), False),  # the gradient alone: a norm, say
        ({1, 2}, {3}, False),  # a metric beside it
        (set(), {3}, False),  # validation with metrics; saliency has no variables as sources
    ],
)
def test_it_trains_where_it_assigns_to_what_it_took_the_gradient_of(
    sources: set[int], assigned: set[int], trains: bool
) -> None:
    assert trainer(sources, assigned).conclude() is trains


def test_an_optimizers_kernel_in_the_graph_or_around_it_trains() -> None:
    outer = Graph("MatMul", "ResourceApplyAdam")
    inner = Graph("MatMul", outer=outer)
    assert trainer({1}, set(), inner).conclude()
    plain = Graph("AssignAddVariableOp")
    assert not trainer({1}, set(), plain).conclude()


def test_a_loop_inside_is_told_by_the_graph_or_by_the_optimizers_count() -> None:
    assert loops_inside(Graph(outer=WhileBodyFuncGraph()))
    assert loops_inside(Graph(name="reduce_body"))
    assert not loops_inside(Graph(outer=Graph()))

    optimizer = Optimizer(0)
    found = trainer({1}, {1})
    found.optimizers[optimizer] = 0
    optimizer.iterations = 11
    assert found.conclude()
    assert found.first_steps == 11
    assert found.loops
    optimizer.iterations = 22
    assert found.steps_since_last() == 11


def test_of_two_optimizers_in_a_step_the_larger_count_is_the_steps() -> None:
    first, second = Optimizer(1), Optimizer(1)
    found = trainer({1}, {1})
    found.optimizers[first] = found.optimizers[second] = 0
    assert found.conclude()
    assert found.first_steps == 1
    assert not found.loops
