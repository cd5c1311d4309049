"""Record every `tf.data` call with its source line, and give each a name that comes back.

A call that has no `name=` of the user's gets a unique one. TensorFlow carries it into the trace
events and into fused nodes, so that what ran can be joined to the line that asked for it. Losses,
shuffle order, fingerprints and snapshot folders do not depend on it (tried on TensorFlow 2.21).
"""

from __future__ import annotations

import inspect
import itertools
import os
import re
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject.callables import describe_function
from gputune.inject.hazards import hazard, is_address
from gputune.inject.patching import caller, patch
from gputune.inject.sites import call_site
from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.watch import Watch

# Public methods of tf.data.Dataset that return something else than a dataset.
NO_DATASETS = {
    "as_numpy_iterator", "cardinality", "fingerprint", "get_single_element", "reduce",
    "element_spec",
}  # fmt: skip
_PYTHON = {"from_generator"}

# Our own datasets (the held batch) are not the user's.
_thread = threading.local()


@contextmanager
def unrecorded() -> Iterator[None]:
    """Within it, `tf.data` calls of this thread are gputune's own and are not recorded."""
    before = getattr(_thread, "unrecorded", False)
    _thread.unrecorded = True
    try:
        yield
    finally:
        _thread.unrecorded = before


@dataclass(frozen=True, slots=True)
class Made:
    """The call that made a dataset.

    `inputs` are the ids of the calls whose datasets it stands on, `arguments` the recorded ones.
    `function` gives the user's function while that lives (the dataset holds it), else None.
    `hazard` is why neither the call nor what it is made of may be run again, or empty.
    """

    id: int
    method: str
    inputs: tuple[int, ...]
    arguments: dict[str, Any]
    function: Callable[[], Any]
    hazard: str


