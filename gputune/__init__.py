"""gputune: find out why a TensorFlow/Keras training script waits, and end the waiting.

The package is light on purpose: importing it loads nothing but the standard library, because
it is also imported inside the user's own training process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "check", "load", "profile"]

if TYPE_CHECKING:
    from gputune.api import check, load, profile


def __getattr__(name: str) -> Any:
    """Load the verbs of `gputune.api` at their first use, not at import."""
    if name in {"check", "load", "profile"}:
        from gputune import api

        return getattr(api, name)
    raise AttributeError(f"module 'gputune' has no attribute {name!r}")
