"""What a check does to variables and to random numbers is undone."""

from __future__ import annotations

import random

import numpy as np

from gputune.checks.script.kept import Kept, same_seeds, weights_bytes


class Variable:
    def __init__(self, value: np.ndarray) -> None:
        self.array = value
        self.dtype = value.dtype
        self.shape = value.shape

    def numpy(self) -> np.ndarray:
        return self.array.copy()

    def assign(self, value: np.ndarray) -> None:
        self.array = np.asarray(value)


class Model:
    def __init__(self) -> None:
        self.variables = [Variable(np.ones((2, 3), "float32")), Variable(np.array([7, 8]))]


def test_variables_come_back_also_after_an_error() -> None:
    model, loose = Model(), Variable(np.array(5.0))
    try:
        with Kept(model, [loose]) as kept:
            kept.empty(loose=True)
            assert model.variables[0].array.sum() == 0 and loose.array == 0
            assert model.variables[1].array.tolist() == [7, 8], "counters are no weights"
            raise RuntimeError
    except RuntimeError:
        pass
    assert model.variables[0].array.sum() == 6 and loose.array == 5


def test_loose_variables_are_emptied_only_if_asked() -> None:
    model, loose = Model(), Variable(np.array(5.0))
    with Kept(model, [loose]) as kept:
        kept.empty(loose=False)
        assert loose.array == 5


def test_random_numbers_go_on_as_before() -> None:
    random.seed(3)
    np.random.seed(3)
    expected = (random.random(), float(np.random.random()))
    random.seed(3)
    np.random.seed(3)
    with same_seeds():
        random.random()
        np.random.random()
    assert (random.random(), float(np.random.random())) == expected


def test_the_size_of_the_weights() -> None:
    assert weights_bytes(Model()) == 6 * 4 + 2 * 8
