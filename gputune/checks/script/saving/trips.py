"""The round trips: the model is written, read back, and asked for the same predictions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gputune.checks.script.comparing import Difference, difference, numbers
from gputune.checks.script.errors import said
from gputune.checks.script.kept import Kept
from gputune.checks.script.saving import ways

LONGEST_S = 60.0
"""After so many seconds no further format is begun."""


@dataclass(frozen=True, kw_only=True)
class Trip:
    """One format. Errors are one line each, empty where there was none.

    `load_error` is what a program without the script's classes gets. Where there is one, the model
    was loaded again with every help (`custom_objects`, `safe_mode=False`, `compile=False`):
    `helped_error` is what that gave. `compile_error` says that the file loads with `compile=False`
    alone. `difference` is None where nothing could be compared, for the reason `not_compared`.
    """

    format: str
    save_error: str = ""
    load_error: str = ""
    helped_error: str = ""
    compile_error: str = ""
    run_error: str = ""
    """What the loaded model raises when it predicts."""
    difference: Difference | None = None
    not_compared: str = ""
    python_ops: tuple[str, ...] = ()
    """Operations of a SavedModel that call back into this very process."""
    size_bytes: int | None = None


class Trips:
    """The trips of one model, whose variables `kept` puts back."""

    def __init__(
        self, keras: Any, tf: Any, model: Any, *, kept: Kept, folder: Path,
        inputs: Any, helps: Mapping[str, Any], dtype: str = "float32",
    ) -> None:  # fmt: skip
        self._keras = keras
        self._tf = tf
        self._model = model
        self._kept = kept
        self._folder = folder
        self._inputs = inputs
        self._helps = dict(helps)
        self._base: list[Any] | None = None
        self._loose_matter = False
        self.no_predictions = ""
        """Why predictions cannot be compared: then the weights are."""
        self._predict_first(dtype)
        # Without metrics and random states, which every prediction may change.
        self._weights_then = model.get_weights()

    def all(self) -> Iterator[Trip]:
        """Each format in turn, until the time is used up."""
        began = time.perf_counter()
        for name, trip in (
            (ways.KERAS, self._whole),
            (ways.WEIGHTS, self._weights),
            (ways.HDF5, self._whole),
            (ways.SAVED_MODEL, self._exported),
        ):
            if time.perf_counter() - began > LONGEST_S:
                yield Trip(format=name, not_compared=f"{LONGEST_S:.0f} s were used up before")
                continue
            yield trip(name)

    def _predict_first(self, dtype: str) -> None:
        if self._inputs is None:
            self.no_predictions = "the training's batches cannot be looked at"
            return
        try:
            first = self._predictions(self._model)
            again = self._predictions(self._model)
        except Exception as error:
            self.no_predictions = f"the model cannot be called: {said(error)}"
            return
        if not first:
            self.no_predictions = "the model's outputs are no numbers"
        elif difference(first, again).is_more_than_rounding(dtype):
            self.no_predictions = "two predictions of the same batch differ"
        self._base = first

    def _predictions(self, model: Any) -> list[Any]:
        return numbers(model(self._inputs, training=False))

    def _same(self, model: Any) -> Difference:
        """A Keras model beside the trained one: by predictions, or by weights where these fail."""
        if self.no_predictions or self._base is None:
            return difference(numbers(self._weights_then), numbers(model.get_weights()))
        return difference(self._base, self._predictions(model))

    # Keras' own files.

    def _whole(self, name: str) -> Trip:
        path = self._folder / f"model{name}"
        try:
            self._model.save(path)
        except Exception as error:
            return Trip(format=name, save_error=said(error))
        size = path.stat().st_size
        load = self._keras.saving.load_model
        loaded, first = _tried(lambda: load(path))
        if loaded is None and name == ways.HDF5:
            loaded, _ = _tried(lambda: load(path, compile=False))
            if loaded is not None:
                return self._compared(
                    Trip(format=name, compile_error=first, size_bytes=size), loaded
                )
        helped = ""
        if loaded is None:
            loaded, helped = _tried(lambda: load(path, custom_objects=self._helps, safe_mode=False))
        if loaded is None:
            loaded, helped = _tried(
                lambda: load(path, custom_objects=self._helps, safe_mode=False, compile=False)
            )
        trip = Trip(format=name, load_error=first, helped_error=helped, size_bytes=size)
        return trip if loaded is None else self._compared(trip, loaded)

    def _compared(self, trip: Trip, loaded: Any) -> Trip:
        same, error = _tried(lambda: self._same(loaded))
        if trip.format == ways.KERAS and same is not None and same.relative > 0:
            # What the class made anew was not what was trained: a loose variable may be why.
            self._loose_matter = True
        return replace(trip, difference=same, run_error=error)

    def _weights(self, name: str) -> Trip:
        """Into the model itself, emptied: nothing but the file can bring the weights back."""
        path = self._folder / f"model{name}"
        try:
            self._model.save_weights(path)
        except Exception as error:
            return Trip(format=name, save_error=said(error))
        size = path.stat().st_size
        try:
            self._kept.empty(loose=self._loose_matter)
            self._model.load_weights(path)
            return self._compared(Trip(format=name, size_bytes=size), self._model)
        except Exception as error:
            return Trip(format=name, load_error=said(error), size_bytes=size)
        finally:
            self._kept.put_back()

    # TensorFlow's.

    def _exported(self, name: str) -> Trip:
        path = self._folder / "exported"
        try:
            self._model.export(str(path), verbose=False)
        except Exception as error:
            return Trip(format=name, save_error=said(error))
        size = sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
        loaded, failed = _tried(lambda: self._tf.saved_model.load(str(path)))
        if loaded is None:
            return Trip(format=name, load_error=failed, size_bytes=size)
        trip = Trip(format=name, size_bytes=size, python_ops=_python_ops(loaded))
        if self.no_predictions or self._base is None:
            return replace(trip, not_compared=self.no_predictions)
        inputs, failed = _tried(lambda: _as_signed(self._tf, loaded, self._inputs))
        if inputs is None:
            return replace(trip, not_compared=f"its signature wants other inputs ({failed})")
        outputs, failed = _tried(lambda: numbers(loaded.serve(inputs)))
        if outputs is None:
            return replace(trip, run_error=failed)
        return replace(trip, difference=difference(self._base, outputs))


def _tried(function: Callable[[], Any]) -> tuple[Any, str]:
    """What the function gives, and no error; or None, and its error."""
    try:
        return function(), ""
    except Exception as error:
        return None, said(error)


def _python_ops(loaded: Any) -> tuple[str, ...]:
    """The operations that run Python, which is not in the SavedModel and dies with the process."""
    found: dict[str, None] = {}
    for function in loaded.signatures.values():
        graph = function.graph.as_graph_def()
        nodes = [*graph.node, *(node for one in graph.library.function for node in one.node_def)]
        found.update({node.op: None for node in nodes if node.op in ("PyFunc", "EagerPyFunc")})
    return tuple(found)


def _as_signed(tf: Any, loaded: Any, inputs: Any) -> Any:
    """The inputs in the form and the types of the signature, which Keras does not insist on.

    Raises ValueError where there are more or fewer of them than the signature has.
    """
    ((wanted, *_), _) = loaded.serve.concrete_functions[0].structured_input_signature
    specs = tf.nest.flatten(wanted)
    given = [
        value if spec.dtype == tf.string else tf.cast(value, spec.dtype)
        for spec, value in zip(specs, tf.nest.flatten(inputs), strict=True)
    ]
    return tf.nest.pack_sequence_as(wanted, given)
