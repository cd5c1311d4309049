"""The user's own classes and functions in a model, and what each gives to be saved."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gputune.checks.script.comparing import leaves
from gputune.checks.script.errors import said
from gputune.checks.script.where import defined_at, is_custom
from gputune.inject.layers import flat
from gputune.schema.site import Site

_KEPT_BY_KERAS = frozenset({"self", "name", "dtype", "trainable", "kwargs", "args"})
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_ENDINGS = ("activation", "initializer", "regularizer", "constraint")


@dataclass(frozen=True, kw_only=True)
class Part:
    """One custom class or function of the model.

    `kind` is what it is used as ("layer", "loss", "metric", …), `owner` the name of the layer that
    it was found in, where it is not one itself.
    """

    name: str
    kind: str
    site: Site | None = None
    owner: str = ""
    is_function: bool = False
    is_lambda: bool = False
    registered: bool = False
    config_error: str = ""
    """What `get_config` raises."""
    required: tuple[str, ...] = ()
    """Arguments that the constructor must have, and the config has not."""
    refused: tuple[str, ...] = ()
    """What the config has, and the constructor does not take."""
    lost: tuple[tuple[str, str, str], ...] = ()
    """(argument, its value, the value it is made again with) for those that the config lacks."""
    closed_over: tuple[str, ...] = ()
    """Names that a function takes from the function around it."""
    thing: Any = field(default=None, compare=False, repr=False)
    """The class or function itself, for `custom_objects`."""

    @property
    def is_incomplete(self) -> bool:
        """Whether the constructor and the config do not have the same arguments."""
        return bool(self.required or self.lost or self.refused)


def parts(keras: Any, model: Any) -> tuple[Part, ...]:
    """The custom parts of a model, each class and function once, in the model's order."""
    found: dict[int, Part] = {}
    for thing, kind, owner in _things(model):
        what = thing if inspect.isroutine(thing) else type(thing)
        if is_custom(what) and id(what) not in found:
            found[id(what)] = _part(keras, thing, kind, owner)
    return tuple(found.values())


def custom_objects(found: tuple[Part, ...]) -> dict[str, Any]:
    """What `load_model(custom_objects=…)` wants for these."""
    return {part.name: part.thing for part in found if not part.is_lambda}


def loose_variables(tf: Any, model: Any) -> tuple[tuple[str, Any], ...]:
    """Variables of TensorFlow that layers hold as attributes: Keras saves none of them."""
    return tuple(
        (f"{attribute} of the layer {getattr(layer, 'name', '')!r}", value)
        for layer in (model, *flat(model))
        for attribute, value in list(vars(layer).items())
        if isinstance(value, tf.Variable)
    )


def _things(model: Any) -> Iterator[tuple[Any, str, str]]:
    """Objects and functions that a saved model names: (it, what it is used as, its layer)."""
    yield model, "model", ""
    for layer in flat(model):
        yield layer, "layer", ""
        yield from _of_layer(layer)
    # Private (tried on Keras 3.15): what `compile` was given, of which `model.loss` is a part.
    compiled: Mapping[str, Any] = getattr(getattr(model, "_compile_config", None), "config", {})
    for name, kind in (("loss", "loss"), ("metrics", "metric"), ("weighted_metrics", "metric")):
        for thing in leaves(compiled.get(name)):
            if not isinstance(thing, str):
                yield thing, kind, ""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None:
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        yield optimizer, "optimizer", ""
        schedule = getattr(optimizer, "_learning_rate", None)
        if hasattr(schedule, "get_config"):
            yield schedule, "learning-rate schedule", ""


def _of_layer(layer: Any) -> Iterator[tuple[Any, str, str]]:
    name = str(getattr(layer, "name", ""))
    if type(layer).__name__ == "Lambda":
        for attribute in ("function", "_output_shape", "mask"):
            value = getattr(layer, attribute, None)
            if inspect.isfunction(value):
                yield value, "Lambda layer", name
    for attribute, value in list(vars(layer).items()):
        if attribute.endswith(_ENDINGS) and value is not None and not isinstance(value, str):
            yield value, attribute.strip("_").replace("_", " "), name


def _part(keras: Any, thing: Any, kind: str, owner: str) -> Part:
    if inspect.isroutine(thing):
        name = str(getattr(thing, "__name__", thing))
        code = getattr(thing, "__code__", None)
        return Part(
            name=name, kind=kind, owner=owner, site=defined_at(thing), is_function=True,
            is_lambda=name == "<lambda>", registered=_is_registered(keras, thing),
            closed_over=tuple(code.co_freevars) if code is not None else (), thing=thing,
        )  # fmt: skip
    cls = type(thing)
    config, error = _config(thing)
    part = Part(
        name=cls.__name__, kind=kind, owner=owner, site=defined_at(cls),
        registered=_is_registered(keras, cls), config_error=error, thing=cls,
    )  # fmt: skip
    return part if config is None else _with_missing(part, thing, config)


def _is_registered(keras: Any, thing: Any) -> bool:
    name = keras.saving.get_registered_name(thing)
    return keras.saving.get_registered_object(name) is thing


def _config(thing: Any) -> tuple[Mapping[str, Any] | None, str]:
    try:
        config = thing.get_config()
    except Exception as error:
        return None, said(error)
    if not isinstance(config, Mapping):
        return None, f"get_config gives {type(config).__name__}, no dict"
    return config, ""


def _with_missing(part: Part, thing: Any, config: Mapping[str, Any]) -> Part:
    """The part with what its config and its constructor do not have in common.

    An argument with a default is lost where the object has an attribute of its name with another
    value. A class with a `from_config` of its own is believed: it may know better.
    """
    cls = type(thing)
    constructor = _own(cls, "__init__")
    if constructor is None or _own(cls, "from_config") is not None:
        return part
    required, lost = [], []
    parameters = inspect.signature(constructor).parameters
    for name, parameter in parameters.items():
        if name in _KEPT_BY_KERAS or name in config or parameter.kind in _VARIADIC:
            continue
        if parameter.default is inspect.Parameter.empty:
            required.append(name)
        elif (value := _other_than(thing, name, parameter.default)) is not None:
            lost.append((name, value, _short(parameter.default)))
    takes_all = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values())
    refused = () if takes_all else tuple(name for name in config if name not in parameters)
    return replace(part, required=tuple(required), lost=tuple(lost), refused=refused)


def _own(cls: type, name: str) -> Any:
    """The method, where a class of the user's defines it, and none of Keras' before that."""
    for kind in cls.__mro__:
        if name in vars(kind):
            return vars(kind)[name] if is_custom(kind) else None
    return None


_PLAIN = (bool, int, float, str)


def _other_than(thing: Any, name: str, default: Any) -> str | None:
    """The attribute as text, where it surely is another value than the default; else None.

    A layer's constructor may turn one value into another (a name into a function), so only plain
    values are compared, and None with a plain value only where the value is one.
    """
    value = vars(thing).get(name, default)
    if not isinstance(value, _PLAIN) or not isinstance(default, (*_PLAIN, type(None))):
        return None
    if default is not None and type(value) is not type(default) and not (
        isinstance(value, (int, float)) and isinstance(default, (int, float))
    ):  # fmt: skip
        return None
    return _short(value) if value != default else None


def _short(value: Any) -> str:
    try:
        return repr(value)[:60]
    except Exception:  # a `__repr__` or an object of the user's own may raise anything
        return type(value).__name__
