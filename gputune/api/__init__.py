"""The verbs as functions: what the command line and a notebook both call."""

from __future__ import annotations

from gputune.api.applying import ApplyFailed, Reverted, diff, plan_patch, revert, write_patch
from gputune.api.check_outputs import CheckOutputs
from gputune.api.checking import Checked, check, list_checks
from gputune.api.comparing import NothingToCompare, compare, regression
from gputune.api.configuring import load_config, snippet
from gputune.api.files import write_text
from gputune.api.loading import load
from gputune.api.outputs import OutputFailed, Outputs, Written, write_page
from gputune.api.profiling import Result, profile
from gputune.api.running import Ran, run
from gputune.api.study_outputs import StudyOutputs, StudyWritten
from gputune.api.trace import TraceOutputs, trace_file, write_trace_page
from gputune.api.trials.asking import Progress, TuneOptions
from gputune.api.tuning import BaselineFailed, Planned, Tuned, known_profile, plan_study, tune
from gputune.checks.selection import UnknownCheck
from gputune.launch.command import BadTarget, Target
from gputune.rewrite.patch.patch import Patch
from gputune.rewrite.toml_reader import BadConfig
from gputune.schema.read import UnreadableRecord
from gputune.search.choosing import BadChoice, Choice, parse_value
from gputune.search.storage import StudyUnusable
from gputune.trace.xplane import UnreadableTrace

__all__ = [
    "ApplyFailed",
    "BadChoice",
    "BadConfig",
    "BadTarget",
    "BaselineFailed",
    "CheckOutputs",
    "Checked",
    "Choice",
    "NothingToCompare",
    "OutputFailed",
    "Outputs",
    "Patch",
    "Planned",
    "Progress",
    "Ran",
    "Result",
    "Reverted",
    "StudyOutputs",
    "StudyUnusable",
    "StudyWritten",
    "Target",
    "TraceOutputs",
    "TuneOptions",
    "Tuned",
    "UnknownCheck",
    "UnreadableRecord",
    "UnreadableTrace",
    "Written",
    "check",
    "compare",
    "diff",
    "known_profile",
    "list_checks",
    "load",
    "load_config",
    "parse_value",
    "plan_patch",
    "plan_study",
    "profile",
    "regression",
    "revert",
    "run",
    "snippet",
    "trace_file",
    "tune",
    "write_page",
    "write_patch",
    "write_text",
    "write_trace_page",
]
