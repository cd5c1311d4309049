"""What a check may know of the process that it runs in."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gputune.checks.script.made import Made
    from gputune.inject.watch import Watch


@dataclass(frozen=True)
class Context:
    """The surroundings of one check."""

    name: str
    watch: Watch
    """The hooks' shared state; `watch.recorder` knows the recorded `tf.data` calls."""
    made: Made
    """Where layers and callbacks were made: `made.site_of(layer)`."""

    @property
    def keras(self) -> Any:
        """Keras, None as long as the script has not imported it."""
        return sys.modules.get("keras")

    @property
    def tf(self) -> Any:
        """TensorFlow, None as long as the script has not imported it."""
        return sys.modules.get("tensorflow")

    @property
    def scratch(self) -> Path:
        """A folder of this check's own, made at the first use: the only place to write to."""
        folder = self.watch.folder.root / "checks" / self.name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
