"""A made-up `tf.function` that traces for each new shape or value."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gputune.inject import arguments, retracing
from gputune.inject.arguments import describe, nearest_difference
from gputune.session import events
from tests.unit.inject.watching import MemoryLog, watch_in


def made_up_tensorflow() -> Any:
    class Function:
        """Traces once for each description of its arguments, twice at the first call."""

        def __init__(self, function: Callable[..., Any]) -> None:
            self.python_function = function
            self._traces: list[str] = []

        def experimental_get_tracing_count(self) -> int:
            return len(self._traces)

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            key = repr([getattr(a, "shape", a) for a in [*args, *kwargs.values()]])
            if key not in self._traces:
                self._traces += [key] if self._traces else [key, "with variables"]
            return self.python_function(*args, **kwargs)

    eager = SimpleNamespace(now=True)
    return SimpleNamespace(function=Function, executing_eagerly=lambda: eager.now, eager=eager)


@pytest.fixture
def tf(tmp_path: Path) -> Any:
    found = made_up_tensorflow()
    found.watch, found.log = watch_in(tmp_path / "session")
    retracing.watch(found, found.watch)
    return found


def traced(tf: Any) -> list[dict[str, Any]]:
    log: MemoryLog = tf.log
    return log.of(events.FUNCTION_TRACED)


def user_module(folder: Path, text: str) -> ModuleType:
    file = folder / "train.py"
    file.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("train", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


USER = """import functools

def plain(function):
    return functools.wraps(function)(lambda *args: function(*args))

@plain
@plain
def loss(x, scale=1):
    return x

def train(function, *args):
    return function(*args)
"""


def test_each_call_that_traces_is_one_tracing_and_says_what_changed(
    tf: Any, tmp_path: Path
) -> None:
    user = user_module(tmp_path, USER)
    loss = tf.function(user.loss)
    for rows in (32, 32, 17, 32, 17):
        user.train(loss, np.zeros((rows, 10)))
    first, second = traced(tf)
    assert (first["function"], first["object"], first["objects"], first["total"]) == (
        "loss", 1, 1, 1,
    )  # fmt: skip
    assert first["changed"] == ""
    assert (second["object"], second["objects"], second["total"]) == (1, 1, 2)
    assert second["changed"] == "x: shape (32, 10) -> (17, 10)"
    site = second["site"]
    assert (site["file"], site["line"]) == (str(tmp_path / "train.py"), 8)
    assert site["code"] == "def loss(x, scale=1):"
    assert (site["via"][0]["line"], site["via"][0]["code"]) == (12, "return function(*args)")
    assert second["user"] is True


def test_a_function_that_is_made_anew_is_another_object_of_the_same_code(tf: Any) -> None:
    def loss(x: Any) -> Any:
        return x

    kept = [tf.function(loss) for _ in range(3)]
    for function in kept:
        function(1)
    assert [(e["object"], e["objects"], e["total"]) for e in traced(tf)] == [
        (1, 1, 1), (2, 2, 2), (3, 3, 3),
    ]  # fmt: skip


def test_what_is_traced_inside_another_trace_is_not_looked_at(tf: Any) -> None:
    tf.eager.now = False
    tf.function(lambda x: x)(1)
    assert traced(tf) == []


def test_a_librarys_function_has_the_users_line_as_its_place(tf: Any) -> None:
    tf.function(functools.partial(np.mean, dtype="float32"))(np.zeros(3))
    (event,) = traced(tf)
    assert event["user"] is False
    assert event["site"]["file"] == __file__


def test_a_function_that_traces_at_every_call_fills_no_disk(tf: Any) -> None:
    function = tf.function(lambda n: n)
    for n in range(300):
        assert function(n) == n
    written = traced(tf)
    assert [e["total"] for e in written] == [*range(1, 65), 128, 192, 256]
    assert written[-1]["changed"] == "n: 254 -> 255"


def test_an_exception_of_the_functions_goes_its_way(tf: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        tf.function(lambda x: x / 0)(1)
    assert tf.watch.guard.enabled(retracing.HOOK)


def test_a_hook_that_fails_leaves_the_functions_alone(
    tf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise RuntimeError("ours")

    monkeypatch.setattr(retracing, "describe", fails)
    function = tf.function(lambda x: x)
    assert [function(n) for n in range(3)] == [0, 1, 2]
    assert not tf.watch.guard.enabled(retracing.HOOK)
    assert traced(tf) == []


def test_a_count_that_is_gone_disables_the_hook(tf: Any) -> None:
    function = tf.function(lambda x: x)
    tf.function.experimental_get_tracing_count = None
    assert function(1) == 1
    assert not tf.watch.guard.enabled(retracing.HOOK)


def called(x: Any, n: Any = 0, *, name: Any = "a", api_token: Any = "") -> None:
    """A function to describe calls of."""


def change(before: dict[str, Any], now: dict[str, Any]) -> str:
    return nearest_difference([describe(called, (), before)], describe(called, (), now))


class Thing:
    """Some object of the script's."""


