"""All of a run's figures put together into one Profile, without findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gputune.analysis.breakdown import break_down, ceilings_record, transfer_record, what_if
from gputune.analysis.calls import label, site, site_of
from gputune.analysis.input_wait import InputWait, input_wait
from gputune.analysis.pipeline import order_problems, pipeline_record
from gputune.analysis.run import FitRun, Run
from gputune.analysis.series import step_series
from gputune.analysis.settings import settings_in_force
from gputune.analysis.stages import join, model_nodes
from gputune.analysis.steps import phase_records, step_count, steps_record
from gputune.schema.profile import (
    Command,
    Environment,
    FitSeen,
    Gpu,
    Host,
    OrderProblem,
    Pipeline,
    Profile,
    Unavailable,
)
from gputune.trace.gpu import GpuActivity
from gputune.trace.host_ops import HostSteps
from gputune.trace.iterators import IteratorTree

_FULL = "--full lets the script run on undisturbed: this needs steps on a held batch"
_ENDED = "the training ended before this could be measured"
_CROSS_CHECK_FRACTION = 0.10
_HIDDEN_FRACTION = 0.10


@dataclass(frozen=True, kw_only=True)
class TraceFacts:
    """What the trace of the analysed fit showed; `reason` says why there is none."""

    host: HostSteps | None = None
    tree: IteratorTree | None = None
    gpu: GpuActivity | None = None
    steps: int = 0
    reason: str = ""


def profile_record(
    run: Run, fit: FitRun | None, *, command: Command, script: str, environment: Environment,
    trace: TraceFacts, gpus: tuple[Gpu, ...], host: Host, reasons: Mapping[str, str],
) -> Profile:  # fmt: skip
    """The Profile of a run, its verdict and findings still empty.

    `fit` is the one to analyse, None where no training was seen. `gpus` and `host` are what the
    sensors saw in its clean phase, `reasons` why they have no more, by metric.
    """
    full = command.mode == "full"
    unavailable = [Unavailable(metric=m, reason=r) for m, r in reasons.items()]
    profile = Profile(
        command=command,
        script=script,
        environment=environment,
        verdict="",
        style="keras.fit" if run.fits else _style(run),
        gpus=gpus,
        host=host,
        fits=tuple(_seen(other, analysed=other is fit) for other in run.fits),
        files_opened_for_writing=tuple(run.opened),
        notes=_notes(run),
        unavailable=tuple(unavailable),
    )
    if fit is None:
        return profile
    return _with_training(profile, run, fit, trace, unavailable, full=full)


def _with_training(
    profile: Profile, run: Run, fit: FitRun, trace: TraceFacts, unavailable: list[Unavailable],
    *, full: bool,
) -> Profile:  # fmt: skip
    chain = call_chain(run.calls, fit.begin.get("dataset"))
    steps = steps_record(fit, batch_size(fit, chain), full=full)
    wait = None if full else input_wait(fit)
    drained = _drained_per_s(fit)
    reasons = {str(u["metric"]): str(u["reason"]) for u in fit.unavailable}
    found = replace(
        profile,
        steps=steps,
        phases=phase_records(fit, full=full),
        config=settings_in_force(fit.begin, chain),
        pipeline=_pipeline(run, fit, chain, trace.tree, drained),
        transfer=transfer_record(trace.gpu, trace.steps),
        ceilings=ceilings_record(steps, wait, drained),
        series=step_series(fit),
    )
    if steps.mean_s is None:
        unavailable.append(
            Unavailable(metric="steps", reason="too few training steps were seen to time one")
        )
        unavailable.append(Unavailable(metric="breakdown", reason="there is no step time"))
    else:
        why = reasons.get("input_wait_s") or (_FULL if full else _ENDED)
        no_trace = trace.reason or reasons.get("trace") or _ENDED
        parts = break_down(steps.mean_s, wait, why, trace.host, trace.gpu, trace.steps, no_trace)
        found = replace(
            found, breakdown=parts.breakdown, what_if=what_if(steps.mean_s, wait),
            notes=found.notes + _cross_checks(steps.mean_s, wait, trace),
        )  # fmt: skip
        unavailable += [
            Unavailable(metric=f"breakdown.{m}", reason=r) for m, r in parts.reasons.items()
        ]
    unavailable += _missing(found, reasons, trace, full=full)
    return replace(found, unavailable=tuple(unavailable))


def call_chain(calls: Mapping[int, Mapping[str, Any]], root: int | None) -> list[Mapping[str, Any]]:
    """The recorded calls from the source to the model, by first inputs."""
    chain: list[Mapping[str, Any]] = []
    seen: set[int] = set()
    while root is not None and root in calls and root not in seen:
        seen.add(root)
        chain.append(calls[root])
        inputs = calls[root].get("inputs") or []
        root = inputs[0] if inputs else None
    return chain[::-1]


def batch_size(fit: FitRun, chain: Sequence[Mapping[str, Any]]) -> int | None:
    """The batch that the model sees: of the held batch, else of `fit`, else of the last batch."""
    if fit.held_batch is not None and fit.held_batch.get("batch_size"):
        return int(fit.held_batch["batch_size"])
    if fit.begin.get("batch_size"):
        return int(fit.begin["batch_size"])
    for call in reversed(chain):
        value = (call.get("arguments") or {}).get("batch_size")
        if isinstance(value, int):
            return value
    return None


def _pipeline(
    run: Run, fit: FitRun, chain: Sequence[Mapping[str, Any]], tree: IteratorTree | None,
    drained: float | None,
) -> Pipeline:  # fmt: skip
    stages = join(model_nodes(fit.models), tree, run.calls, fit.begin.get("dataset"))
    problems = tuple(
        OrderProblem(kind=what, label=label(call), site=site_of(call))
        for what, call in order_problems(
            [c for c in chain if (c.get("site") or {}).get("direct", True)]
        )
    )
    own = fit.begin.get("input_code")
    return pipeline_record(
        stages,
        input_code=site(own) if own else None,
        batch_size=batch_size(fit, chain),
        source=str(fit.begin.get("input_kind") or ""),
        get_next_count=tree.get_next_count if tree is not None else None,
        drained_batches_per_s=drained,
        orders=problems,
    )


def _drained_per_s(fit: FitRun) -> float | None:
    if fit.drain is None or not fit.drain.get("duration_s"):
        return None
    return float(fit.drain["batches"]) / float(fit.drain["duration_s"])


def _seen(fit: FitRun, *, analysed: bool) -> FitSeen:
    begin = fit.begin
    return FitSeen(
        index=fit.number,
        site=site(begin.get("site")),
        steps=step_count(fit),
        epochs_requested=begin.get("epochs"),
        steps_per_epoch=begin.get("steps_per_epoch"),
        analysed=analysed,
        input_kind=str(begin.get("input_kind") or ""),
        finished=fit.end is not None,
    )


def _style(run: Run) -> str | None:
    return str(run.styles[0]["style"]) if run.styles else None


def _notes(run: Run) -> tuple[str, ...]:
    notes = [str(style["note"]) for style in run.styles if style.get("note")]
    notes += [
        f"gputune's hook {d['hook']} failed and switched itself off ({d['error']}); "
        "what it measures is missing"
        for d in run.disabled
    ]
    if run.redirected:
        notes.append(
            "dry run: what Keras and TensorFlow wrote to "
            f"{', '.join(run.redirected[:3])}{', …' if len(run.redirected) > 3 else ''} "
            "went to a scratch folder and was deleted"
        )
    return tuple(notes)


def _cross_checks(clean_s: float, wait: InputWait | None, trace: TraceFacts) -> tuple[str, ...]:
    """Where two ways of measuring disagree, the reader is told."""
    notes = []
    if wait is not None and abs(wait.real_step_s / clean_s - 1) > _CROSS_CHECK_FRACTION:
        notes.append(
            f"the step took {clean_s * 1e3:.3g} ms in the clean phase and "
            f"{wait.real_step_s * 1e3:.3g} ms in the blocks beside the held batch: "
            "the machine or the input is not steady"
        )
    if wait is not None and trace.gpu is None:
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


def _missing(
    profile: Profile, reasons: Mapping[str, str], trace: TraceFacts, *, full: bool
) -> list[Unavailable]:
    """The reasons for everything else that is None."""
    missing = []
    if trace.gpu is None:
        no_gpu = not any("GPU" in device for device in profile.environment.devices)
        why = (
            "TensorFlow used no GPU in this run"
            if no_gpu
            else (trace.reason or "the trace holds no events of a GPU")
        )
        missing.append(Unavailable(metric="transfer", reason=why))
    ceilings = profile.ceilings
    held = reasons.get("input_wait_s") or (_FULL if full else _ENDED)
    drain = reasons.get("ceilings.input_samples_per_s") or (
        "--full lets the script run on undisturbed: this needs the input alone" if full else _ENDED
    )
    if profile.steps is not None and profile.steps.batch_size is None:
        held = drain = "the size of a batch is not known"
    if ceilings.compute_samples_per_s is None:
        missing.append(Unavailable(metric="ceilings.compute_samples_per_s", reason=held))
    if ceilings.input_samples_per_s is None:
        missing.append(Unavailable(metric="ceilings.input_samples_per_s", reason=drain))
    if ceilings.achieved_fraction is None:
        missing.append(
            Unavailable(metric="ceilings.achieved_fraction", reason="a ceiling is not known")
        )
    for metric in ("trace", "pipeline.model"):
        if metric in reasons:
            missing.append(Unavailable(metric=metric, reason=reasons[metric]))
    return missing
