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
    redirect_module(keras.saving, watch)
    redirect_module(keras.models, watch)
    for name, parameter in _CALLBACKS:
        redirect_argument(
            watch, getattr(keras.callbacks, name, None), "__init__", parameter,
            scratch.for_writing,
        )  # fmt: skip


def redirect_module(module: ModuleType, watch: Watch) -> None:
    """The same for the saving functions that a module has under names of its own.

    `tf.keras` is another set of modules with the same functions, hooked when it is imported.
    """
    scratch = Scratch(watch)
    redirect_argument(watch, module, "save_model", "filepath", scratch.for_writing)
    redirect_argument(watch, module, "load_model", "filepath", scratch.for_reading)
    redirect_argument(watch, module, "save_weights", "filepath", scratch.for_writing)
    redirect_argument(watch, module, "load_weights", "filepath", scratch.for_reading)
