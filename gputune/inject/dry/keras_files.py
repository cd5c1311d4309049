"""What Keras writes: models, weights, checkpoints, logs."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from gputune.inject.dry.redirecting import redirect_argument
from gputune.inject.dry.scratch import Scratch

if TYPE_CHECKING:
    from gputune.inject.watch import Watch

_WRITING_METHODS = (("save", "filepath"), ("save_weights", "filepath"), ("export", "filepath"))
_CALLBACKS = (
    ("ModelCheckpoint", "filepath"),
    ("CSVLogger", "filename"),
    ("TensorBoard", "log_dir"),
    ("BackupAndRestore", "backup_dir"),
)


def redirect(keras: ModuleType, watch: Watch) -> None:
    """Send to scratch what `Model.save*`, `keras.saving` and the callbacks write."""
    scratch = Scratch(watch)
    for name, parameter in _WRITING_METHODS:
        redirect_argument(watch, keras.Model, name, parameter, scratch.for_writing)
    redirect_argument(watch, keras.Model, "load_weights", "filepath", scratch.for_reading)
    for module in _modules(keras):
        redirect_argument(watch, module, "save_model", "filepath", scratch.for_writing)
        redirect_argument(watch, module, "load_model", "filepath", scratch.for_reading)
        redirect_argument(watch, module, "save_weights", "filepath", scratch.for_writing)
        redirect_argument(watch, module, "load_weights", "filepath", scratch.for_reading)
    for name, parameter in _CALLBACKS:
        redirect_argument(
            watch, getattr(keras.callbacks, name, None), "__init__", parameter,
            scratch.for_writing,
        )  # fmt: skip


def _modules(keras: ModuleType) -> list[ModuleType]:
    """Every module that has the saving functions under a name of its own.

    `tf.keras` is another set of modules with the same functions. It is private to Keras, so it is
    asked for with care (tried on Keras 3.15).
    """
    legacy = getattr(getattr(keras, "_tf_keras", None), "keras", None)
    roots = [keras] if legacy is None else [keras, legacy]
    return [root.saving for root in roots] + [root.models for root in roots]
