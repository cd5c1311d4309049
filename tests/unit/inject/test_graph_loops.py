"""How often a loop runs, read from graphs that are small enough to see through."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gputune.inject.graph_loops import step_of, trips

INT = SimpleNamespace(is_integer=True)


class Op:
    """An operation with one output."""

    def __init__(self, kind: str, *inputs: Any, name: str = "", value: int | None = None) -> None:
        self.type = kind
        self.inputs = list(inputs)
        self.name = name or f"{kind}{id(self)}"
        self._value = value
        self.out = SimpleNamespace(op=self, value_index=0, dtype=INT, shape=SimpleNamespace(rank=0))

    def get_attr(self, name: str) -> Any:
        assert name == "value"
        return SimpleNamespace(int_val=[self._value], int64_val=[], tensor_content=b"")


def argument(name: str) -> Any:
    return Op("Placeholder", name=name).out


def constant(value: int) -> Any:
    return Op("Const", value=value).out


def graph(inputs: list[Any], outputs: list[Any]) -> Any:
    return SimpleNamespace(inputs=inputs, outputs=outputs)


def body(*steps: int | None) -> Any:
    """Counts its variables up by these numbers; None changes one in another way."""
    inputs = [argument(f"body{i}") for i in range(len(steps))]
    outputs = []
    for given, step in zip(inputs, steps, strict=True):
        if step is None:
            outputs.append(Op("Mul", given, constant(2)).out)
        elif step == 0:
            outputs.append(Op("Identity", given).out)
        else:
            outputs.append(Op("Identity", Op("AddV2", given, constant(step)).out).out)
    return graph(inputs, outputs)


def condition(build: Any, count: int = 2) -> Any:
    inputs = [argument(f"cond{i}") for i in range(count)]
    return graph(inputs, [Op("Identity", build(*inputs)).out])


def number(cond: Any, loop: Any, *values: int | None) -> int | None:
    return trips(cond, loop, lambda i: values[i])


def less(a: Any, b: Any) -> Any:
    return Op("Less", a, b).out


@pytest.mark.parametrize(
    ("begin", "end", "step", "expected"),
    [(0, 12, 1, 12), (0, 10, 3, 4), (5, 5, 1, 0), (2, 9, 1, 7)],
)
def test_a_counter_runs_up_to_its_limit(begin: int, end: int, step: int, expected: int) -> None:
    assert number(condition(less), body(step, 0), begin, end) == expected


def test_a_limit_may_stand_in_the_condition() -> None:
    cond = condition(lambda a, _: less(a, constant(8)))
    assert number(cond, body(1, 0), 0, None) == 8
    cond = condition(lambda a, _: Op("LessEqual", a, constant(8)).out)
    assert number(cond, body(1, 0), 0, None) == 9
    cond = condition(lambda a, _: Op("Greater", constant(8), a).out)
    assert number(cond, body(1, 0), 0, None) == 8


def test_of_two_limits_the_nearer_one_ends_it() -> None:
    cond = condition(
        lambda a, b, c: Op("LogicalAnd", less(a, constant(20)), less(b, c)).out, count=3
    )
    assert number(cond, body(1, 2, 0), 0, 0, 10) == 5


def test_data_that_goes_on_ends_nothing() -> None:
    more = Op("OptionalHasValue", argument("optional")).out
    cond = condition(lambda a, _: Op("LogicalAnd", less(a, constant(4)), more).out)
    assert number(cond, body(1, 0), 0, None) == 4
    assert number(condition(lambda a, _: more), body(1, 0), 0, None) is None


def test_what_hangs_on_data_is_not_known() -> None:
    assert number(condition(less), body(1, 0), 0, None) is None
    assert number(condition(less), body(1, 0), None, 5) is None
    assert number(condition(less), body(None, 0), 1, 64) is None
    assert number(condition(less), body(0, 0), 0, 5) is None
    assert number(condition(less), body(1, 1), 0, 5) is None
    found = condition(lambda a, _: Op("NotEqual", a, constant(0)).out)
    assert number(found, body(1, 0), 0, 5) is None


def test_a_counter_may_be_counted_up_several_times_in_the_body() -> None:
    given = argument("n")
    once = Op("AddV2", constant(1), given).out
    twice = Op("Add", once, constant(2)).out
    assert step_of(graph([given], [twice]), 0) == 3
    other = argument("other")
    assert step_of(graph([given, other], [other, given]), 0) is None
