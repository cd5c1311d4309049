"""The checks of `gputune check` stand above this room: loaded by name, and only where asked for."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from gputune.inject.watch import Watch

_PLACE = "gputune.checks.script.checking"


class Checking(Protocol):
    """What the hooks tell the checks."""

    def keras_imported(self, keras: ModuleType, tf: ModuleType) -> None:
        """Keras on TensorFlow is whole, and gputune's other hooks are set."""

    def enough(self, steps: int, iterator: Any) -> bool:
        """A loop written by hand has made so many steps: whether they are enough."""

    def finish(self) -> None:
        """The last look; who calls this ends the script right after."""

    def script_ended(self) -> None:
        """The interpreter is ending by itself."""


def load(watch: Watch) -> Checking:
    """The checks that the options name; raises ImportError where they cannot be loaded."""
    return cast(Checking, importlib.import_module(_PLACE).Checking(watch))
