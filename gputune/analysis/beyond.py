"""What a run showed around the step, put into its Profile: start, pauses, callbacks, memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gputune.analysis.callbacks import callback_costs
from gputune.analysis.distribution import NO_DEVICE_EVENTS, distribution, distribution_notes
from gputune.analysis.epochs import NO_PAUSE, between_epochs
from gputune.analysis.memory import memory_growth
from gputune.analysis.repetitions import batches_of_an_epoch, repetition_records
from gputune.analysis.retracing import retracings
from gputune.analysis.run import FitRun, Run
from gputune.analysis.startup import startup_record
from gputune.analysis.trace_facts import TraceFacts
from gputune.schema.profile import Profile, Unavailable


def beyond_the_step(
    profile: Profile, run: Run, fit: FitRun, chain: Sequence[Mapping[str, Any]],
    memory: Sequence[tuple[float, int]], trace: TraceFacts, *, full: bool,
) -> Profile:  # fmt: skip
    """The profile with what is around its steps, and the reasons for what is not known of it.

    `memory` are samples of the script's resident memory: (seconds of perf_counter, bytes).
    """
    step_s = profile.steps.mean_s if profile.steps is not None else None
    startup = startup_record(run)
    pauses = between_epochs(fit, step_s, fit.callbacks, fit.validations, full=full)
    growth = memory_growth(memory, fit, full=full, chain=chain)
    batch_size = profile.steps.batch_size if profile.steps is not None else None
    spread = distribution(fit, batch_size, trace)
    unavailable = []
    if spread is not None and spread.imbalance_fraction is None:
        unavailable += [
            (f"distribution.{name}", NO_DEVICE_EVENTS)
            for name in ("imbalance_fraction", "all_reduce_fraction")
        ]
    if startup.imports_s is None:
        unavailable.append(("startup.imports_s", "when the imports were done was not seen"))
    if pauses.mean_s is None:
        unavailable.append(("between_epochs", NO_PAUSE))
    if growth.reason:
        unavailable.append(("host.rss_growth_bytes_per_step", growth.reason))
    return replace(
        profile,
        startup=startup,
        between_epochs=pauses,
        distribution=spread,
        notes=profile.notes + distribution_notes(spread),
        callbacks=callback_costs(fit.callbacks, steps_per_call=fit.steps_per_call, step_s=step_s),
        repetitions=repetition_records(
            fit.repetitions,
            run.calls,
            memory_bytes=profile.environment.memory_bytes,
            rss_bytes=profile.host.rss_bytes,
            batches=batches_of_an_epoch(fit),
            batch_size=batch_size,
        ),
        retracing=retracings(run.traced, [row.t_end for row in fit.rows]),
        host=replace(
            profile.host,
            rss_growth_bytes_per_step=growth.bytes_per_step,
            rss_growth_ci95_bytes_per_step=growth.interval,
        ),
        unavailable=profile.unavailable
        + tuple(Unavailable(metric=metric, reason=why) for metric, why in unavailable),
    )
