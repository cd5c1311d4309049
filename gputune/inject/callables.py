"""What a function that the script gave to `tf.data` is, and what its code gives away.

Signs, not proofs: the names that a function's code uses, and those of the user's own functions
that it calls. Nothing of it is run.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from typing import Any

from gputune.inject.sites import is_user_file

_DEPTH = 3
"""How far the user's own functions are followed from one to the next."""
_EFFECTS = {
    "print", "write_file", "assign", "assign_add", "assign_sub", "summary", "open",
}  # fmt: skip


def describe_function(value: Any) -> dict[str, Any]:
    """A function as plain data: its name, file and line, and what its code names.

    `random` says that something random is named (`tf.image.random_flip_…`, a `RandomFlip` layer),
    `effects` that something is named which acts on the world beyond the result (`tf.print`,
    `write_file`, a variable's `assign`).
    """
    function = inspect.unwrap(value)
    code = getattr(function, "__code__", None)
    label = getattr(value, "__name__", type(value).__name__)
    if code is None:
        return {"function": label, **({"random": True} if _is_random_layer(value) else {})}
    try:
        names = set(_names(function, _DEPTH, set()))
    except Exception:  # an object of the user's that does not like to be looked at
        names = set(_code_names(code))
    found = {
        "function": label,
        "file": code.co_filename,
        "line": code.co_firstlineno,
        "random": any("random" in name.lower() for name in names),
    }
    if names & _EFFECTS:
        found["effects"] = True
    return found


def _names(function: Any, depth: int, seen: set[Any]) -> Iterator[str]:
    """The names in a function's code, and in that of the user's functions which it names."""
    code = getattr(function, "__code__", None)
    if code is None or code in seen:
        return
    seen.add(code)
    used = set(_code_names(code))
    yield from used
    scope = dict(getattr(function, "__globals__", None) or {})
    cells = getattr(function, "__closure__", None) or ()
    for name, cell in zip(code.co_freevars, cells, strict=False):
        try:
            scope[name] = cell.cell_contents
        except ValueError:  # not filled yet
            continue
    for name in used & scope.keys():
        value = scope[name]
        if _is_random_layer(value):
            yield type(value).__name__ + " random"
        inner = inspect.unwrap(value) if isinstance(value, types.FunctionType) else None
        if inner is not None and depth > 0 and is_user_file(inner.__code__.co_filename):
            yield from _names(inner, depth - 1, seen)


def _code_names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    yield from code.co_freevars
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _code_names(constant)


def _is_random_layer(value: Any) -> bool:
    """Whether it is a Keras layer that augments (`RandomFlip`), or a model with such a layer."""
    kind = type(value)
    if not any(base.__module__.startswith("keras.") for base in kind.__mro__):
        return False
    if kind.__name__.startswith("Random"):
        return True
    layers = getattr(value, "layers", None)
    return isinstance(layers, (list, tuple)) and any(
        type(layer).__name__.startswith("Random") for layer in layers
    )
