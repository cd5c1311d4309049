"""A stand-in for tf.data, small enough to see through: datasets are lists that are made anew."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from gputune.inject.datasets import Made

AUTOTUNE = -1


class Tensor:
    """Something with `numpy()`."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def numpy(self) -> Any:
        return self.value if isinstance(self.value, bytes) else np.asarray(self.value)


class Dataset:
    """Gives the elements of `make()`, which is called for every iterator."""

    def __init__(self, make: Callable[[], Iterator[Any]], length: int = -2) -> None:
        self._make = make
        self._length = length

    def __iter__(self) -> Iterator[Any]:
        for element in self._make():
            yield Tensor(element) if not isinstance(element, Tensor) else element

    def _elements(self) -> Iterator[Any]:
        return (e.value if isinstance(e, Tensor) else e for e in self._make())

    def cardinality(self) -> int:
        return self._length

    def take(self, count: int) -> Dataset:
        return Dataset(lambda: itertools.islice(self._elements(), count))

    def skip(self, count: int) -> Dataset:
        return Dataset(lambda: itertools.islice(self._elements(), count, None))

    def map(self, map_func: Any, **_: Any) -> Dataset:
        def make() -> Iterator[Any]:
            # As tf.data does with a seed: each iterator has the random numbers from the start.
            map_func.__dict__["stream"] = random.Random(1)
            return map(map_func, self._elements())

        return Dataset(make, self._length)

    def flat_map(self, map_func: Any) -> Dataset:
        return Dataset(lambda: itertools.chain.from_iterable(map(map_func, self._elements())))

    def batch(self, batch_size: int, **_: Any) -> Dataset:
        def make() -> Iterator[Any]:
            elements = self._elements()
            while part := list(itertools.islice(elements, batch_size)):
                yield np.asarray(part)

        return Dataset(make, -(-self._length // batch_size))

    @staticmethod
    def from_tensor_slices(files: list[Any]) -> Dataset:
        return Dataset(lambda: iter(files), len(files))


TF = SimpleNamespace(
    nest=SimpleNamespace(flatten=lambda element, expand_composites: [element]),
    data=SimpleNamespace(AUTOTUNE=AUTOTUNE, Dataset=Dataset),
)


def numbers(count: int) -> Dataset:
    return Dataset(lambda: iter(range(count)), count)


def slow_numbers(count: int, seconds: float) -> Dataset:
    def make() -> Iterator[Any]:
        for i in range(count):
            time.sleep(seconds)
            yield i

    return Dataset(make, count)


def shuffled(dataset: Dataset) -> Dataset:
    """In another order for every iterator."""

    def make() -> Iterator[Any]:
        elements = list(dataset._elements())
        random.shuffle(elements)
        return iter(elements)

    return Dataset(make, dataset.cardinality())


class Recorded:
    """Stands in for the Recorder: a chain of calls, the source first."""

    def __init__(self, source: str, dataset: Any, *, hazard: str = "", **arguments: Any) -> None:
        self.calls: dict[int, tuple[Any, Made]] = {}
        self._add(source, dataset, (), arguments, None, hazard)

    def then(
        self, method: str, dataset: Any, function: Any = None, *, hazard: str = "",
        random: bool = False, inputs: tuple[int, ...] | None = None, **arguments: Any,
    ) -> Recorded:  # fmt: skip
        if function is not None:
            arguments["map_func"] = {"function": function.__name__, "random": random}
        given = (len(self.calls),) if inputs is None else inputs
        return self._add(method, dataset, given, arguments, function, hazard)

    def _add(
        self, method: str, dataset: Any, inputs: tuple[int, ...], arguments: dict[str, Any],
        function: Any, hazard: str,
    ) -> Recorded:  # fmt: skip
        number = len(self.calls) + 1
        made = Made(number, method, inputs, arguments, lambda: function, hazard)
        self.calls[number] = (dataset, made)
        return self

    def living(self) -> dict[int, tuple[Any, Made]]:
        return self.calls
