"""The verbs as functions: what the command line and a notebook both call."""

from __future__ import annotations

from gputune.api.configuring import load_config
from gputune.api.loading import load
from gputune.api.outputs import OutputFailed, Outputs, Written, write_page
from gputune.api.profiling import Result, profile
from gputune.api.running import Ran, run
from gputune.api.trace import TraceOutputs, trace_file, write_trace_page
from gputune.launch.command import BadTarget, Target
from gputune.rewrite.toml_reader import BadConfig
from gputune.schema.read import UnreadableRecord
from gputune.trace.xplane import UnreadableTrace

__all__ = [
    "BadConfig",
    "BadTarget",
    "OutputFailed",
    "Outputs",
    "Ran",
    "Result",
    "Target",
    "TraceOutputs",
    "UnreadableRecord",
    "UnreadableTrace",
    "Written",
    "load",
    "load_config",
    "profile",
    "run",
    "trace_file",
    "write_page",
    "write_trace_page",
]
