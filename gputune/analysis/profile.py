"""All of a run's figures put together into one Profile, without findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from gputune.analysis.beyond import beyond_the_step
from gputune.analysis.breakdown import break_down, ceilings_record, transfer_record
from gputune.analysis.calls import chain_to_source, label, site, site_of
from gputune.analysis.device_activity import device_activity
from gputune.analysis.device_facts import with_device_facts
from gputune.analysis.input_wait import input_wait
from gputune.analysis.notes import cross_checks, run_notes
from gputune.analysis.pipeline import order_problems, pipeline_record
from gputune.analysis.reasons import ENDED, FULL, missing, uses_gpu
from gputune.analysis.repetitions import batches_of_an_epoch, repetition_records
from gputune.analysis.run import FitRun, Run
from gputune.analysis.series import Curve, sensor_series, step_series
from gputune.analysis.settings import declared_knobs, declared_settings, settings_in_force
from gputune.analysis.stages import join, model_nodes
from gputune.analysis.steps import between_calls, phase_records, step_count, steps_record
from gputune.analysis.trace_facts import TraceFacts
from gputune.analysis.what_if import what_if
from gputune.schema.gpu import Gpu
from gputune.schema.profile import (
    Command,
    Environment,
    FitSeen,
    Host,
    OrderProblem,
    Pipeline,
    Profile,
    Unavailable,
)
from gputune.session import events
from gputune.trace.iterators import IteratorTree


def profile_record(
    run: Run, fit: FitRun | None, *, command: Command, script: str, environment: Environment,
    trace: TraceFacts, gpus: tuple[Gpu, ...], host: Host, reasons: Mapping[str, str],
    memory: Sequence[tuple[float, int]] = (), curves: Mapping[str, Curve] | None = None,
) -> Profile:  # fmt: skip
    """The Profile of a run, its verdict and findings still empty.

    `fit` is the one to analyse, None where no training was seen. `gpus` and `host` are what the
    sensors saw in its clean phase, `reasons` why they have no more, by metric. `memory` are samples
    of the script's resident memory in the whole run: (seconds of perf_counter, bytes). `curves` is
    what the sensors read over time, by the figure's path in the Profile.
    """
    full = command.mode == "full"
    unavailable = [Unavailable(metric=m, reason=r) for m, r in reasons.items()]
    profile = Profile(
        command=command,
        script=script,
        environment=environment,
        verdict="",
        style=_style(run, fit),
        gpus=gpus,
        host=host,
        fits=tuple(_seen(other, analysed=other is fit) for other in run.fits),
        declared=declared_knobs(run.knobs),
        files_opened_for_writing=tuple(run.opened),
        notes=run_notes(run),
        unavailable=tuple(unavailable),
    )
    if fit is None:
        return profile
    found = _with_training(profile, run, fit, trace, unavailable, full=full)
    found = replace(found, series=found.series + sensor_series(fit, curves or {}))
    chain = chain_to_source(run.calls, fit.begin.get("dataset"))
    around = beyond_the_step(found, run, fit, chain, memory, trace, full=full)
    return with_device_facts(around, fit, full=full)


def _with_training(
    profile: Profile, run: Run, fit: FitRun, trace: TraceFacts, unavailable: list[Unavailable],
    *, full: bool,
) -> Profile:  # fmt: skip
    chain = chain_to_source(run.calls, fit.begin.get("dataset"))[::-1]
    steps = steps_record(fit, batch_size(fit, chain), full=full)
    wait = None if full else input_wait(fit)
    drained = _drained_per_s(fit)
    reasons = {str(u["metric"]): str(u["reason"]) for u in fit.unavailable}
    found = replace(
        profile,
        steps=steps,
        phases=phase_records(fit, full=full),
        config=settings_in_force(fit.begin, chain) + declared_settings(profile.declared),
        pipeline=_pipeline(run, fit, chain, trace.tree, drained, profile.environment.cores),
        transfer=transfer_record(trace.gpu, trace.steps),
        device_activity=device_activity(trace.activities, trace.steps),
        ceilings=ceilings_record(steps, wait, drained),
        series=step_series(fit),
        repetitions=repetition_records(
            fit.repetitions,
            run.calls,
            memory_bytes=profile.environment.memory_bytes,
            rss_bytes=profile.host.rss_bytes,
            batches=batches_of_an_epoch(fit),
            batch_size=steps.batch_size,
        ),
    )
    if steps.mean_s is None:
        unavailable.append(
            Unavailable(metric="steps", reason="too few training steps were seen to time one")
        )
        unavailable.append(Unavailable(metric="breakdown", reason="there is no step time"))
    else:
        why = reasons.get("input_wait_s") or (FULL if full else ENDED)
        on_gpu = uses_gpu(profile.environment)
        no_trace = trace.reason or reasons.get("trace")
        if on_gpu and trace.gpu is None and not no_trace:
            no_trace = "the trace holds no events of a GPU"
        parts = break_down(
            steps.mean_s, wait, why, trace.host, trace.gpu, trace.steps, no_trace or ENDED,
            on_gpu=on_gpu, between_s=_between_calls_s(fit),
        )  # fmt: skip
        found = replace(
            found, breakdown=parts.breakdown,
            what_if=what_if(
                steps, wait, parts.breakdown, waits_for_loss=_waits_for_loss(fit),
                input_batch_s=1 / drained if drained else None,
            ),
            notes=found.notes + cross_checks(found, wait, trace),
        )  # fmt: skip
        unavailable += [
            Unavailable(metric=f"breakdown.{m}", reason=r) for m, r in parts.reasons.items()
        ]
    unavailable += missing(found, reasons, trace, full=full)
    return replace(found, unavailable=tuple(unavailable))


def batch_size(fit: FitRun, chain: Sequence[Mapping[str, Any]]) -> int | None:
    """The batch that the model sees: of the held batch, else of `fit`, else of the last batch.

    A trial that shows none of these has the batch that the first profile saw.
    """
    if fit.held_batch is not None and fit.held_batch.get("batch_size"):
        return int(fit.held_batch["batch_size"])
    if fit.begin.get("batch_size"):
        return int(fit.begin["batch_size"])
    for call in reversed(chain):
        value = (call.get("arguments") or {}).get("batch_size")
        if isinstance(value, int):
            return value
    known = fit.begin.get("known_batch_size")
    return int(known) if known else None


def _pipeline(
    run: Run, fit: FitRun, chain: Sequence[Mapping[str, Any]], tree: IteratorTree | None,
    drained: float | None, cores: float | None,
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
        cores=cores,
        source=str(fit.begin.get("input_kind") or ""),
        get_next_count=tree.get_next_count if tree is not None else None,
        drained_batches_per_s=drained,
        orders=problems,
    )


def _between_calls_s(fit: FitRun) -> float | None:
    """Seconds of a step between the training calls, where the batches are made there in Python."""
    if fit.style == "keras.fit" or fit.begin.get("input_kind") != "Python":
        return None
    gaps = between_calls(fit, events.CLEAN)
    return fmean(gaps) / fit.steps_per_call if gaps else None


def _waits_for_loss(fit: FitRun) -> bool:
    """Keras' compiled `fit` turns its logs into floats after each call of the train function."""
    return fit.style == "keras.fit" and not fit.begin.get("run_eagerly")


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
        style=fit.style,
        own_train_step=begin.get("own_train_step"),
    )


def _style(run: Run, fit: FitRun | None) -> str | None:
    if fit is not None:
        return fit.style
    if run.fits:
        return run.fits[0].style
    return str(run.styles[0]["style"]) if run.styles else None
