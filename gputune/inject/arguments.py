"""What a `tf.function` was called with, as far as a new trace can hang on it, in short words.

Of tensors and arrays shape and type, of numbers, truth values and short texts the value, of
everything else which object it is. Only descriptions are kept, never the arguments.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gputune.schema.secrets import REDACTED, is_secret_name, redact

_MOST_LEAVES = 64
_DEEPEST = 4
_LONGEST = 40
_MOST_NAMED = 2


@dataclass(frozen=True, slots=True)
class Leaf:
    """One argument, or one item of an argument that is a container."""

    kind: str
    """`shape`: of something with a shape; `value`: of Python; `object`: anything else."""
    shown: str
    dtype: str = ""
    identity: int = 0
    """Tells values apart whose texts are shortened or redacted, and objects of one type."""


Described = dict[str, Leaf]
"""Leaves by what names them: `x`, `x[0]`, `x['label']`."""


def describe(
    function: Callable[..., Any] | None, args: Sequence[Any], kwargs: dict[str, Any]
) -> Described:
    """The leaves of a call's arguments, at most 64."""
    found: Described = {}
    for name, value in _named(function, args, kwargs):
        for path, leaf in _leaves(name, value, 0):
            if len(found) >= _MOST_LEAVES:
                return found
            found[path] = leaf
    return found


def difference(before: Described, now: Described) -> list[str]:
    """What changed, one text for each leaf: `x: shape (32, 10) -> (17, 10)`."""
    texts = []
    for path in [*now, *(path for path in before if path not in now)]:
        old, new = before.get(path), now.get(path)
        if old == new:
            continue
        texts.append(f"{path}: {_change(old, new)}")
    return texts


def nearest_difference(earlier: Sequence[Described], now: Described) -> str:
    """The change since the most alike of the earlier calls, the latest of several; or empty."""
    changes = [difference(before, now) for before in reversed(earlier)]
    least = min(changes, key=len, default=[])
    more = len(least) - _MOST_NAMED
    return "; ".join(least[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _named(
    function: Callable[..., Any] | None, args: Sequence[Any], kwargs: dict[str, Any]
) -> list[tuple[str, Any]]:
    try:
        if function is not None:
            bound = inspect.signature(function).bind_partial(*args, **kwargs)
            return list(bound.arguments.items())
    except (TypeError, ValueError):
        pass
    numbered = [(f"argument {place}", value) for place, value in enumerate(args, 1)]
    return [*numbered, *kwargs.items()]


def _leaves(name: str, value: Any, depth: int) -> Iterator[tuple[str, Leaf]]:
    if depth < _DEEPEST and isinstance(value, (list, tuple)):
        yield name, Leaf("value", f"{type(value).__name__} of {len(value)}")
        for place, item in enumerate(value[:_MOST_LEAVES]):
            yield from _leaves(f"{name}[{place}]", item, depth + 1)
    elif depth < _DEEPEST and isinstance(value, dict):
        yield name, Leaf("value", f"{type(value).__name__} of {len(value)}")
        for key in list(value)[:_MOST_LEAVES]:
            yield from _leaves(f"{name}[{_text(str(key))!r}]", value[key], depth + 1)
    else:
        yield name, _leaf(name, value)


def _leaf(name: str, value: Any) -> Leaf:
    kind = type(value).__name__
    if value is None or isinstance(value, (bool, int, float, str)):
        # 1, 1.0 and True are equal in Python, and three traces.
        identity = hash((kind, value))
        if isinstance(value, str):
            text = _text(value, name)
            return Leaf("value", text if text == REDACTED else repr(text), identity=identity)
        shown = REDACTED if is_secret_name(name) else repr(value)
        return Leaf("value", shown[:_LONGEST], identity=identity)
    shape, dtype = _attribute(value, "shape"), _attribute(value, "dtype")
    if shape is not None and dtype is not None:
        return Leaf("shape", _shape(shape), str(getattr(dtype, "name", dtype)))
    spec = _attribute(value, "element_spec")  # of an iterator
    if spec is not None:
        return Leaf("value", _text(f"{kind} of {spec}"), identity=hash(str(spec)))
    return Leaf("object", kind, identity=id(value))


def _attribute(value: Any, name: str) -> Any:
    try:
        return getattr(value, name, None)
    except Exception:  # a property of the script's that fails is one that is not there
        return None


def _shape(shape: Any) -> str:
    try:
        return str(tuple(shape))
    except (TypeError, ValueError):  # of unknown rank
        return str(shape)


def _text(text: str, name: str = "") -> str:
    """The text redacted, on one line and short."""
    if is_secret_name(name):
        return REDACTED
    text = redact(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _change(old: Leaf | None, new: Leaf | None) -> str:
    if old is None or new is None:
        return "was not given before" if old is None else "is not given any more"
    if old.kind == new.kind == "shape":
        if old.shown != new.shown:
            return f"shape {old.shown} -> {new.shown}"
        return f"dtype {old.dtype} -> {new.dtype}"
    if old.shown == new.shown:
        return f"another {new.shown}"
    return f"{_whole(old)} -> {_whole(new)}"


def _whole(leaf: Leaf) -> str:
    return f"{leaf.dtype} {leaf.shown}" if leaf.kind == "shape" else leaf.shown
