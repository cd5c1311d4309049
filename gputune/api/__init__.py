"""The verbs as functions: what the command line and a notebook both call.

Each is loaded at its first use. So a command waits for its own packages alone, and `doctor` says
what is wrong with an environment in which those of the other verbs do not import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from gputune.schema.notebook import show_with

if TYPE_CHECKING:
    from gputune.api.applying import ApplyFailed, Reverted, diff, plan_patch, revert, write_patch
    from gputune.api.check_outputs import CheckOutputs
    from gputune.api.checking import Checked, check, list_checks
    from gputune.api.comparing import NothingToCompare, compare, regression
    from gputune.api.configuring import load_config, snippet
    from gputune.api.doctoring import DoctorOutputs, doctor
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
    "DoctorOutputs",
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
    "UnknownCheck",
    "UnreadableRecord",
    "UnreadableTrace",
    "Written",
    "check",
    "compare",
    "diff",
    "doctor",
    "find_reports",
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
    "write_index",
    "write_page",
    "write_patch",
    "write_perfetto",
    "write_tensorboard",
    "write_text",
]

_NAMES: Final = {
    "gputune.api.applying": (
        "ApplyFailed",
        "Reverted",
        "diff",
        "plan_patch",
        "revert",
        "write_patch",
    ),
    "gputune.api.check_outputs": ("CheckOutputs",),
    "gputune.api.checking": (
        "Checked",
        "check",
        "list_checks",
    ),
    "gputune.api.comparing": (
        "NothingToCompare",
        "compare",
        "regression",
    ),
    "gputune.api.configuring": (
        "load_config",
        "snippet",
    ),
    "gputune.api.doctoring": (
        "DoctorOutputs",
        "doctor",
    ),
    "gputune.api.exporting": (
        "write_perfetto",
        "write_tensorboard",
    ),
    "gputune.api.files": ("write_text",),
    "gputune.api.indexing": (
        "Reports",
        "find_reports",
        "write_index",
    ),
    "gputune.api.loading": ("load",),
    "gputune.api.outputs": (
        "OutputFailed",
        "Outputs",
        "Written",
    ),
    "gputune.api.pages": ("write_page",),
    "gputune.api.profiling": (
        "Result",
        "profile",
    ),
    "gputune.api.running": (
        "Ran",
        "run",
    ),
    "gputune.api.study_outputs": (
        "StudyOutputs",
        "StudyWritten",
    ),
    "gputune.api.trace": (
        "TraceOutputs",
        "trace_file",
    ),
    "gputune.api.trials.asking": (
        "Progress",
        "TuneOptions",
    ),
    "gputune.api.tuning": (
        "BaselineFailed",
        "Planned",
        "Tuned",
        "known_profile",
        "plan_study",
        "tune",
    ),
    "gputune.checks.selection": ("UnknownCheck",),
    "gputune.launch.command": (
        "BadTarget",
        "Target",
    ),
    "gputune.rewrite.patch.patch": ("Patch",),
    "gputune.rewrite.toml_reader": ("BadConfig",),
    "gputune.schema.read": ("UnreadableRecord",),
    "gputune.search.choosing": (
        "BadChoice",
        "Choice",
        "parse_value",
    ),
    "gputune.search.storage": ("StudyUnusable",),
    "gputune.trace.xplane": ("UnreadableTrace",),
}
_MODULE_OF: Final = {name: module for module, names in _NAMES.items() for name in names}


def _in_notebook(record: Any) -> str:
    from gputune.report.notebook import render_notebook

    return render_notebook(record)


show_with(_in_notebook)


def __getattr__(name: str) -> Any:
    """Load a verb, or what belongs to it, at its first use."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'gputune.api' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULE_OF[name]), name)
