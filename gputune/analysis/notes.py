"""What the reader should know of a measurement, in sentences."""

from __future__ import annotations

from gputune.analysis.input_wait import InputWait
from gputune.analysis.reasons import uses_gpu
from gputune.analysis.run import Run
from gputune.analysis.trace_facts import TraceFacts
from gputune.schema.profile import Profile
from gputune.schema.secrets import redact

_CROSS_CHECK_FRACTION = 0.10
_HIDDEN_FRACTION = 0.10


def run_notes(run: Run) -> tuple[str, ...]:
    """What the script did that the reader should know, and what of gputune failed."""
    notes = [str(style["note"]) for style in run.styles if style.get("note")]
    notes += [
        f"gputune's hook {d['hook']} failed and switched itself off ({redact(str(d['error']))}); "
        "what it measures is missing"
        for d in run.disabled
    ]
    if run.redirected:
        more = ["…"] if len(run.redirected) > 3 else []
        paths = ", ".join([*run.redirected[:3], *more])
        notes.append(
            f"dry run: what Keras and TensorFlow wrote to {redact(paths)} "
            "went to a scratch folder and was deleted"
        )
    return tuple(notes)


def cross_checks(profile: Profile, wait: InputWait | None, trace: TraceFacts) -> tuple[str, ...]:
    """Where two ways of measuring disagree, the reader is told."""
    assert profile.steps is not None and profile.steps.mean_s is not None
    clean_s = profile.steps.mean_s
    notes = []
    if wait is not None and abs(wait.real_step_s / clean_s - 1) > _CROSS_CHECK_FRACTION:
        notes.append(
            f"the step took {clean_s * 1e3:.3g} ms in the clean phase and "
            f"{wait.real_step_s * 1e3:.3g} ms in the blocks beside the held batch: "
            "the machine or the input is not steady"
        )
    if wait is not None and not uses_gpu(profile.environment):
        notes.append(
            "input wait on a CPU is the real step minus a step on a held batch: "
            "it includes what the pipeline takes from the cores that the model computes on"
        )
    hidden = trace.host.bookkeeping_s if trace.host is not None else None
    traced_s = trace.host.step_s if trace.host is not None else None
    if hidden and traced_s and hidden > _HIDDEN_FRACTION * traced_s:
        notes.append(
            f"TensorFlow traces no operation below some 3 µs: up to {hidden / traced_s:.0%} of the "
            "step that is counted as dispatch may be such operations"
        )
    traced = trace.host.input_s if trace.host is not None else None
    if wait is not None and traced is not None:
        measured = clean_s * wait.fraction
        if abs(traced - measured) > max(0.1 * clean_s, 1e-3):
            notes.append(
                f"the trace shows {traced * 1e3:.3g} ms a step in GetNext, the difference says "
                f"{measured * 1e3:.3g} ms: the difference is right, the trace slows the step"
            )
    return tuple(notes)
