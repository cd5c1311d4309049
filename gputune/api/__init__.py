"""The verbs as functions: what the command line and a notebook both call."""

from __future__ import annotations

from gputune.api.applying import ApplyFailed, Reverted, diff, plan_patch, revert, write_patch
from gputune.api.comparing import NothingToCompare, compare, regression
from gputune.api.configuring import load_config, snippet
from gputune.api.exporting import write_perfetto, write_tensorboard
from gputune.api.files import write_text
from gputune.api.indexing import Reports, find_reports, write_index
from gputune.api.loading import load
from gputune.api.outputs import OutputFailed, Outputs, Written
from gputune.api.pages import write_page
from gputune.api.profiling import Result, profile
from gputune.api.running import Ran, run
from gputune.api.study_outputs import StudyOutputs, StudyWritten
from gputune.api.trace import TraceOutputs, trace_file
from gputune.api.trials.asking import Progress, TuneOptions
from gputune.api.tuning import BaselineFailed, Planned, Tuned, known_profile, plan_study, tune
from gputune.launch.command import BadTarget, Target
from gputune.report.notebook import render_notebook
from gputune.rewrite.patch.patch import Patch
from gputune.rewrite.toml_reader import BadConfig
from gputune.schema.notebook import show_with
from gputune.schema.read import UnreadableRecord
from gputune.search.choosing import BadChoice, Choice, parse_value
from gputune.search.storage import StudyUnusable
from gputune.trace.xplane import UnreadableTrace

show_with(render_notebook)

__all__ = [
    "ApplyFailed",
    "BadChoice",
    "BadConfig",
    "BadTarget",
    "BaselineFailed",
    "Choice",
    "NothingToCompare",
    "OutputFailed",
    "Outputs",
    "Patch",
    "Planned",
    "Progress",
    "Ran",
    "Reports",
    "Result",
    "Reverted",
    "StudyOutputs",
    "StudyUnusable",
    "StudyWritten",
    "Target",
    "TraceOutputs",
    "TuneOptions",
    "Tuned",
    "UnreadableRecord",
    "UnreadableTrace",
    "Written",
    "compare",
    "diff",
    "find_reports",
    "known_profile",
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
    "write_index",
    "write_page",
    "write_patch",
    "write_perfetto",
    "write_tensorboard",
    "write_text",
]
