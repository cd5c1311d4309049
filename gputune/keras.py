"""For scripts that use Keras: `gputune.keras.ProfileCallback`. Imports Keras; gputune does not."""

from __future__ import annotations

from gputune.script.profile_callback import ProfileCallback

__all__ = ["ProfileCallback"]