class Recorder:
    """Writes one `dataset_call` event for each call; knows which dataset came from which."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._ids = itertools.count(1)
        self._made_by: weakref.WeakKeyDictionary[Any, Made] = weakref.WeakKeyDictionary()

    def id_of(self, dataset: Any) -> int | None:
        """The id of the call that made this dataset, or None for an unknown one."""
        try:
            made = self._made_by.get(dataset)
        except TypeError:
            return None
        return None if made is None else made.id

    def why_not_again(self, dataset: Any) -> str:
        """Why a dataset must not be made and run once more; nothing where it may be.

        Of all that it stands on, as far as that still lives.
        """
        made = self._made_by.get(dataset)
        if made is None:
            return "how it was made was not recorded"
        by_id = {one.id: one for one in list(self._made_by.values())}
        todo, seen = [made], set[int]()
        while todo:
            one = todo.pop()
            if one.id in seen:
                continue
            seen.add(one.id)
            if one.hazard:
                return f".{one.method}: {one.hazard}"
            todo += [by_id[i] for i in one.inputs if i in by_id]
        return ""

    def living(self) -> dict[int, tuple[Any, Made]]:
        """The datasets that still live, each with its call, by the call's id.

        What a living dataset stands on lives as well.
        """
        return {made.id: (dataset, made) for dataset, made in list(self._made_by.items())}

    def call(
        self,
        method: str,
        signature: inspect.Signature | None,
        original: Callable[..., Any],
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Make the call, named and recorded. A failure of the recording never fails the call."""
        guard = self._watch.guard
        if getattr(_thread, "unrecorded", False) or not guard.enabled("datasets"):
            return original(*args, **kwargs)
        number = next(self._ids)
        name = guard.run("datasets", _given_name, signature, instance, args, kwargs)
        ours = name is None and signature is not None and "name" in signature.parameters
        if ours:
            name = f"gt_{number}_{method}"
            kwargs = {**kwargs, "name": name}
        stack = _stack()
        stack.append({"id": number, "python": method in _PYTHON, "hazard": ""})
        try:
            result = original(*args, **kwargs)
        finally:
            frame = stack.pop()
        made = instance if method == "__init__" else result
        if method == "cache" and self._watch.options.full:
            guard.run("datasets", self._note_cache, signature, args, kwargs)
        guard.run(
            "datasets", self._record, number, method, name, ours, frame, signature,
            instance, args, kwargs, made,
        )  # fmt: skip
        return result

    def _note_cache(
        self, signature: inspect.Signature | None, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """A file cache that is killed while it fills leaves a lock that stops the next run."""
        filename = _arguments(signature, args, kwargs).get("filename")
        if filename:
            self._watch.log.write(events.CLEANUP, path=os.path.abspath(filename))

    def _record(
        self, number: int, method: str, name: str | None, ours: bool, frame: dict[str, Any],
        signature: inspect.Signature | None, instance: Any, args: tuple[Any, ...],
        kwargs: dict[str, Any], made: Any,
    ) -> None:  # fmt: skip
        label = type(made).__name__ if method == "__init__" else method
        outer = _stack()[-1] if _stack() else None
        below = [] if method == "__init__" else list(_datasets(instance, args, kwargs))
        inputs = [i for i in map(self.id_of, below) if i]
        arguments = _arguments(signature, args, kwargs)
        python = frame["python"]
        why = frame["hazard"] or hazard(
            method, arguments, python=python,
            remote=any(is_address(value) for value in [*args, *kwargs.values()]),
            # What a function of the script gets from tf.data (a window) is part of its caller.
            unknown=outer is None and len(inputs) < len(below),
        )  # fmt: skip
        if outer is not None:
            outer["hazard"] = outer["hazard"] or why
        try:
            self._made_by[made] = Made(
                number, label, tuple(inputs), arguments, _function(args, kwargs), why
            )
        except TypeError:
            pass
        # Frames: _record <- Guard.run <- call <- the hook <- the caller.
        self._watch.log.write(
            events.DATASET_CALL,
            id=number,
            method=label,
            name=name,
            ours=ours,
            site=call_site(caller()),
            inputs=inputs,
            arguments=arguments,
            python=python,
            outer=outer["id"] if outer is not None else None,
        )


def watch(tf: ModuleType, watch: Watch) -> None:
    """Hook every public method of `tf.data.Dataset` that makes a dataset, and the readers."""
    recorder = Recorder(watch)
    watch.recorder = recorder
    dataset = tf.data.Dataset
    for name in dir(dataset):
        if name.startswith("_") or name in NO_DATASETS or not callable(getattr(dataset, name)):
            continue
        _hook(recorder, dataset, name)
    readers = [
        getattr(tf.data, name, None)
        for name in ("TFRecordDataset", "TextLineDataset", "FixedLengthRecordDataset")
    ]
    for reader in [*readers, getattr(tf.data.experimental, "CsvDataset", None)]:
        if reader is not None:
            _hook(recorder, reader, "__init__")
    for name in ("py_function", "numpy_function"):
        patch(tf, name, _python_marker)


def _hook(recorder: Recorder, owner: Any, method: str) -> None:
    try:
        signature = inspect.signature(getattr(owner, method))
    except (TypeError, ValueError):
        signature = None

    def hook(
        original: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return recorder.call(method, signature, original, instance, args, kwargs)

    patch(owner, method, hook)


def _python_marker(
    original: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """A `py_function` built while a dataset's function is traced: that stage runs Python."""
    stack = _stack()
    if stack:
        stack[-1]["python"] = True
    return original(*args, **kwargs)


def _stack() -> list[dict[str, Any]]:
    if not hasattr(_thread, "stack"):
        _thread.stack = []
    return _thread.stack  # type: ignore[no-any-return]


def _given_name(
    signature: inspect.Signature | None, instance: Any, args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> str | None:  # fmt: skip
    """The name that the user gave, or None."""
    if "name" in kwargs:
        return kwargs["name"]  # type: ignore[no-any-return]
    if signature is None or "name" not in signature.parameters:
        return None
    parameters = signature.parameters
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters.values()):
        return None  # `zip(a, b, c)`: what stands at the name's position is a dataset
    names = [p for p in parameters if p != "self"]
    position = names.index("name")
    return args[position] if position < len(args) else None


def _datasets(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Any]:
    """The datasets that the call stands on: its object, then those among its arguments."""
    for value in [instance, *args, *kwargs.values()]:
        if isinstance(value, (list, tuple)):
            yield from filter(_is_dataset, value[:16])
        elif isinstance(value, dict):
            yield from filter(_is_dataset, value.values())
        elif _is_dataset(value):
            yield value


def _is_dataset(value: Any) -> bool:
    """Whether it is a dataset, and not a class of them (`interleave(tf.data.TFRecordDataset)`)."""
    return not isinstance(value, type) and hasattr(value, "element_spec")


def _arguments(
    signature: inspect.Signature | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """The arguments that say how the stage runs; never the user's data.

    Numbers, booleans and short strings as they are, functions by name and line; everything else
    is left out, since keeping the arguments would keep the user's arrays alive.
    """
    values = dict(kwargs)
    if signature is not None:
        names = [p for p in signature.parameters if p != "self"]
        values.update(zip(names, args, strict=False))
    kept: dict[str, Any] = {}
    for name, value in values.items():
        if name == "name":
            continue
        plain = _plain(name, value)
        if plain is not None:
            kept[name] = plain
    return kept


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return value[:200]
    if name == "options":
        return _options(value)
    if callable(value):
        return describe_function(value)
    if getattr(value, "shape", None) == () and hasattr(value, "numpy"):
        number = value.numpy()
        return number.item() if hasattr(number, "item") else None
    return None


def _function(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[], Any]:
    """A weak reference to the first function among the arguments: the dataset holds it anyway.

    Held strongly, a function that knows its own dataset would keep both alive for good.
    """
    for value in [*args, *kwargs.values()]:
        if callable(value) and not _is_dataset(value):
            try:
                return weakref.ref(value)
            except TypeError:
                break
    return _nothing


def _nothing() -> None:
    return None


def _options(options: Any) -> dict[str, Any]:
    """The options that were set, flat, by their dotted names."""
    found: dict[str, Any] = {}
    groups = {
        "": options,
        "autotune.": getattr(options, "autotune", None),
        "threading.": getattr(options, "threading", None),
        "experimental_optimization.": getattr(options, "experimental_optimization", None),
    }
    for prefix, group in groups.items():
        for name in dir(group) if group is not None else []:
            # Some experimental ones are old names: TensorFlow warns when they are looked at.
            if name.startswith(("_", "experimental_")):
                continue
            value = getattr(group, name)
            if isinstance(value, (bool, int, float, str)) and not re.match("merge", name):
                found[prefix + name] = value
    return found
