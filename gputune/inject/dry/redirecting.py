"""Hook a function so that one of its arguments, a path, leads to the scratch folder."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gputune.inject.patching import patch

if TYPE_CHECKING:
    from gputune.inject.watch import Watch

Translate = Callable[[Any], Any]


def redirect_argument(
    watch: Watch, owner: Any, name: str, parameter: str, translate: Translate
) -> None:
    """Pass the argument `parameter` of `owner.name` through `translate` at every call.

    Where `owner` has no such function, or it no such parameter, nothing is hooked (versions
    differ). A failing translation leaves the call as the script made it.
    """
    function = getattr(owner, name, None)
    if function is None:
        return
    signature = inspect.signature(function)
    names = list(signature.parameters)
    if parameter not in names:
        return
    # A class's `__init__` and methods are called bound: their first parameter is not passed.
    shift = 1 if names and names[0] in ("self", "cls") else 0
    position = names.index(parameter) - shift
    default = signature.parameters[parameter].default
    hook_name = f"dry:{getattr(owner, '__name__', owner)}.{name}"

    def hook(original: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        new = watch.guard.run(hook_name, translated, args, kwargs)
        if new is not None:
            args, kwargs = new
        return original(*args, **kwargs)

    def translated(
        args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if parameter in kwargs:
            return args, {**kwargs, parameter: translate(kwargs[parameter])}
        if 0 <= position < len(args):
            return (*args[:position], translate(args[position]), *args[position + 1 :]), kwargs
        if default not in (inspect.Parameter.empty, None):
            return args, {**kwargs, parameter: translate(default)}
        return args, kwargs

    patch(owner, name, hook)
