"""The verbs as functions: what the command line and a notebook both call."""

from __future__ import annotations

from gputune.api.loading import load
from gputune.api.outputs import OutputFailed, Outputs, Written, write_page
from gputune.api.profiling import Result, profile
from gputune.launch.command import BadTarget, Target
from gputune.schema.read import UnreadableRecord

__all__ = [
    "BadTarget",
    "OutputFailed",
    "Outputs",
    "Result",
    "Target",
    "UnreadableRecord",
    "Written",
    "load",
    "profile",
    "write_page",
]
