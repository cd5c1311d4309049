from __future__ import annotations

import functools
import random
from typing import Any

import pytest

from gputune.inject.callables import describe_function
from gputune.inject.hazards import hazard, is_address


def random_flip(x: Any) -> Any:
    return x


def calls_random(x: Any) -> Any:
    return random_flip(x)


def calls_what_calls_random(x: Any) -> Any:
    return calls_random(x)


def plain(x: Any) -> Any:
    return [y + 1 for y in x]


def prints(x: Any) -> Any:
    print(x)
    return x


class Layer:
    """Is a Keras layer by its module."""

    __module__ = "keras.layers"

    def __call__(self, x: Any) -> Any:
        return x


class RandomRotation(Layer):
    __module__ = "keras.layers"


class Model(Layer):
    __module__ = "keras.models"

    def __init__(self, *layers: Layer) -> None:
        self.layers = list(layers)


augmenting = Model(Layer(), RandomRotation())


def applies_layers(x: Any) -> Any:
    return augmenting(x)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (plain, False), (calls_random, True), (calls_what_calls_random, True),
        (lambda x: random.random() + x, True), (applies_layers, True),
        (functools.wraps(calls_random)(lambda *a: calls_random(*a)), True),
    ],
)  # fmt: skip
def test_something_random_is_seen_in_the_users_own_functions(function: Any, expected: bool) -> None:
    assert describe_function(function)["random"] is expected


def test_a_function_is_known_by_its_name_and_line() -> None:
    found = describe_function(plain)
    assert (found["function"], found["line"]) == ("plain", plain.__code__.co_firstlineno)
    assert "effects" not in found
    assert describe_function(prints)["effects"] is True


def test_a_layer_has_no_code_and_may_be_random() -> None:
    assert describe_function(RandomRotation()) == {"function": "RandomRotation", "random": True}
    assert describe_function(augmenting)["random"] is True
    assert describe_function(Layer()) == {"function": "Layer"}


class Unpleasant:
    """A global that does not like to be looked at."""

    @property
    def __class__(self) -> Any:
        raise RuntimeError


unpleasant = Unpleasant()


def uses_it(x: Any) -> Any:
    return unpleasant, random


def test_an_unpleasant_object_does_no_harm() -> None:
    assert describe_function(uses_it)["random"] is True


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("gs://bucket/a.tfrecord", True), (b"s3://b/a", True), (["/a", "hdfs://x/y"], True),
        ("/data/a", False), ("file:///data/a", False), ("C://x", False), (["/a"] * 9, False),
        ([1, 2], False), (7, False), (None, False),
    ],
)  # fmt: skip
def test_an_address_on_the_network_is_told_from_a_file(value: Any, expected: bool) -> None:
    assert is_address(value) is expected


SERVICE = {"transformation_func": {"function": "f", "file": "/x/data_service_ops.py"}}


@pytest.mark.parametrize(
    ("method", "arguments", "more", "word"),
    [
        ("map", {}, {}, ""), ("cache", {"filename": ""}, {}, ""),
        ("cache", {"filename": "/tmp/c"}, {}, "file cache"), ("snapshot", {}, {}, "disk"),
        ("from_generator", {}, {}, "Python"), ("map", {}, {"python": True}, "Python"),
        ("apply", SERVICE, {}, "service"), ("TFRecordDatasetV2", {}, {"remote": True}, "network"),
        ("map", {"map_func": {"effects": True}}, {}, "writes"),
        ("map", {}, {"unknown": True}, "not recorded"),
    ],
)  # fmt: skip
def test_what_must_not_be_run_again_says_why(
    method: str, arguments: Any, more: Any, word: str
) -> None:
    found = hazard(method, arguments, **{"python": False, "remote": False, **more})
    assert (word in found) if word else (found == "")