@pytest.mark.parametrize(
    ("before", "now", "text"),
    [
        ({"x": np.zeros((3, 2))}, {"x": np.ones((3, 2))}, ""),
        ({"x": np.zeros(3)}, {"x": np.zeros(())}, "x: shape (3,) -> ()"),
        ({"x": np.zeros(3)}, {"x": np.zeros(3, "int32")}, "x: dtype float64 -> int32"),
        ({"x": np.zeros(3)}, {"x": 3}, "x: float64 (3,) -> 3"),
        ({"n": 1}, {"n": 2}, "n: 1 -> 2"),
        ({"n": 1}, {"n": True}, "n: 1 -> True"),
        ({"n": 1}, {}, "n: is not given any more"),
        ({}, {"n": 1}, "n: was not given before"),
        ({"name": "a"}, {"name": "b"}, "name: 'a' -> 'b'"),
        ({"x": [np.zeros(3), 1]}, {"x": [np.zeros(4), 1]}, "x[0]: shape (3,) -> (4,)"),
        ({"x": {"a": 1}}, {"x": {"a": 2}}, "x['a']: 1 -> 2"),
        ({"x": Thing()}, {"x": Thing()}, "x: another Thing"),
        ({"x": 1, "n": 1, "name": "a"}, {"x": 2, "n": 2, "name": "b"},
         "x: 1 -> 2; n: 1 -> 2; and 1 more"),
    ],
)  # fmt: skip
def test_a_change_is_said_in_short_words(
    before: dict[str, Any], now: dict[str, Any], text: str
) -> None:
    assert change(before, now) == text


def test_the_change_is_that_from_the_most_alike_of_the_earlier_calls() -> None:
    earlier = [describe(called, (n, 5), {}) for n in (1, 2, 3)]
    assert nearest_difference(earlier, describe(called, (4, 5), {})) == "x: 3 -> 4"
    assert nearest_difference(earlier, describe(called, (1, 6), {})) == "n: 5 -> 6"
    assert nearest_difference([], describe(called, (1,), {})) == ""


def test_neither_secrets_nor_long_texts_are_kept() -> None:
    secret = "hf_abcdefghijklmnopqrstuvwx"
    for given in ({"name": secret}, {"api_token": "hunter2"}, {"x": {"password": "hunter2"}}):
        text = change({}, given)
        described = repr(describe(called, (), given))
        assert secret not in text + described
        assert "hunter2" not in text + described
    assert change({"api_token": "one"}, {"api_token": "two"}) == "api_token: another <redacted>"
    long = change({"name": "a" * 500}, {"name": "b" * 500})
    assert len(long) < 100


def test_a_call_of_very_many_arguments_is_described_in_part() -> None:
    assert len(describe(called, (list(range(10_000)),), {})) == arguments._MOST_LEAVES


def test_arguments_that_fit_no_signature_are_numbered() -> None:
    assert list(describe(None, (1, 2), {"k": 3})) == ["argument 1", "argument 2", "k"]
    assert list(describe(called, (1, 2, 3, 4), {})) == [f"argument {n}" for n in (1, 2, 3, 4)]
