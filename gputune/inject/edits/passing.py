"""One argument of a call, put in its place."""

from __future__ import annotations

import inspect
from typing import Any

Call = tuple[tuple[Any, ...], dict[str, Any]]


def with_argument(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any], name: str,
    value: Any,
) -> Call:  # fmt: skip
    """The arguments of a bound call with `name` given this value, where it stands or by name."""
    place = _place(signature, name)
    if name not in kwargs and place is not None and place < len(args):
        return (*args[:place], value, *args[place + 1 :]), kwargs
    return args, {**kwargs, name: value}


def argument(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any], name: str
) -> Any:
    """The value of an argument of a bound call; its default (or None) where it is not given."""
    if name in kwargs:
        return kwargs[name]
    place = _place(signature, name)
    if place is not None and place < len(args):
        return args[place]
    parameter = signature.parameters.get(name)
    if parameter is None or parameter.default is inspect.Parameter.empty:
        return None
    return parameter.default


def _place(signature: inspect.Signature, name: str) -> int | None:
    """The argument's place among the positional ones, the object itself not counted."""
    names = [parameter for parameter in signature.parameters if parameter != "self"]
    kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
    if name not in names or signature.parameters[name].kind in kinds:
        return None
    return names.index(name)
