"""The hooks of the check `callbacks`."""

from __future__ import annotations

from gputune.checks.script.check import Check


class Callbacks(Check):
    """What callbacks raise, watch, write and cost."""
