from __future__ import annotations

import inspect
import pickle
import sys
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from gputune.inject import patching
from gputune.inject.patching import patch, without_our_frames

Calls = list[tuple[Any, tuple[Any, ...], dict[str, Any]]]


class Thing:
    def add(self, a: int, b: int = 10) -> int:
        """Add."""
        return a + b

    @staticmethod
    def double(a: int) -> int:
        """Double."""
        return 2 * a

    @classmethod
    def make(cls) -> Thing:
        return cls()

    @property
    def size(self) -> int:
        return 3


@pytest.fixture
def thing() -> type[Any]:
    """A class of its own for each test, since patching changes it."""
    return type("Thing", (), dict(vars(Thing)))


def recording(calls: Calls) -> Callable[..., Any]:
    def hook(original: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        calls.append((instance, args, kwargs))
        return ("hooked", original(*args, **kwargs))

    return hook


def test_a_method_is_called_bound_with_its_object(thing: type[Any]) -> None:
    calls: Calls = []
    patch(thing, "add", recording(calls))
    one = thing()
    assert one.add(1, b=2) == ("hooked", 3)
    assert calls == [(one, (1,), {"b": 2})]
    assert thing.add(one, 5) == ("hooked", 15)


def test_a_static_method_stays_one(thing: type[Any]) -> None:
    calls: Calls = []
    patch(thing, "double", recording(calls))
    assert thing.double(4) == ("hooked", 8)
    assert thing().double(5) == ("hooked", 10)
    assert [instance for instance, _, _ in calls] == [None, None]
    assert isinstance(vars(thing)["double"], staticmethod)


def test_a_function_of_a_module_is_called_without_an_object() -> None:
    def half(a: float) -> float:
        """Halve."""
        return a / 2

    module = ModuleType("module")
    module.half = half  # type: ignore[attr-defined]
    calls: Calls = []
    patch(module, "half", recording(calls))
    assert module.half(8) == ("hooked", 4)
    assert calls == [(None, (8,), {})]


@pytest.mark.parametrize("name", ["add", "double"])
def test_the_hooked_one_looks_like_the_original(thing: type[Any], name: str) -> None:
    before = getattr(thing, name)
    described = before.__name__, before.__doc__, inspect.signature(before), before.__qualname__
    patch(thing, name, recording([]))
    after = getattr(thing, name)
    assert after is not before
    assert (
        after.__name__,
        after.__doc__,
        inspect.signature(after),
        after.__qualname__,
    ) == described


def test_it_pickles_by_its_name_as_the_original_does(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("gputune_pickled")
    exec("def function(a):\n    return a\n", vars(module))
    monkeypatch.setitem(sys.modules, "gputune_pickled", module)
    patch(module, "function", recording([]))
    assert pickle.loads(pickle.dumps(module.function)) is module.function


@pytest.mark.parametrize("name", ["missing", "make", "size"])
def test_what_is_missing_or_no_plain_function_is_left_alone(thing: type[Any], name: str) -> None:
    before = dict(vars(thing))
    patch(thing, name, recording([]))
    assert dict(vars(thing)) == before


def test_an_inherited_method_is_hooked_in_the_subclass_only(thing: type[Any]) -> None:
    child = type("Child", (thing,), {})
    patch(child, "add", recording([]))
    assert child().add(1) == ("hooked", 11)
    assert thing().add(1) == 11


def raised_through_a_hook() -> BaseException:
    """An error of the script that has passed through a function of gputune.inject."""
    scope: dict[str, Any] = {"__name__": "gputune.inject.pretended"}
    exec("def through(function):\n    function()\n", scope)

    def users() -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine") as caught:
        scope["through"](users)
    return caught.value


def names(error: BaseException) -> list[str]:
    return [frame.name for frame in traceback.extract_tb(error.__traceback__)]


def test_our_frames_are_taken_out_of_a_traceback_and_the_others_stay() -> None:
    error = raised_through_a_hook()
    assert names(error) == ["raised_through_a_hook", "through", "users"]
    assert without_our_frames(error) is error
    assert names(error) == ["raised_through_a_hook", "users"]


def test_an_uncaught_error_is_printed_without_our_frames_causes_included(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    printed: list[tuple[Any, ...]] = []
    monkeypatch.setattr(sys, "excepthook", lambda *what: printed.append(what))
    monkeypatch.setattr(patching, "_excepthook_set", False)
    patching.hide_our_frames_at_the_end()
    first = sys.excepthook
    patching.hide_our_frames_at_the_end()
    assert sys.excepthook is first

    error, cause = raised_through_a_hook(), raised_through_a_hook()
    error.__cause__ = cause
    sys.excepthook(type(error), error, error.__traceback__)
    ((kind, shown, trace),) = printed
    assert (kind, shown) == (ValueError, error)
    assert trace is error.__traceback__
    assert names(error) == names(cause) == ["raised_through_a_hook", "users"]


def test_errors_that_are_each_others_cause_do_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[tuple[Any, ...]] = []
    monkeypatch.setattr(sys, "excepthook", lambda *what: printed.append(what))
    monkeypatch.setattr(patching, "_excepthook_set", False)
    patching.hide_our_frames_at_the_end()
    one, two = ValueError(1), ValueError(2)
    one.__context__, two.__context__ = two, one
    sys.excepthook(ValueError, one, None)
    assert len(printed) == 1
