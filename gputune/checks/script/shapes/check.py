"""The hooks of the check `shapes`."""

from __future__ import annotations

from gputune.checks.script.check import Check


class Shapes(Check):
    """Shape mismatches, the table of layers, and shapes that change."""
