"""The user's line that made a layer or a callback."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from gputune.checks.script.made import Made
from gputune.inject import sites
from gputune.inject.guard import Guard


@pytest.fixture
def keras() -> Any:
    sites.is_user_file.cache_clear()
    made: Any = ModuleType("keras")

    class Layer:
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return super().__new__(cls)

    class Callback:
        def __init__(self) -> None:
            self.model = None

    made.Layer = Layer
    made.callbacks = SimpleNamespace(Callback=Callback)
    return made


def watched(keras: Any) -> Made:
    made = Made(Guard(SimpleNamespace(write=lambda *a, **k: None)))  # type: ignore[arg-type]
    made.watch(keras)
    return made


def line() -> int:
    frame = inspect.currentframe()
    assert frame is not None and frame.f_back is not None
    return frame.f_back.f_lineno


def test_a_layers_line_is_the_one_that_calls_the_class(keras: Any) -> None:
    made = watched(keras)

    class Mine(keras.Layer):
        def __init__(self, units: int) -> None:
            super().__init__()
            self.inner = keras.Layer()

    layer, here = Mine(3), line()
    site = made.site_of(layer)
    assert site is not None and (Path(site.file), site.line) == (Path(__file__), here)
    inner = made.site_of(layer.inner)
    assert inner is not None and inner.code == "self.inner = keras.Layer()"
    assert inner.via[0].line == here


def test_a_callbacks_line_is_not_that_of_its_own_init(keras: Any) -> None:
    made = watched(keras)

    class Base(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()

    class Mine(Base):
        def __init__(self) -> None:
            super().__init__()

    callback, here = Mine(), line()
    site = made.site_of(callback)
    assert site is not None and site.line == here and callback.model is None


def test_what_was_not_seen_has_no_line(keras: Any) -> None:
    before = keras.Layer()
    made = watched(keras)
    assert made.site_of(before) is None
    assert made.site_of(3) is None
