"""gputune: find out why a TensorFlow/Keras training script waits, and end the waiting.

The package is light on purpose: importing it loads nothing but the standard library, because
it is also imported inside the user's own training process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Config", "__version__", "check", "knob", "load", "profile"]

if TYPE_CHECKING:
    from gputune.api import check, load, profile
    from gputune.knobs.declaring import knob
    from gputune.script.config import Config


def __getattr__(name: str) -> Any:
    """Load a public name at its first use, not at import; `gputune.keras` is a module."""
    if name in {"check", "load", "profile"}:
        from gputune import api

        return getattr(api, name)
    if name == "knob":
        from gputune.knobs.declaring import knob

        return knob
    if name == "Config":
        from gputune.script.config import Config

        return Config
    raise AttributeError(f"module 'gputune' has no attribute {name!r}")
