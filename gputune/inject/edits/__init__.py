"""The settings of a configuration, put into the running script: the five edits carried out.

Hooks are set only where there are settings, and act where pipelines and models are made, never in
a step: `calls` changes and inserts `tf.data` calls at their lines, `finishing` ends the pipeline
that reaches `fit`, `models` changes what `compile`, `fit`, optimizers and Keras' own makers of
datasets are given, and sets the dtype policy. Environment variables are the parent's part.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject.edits.calls import Calls
from gputune.inject.edits.models import Models
from gputune.inject.edits.orders import Orders
from gputune.schema.config import Setting

if TYPE_CHECKING:
    from gputune.inject.watch import Watch


class Edits:
    """All edits of one process."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._orders = Orders(watch)
        self._calls: Calls | None = None
        self._models: Models | None = None

    def tensorflow_imported(self, tf: ModuleType) -> None:
        """Hook `tf.data`, where a setting concerns it."""
        self._calls = Calls(tf, self._watch, self._orders)
        if self._orders.of_pipelines or self._watch.options.control_fd is not None:
            self._calls.watch()

    def keras_imported(self, keras: ModuleType, tf: ModuleType) -> None:
        """Set the dtype policy, and hook what of Keras a setting concerns."""
        calls = self._calls or Calls(tf, self._watch, self._orders)
        self._models = Models(keras, tf, self._watch, self._orders, calls)
        self._models.watch()

    # Other settings in a process that stays: see `inject/trials`.

    def put(self, settings: Sequence[Setting]) -> dict[str, Any]:
        """From now on carry out these settings; the attributes that the model is to have."""
        orders = Orders(self._watch, settings)
        if self._calls is None or self._models is None:
            raise RuntimeError("TensorFlow and Keras are not hooked")
        self._calls.put(orders)
        self._models.put(orders)
        return self._models.of_compile()

    def made_again(self, dataset: Any) -> Any:
        """The script's pipeline with the settings at its lines."""
        return dataset if self._calls is None else self._calls.made_again(dataset)

    def of_fit(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of `fit` with the settings that have no line."""
        return (args, kwargs) if self._models is None else self._models.of_fit(args, kwargs)

    def makers_imported(self, module: Any) -> None:
        """`tf.keras` has Keras' makers of datasets under names of its own."""
        Models.watch_makers(module, self._watch, self._orders)
