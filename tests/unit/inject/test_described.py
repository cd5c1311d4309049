from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gputune.inject.described import _own_train_step


class Model:
    def train_step(self, data: Any) -> None: ...


class Functional(Model): ...


class Own(Functional):
    def train_step(self, data: Any) -> None: ...


class Below(Own): ...


def given_one() -> Model:
    model = Functional()
    model.train_step = print  # type: ignore[assignment]
    return model


@pytest.mark.parametrize(
    ("model", "own"),
    [(Model(), False), (Functional(), False), (Own(), True), (Below(), True), (given_one(), True)],
)
def test_a_step_of_the_scripts_own_is_told_from_keras(model: Model, own: bool) -> None:
    assert _own_train_step(SimpleNamespace(Model=Model), model) is own  # type: ignore[arg-type]
