"""From rows of calls to the step time: which rows count, and what they say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, median

from gputune.analysis.run import FitRun, Row
from gputune.analysis.series import spans
from gputune.analysis.statistics import percentile, t_interval, window_means
from gputune.schema.profile import Phase, Steps
from gputune.session import events

WINDOW_S = 0.25
_CLOCK_S = 1e-6
"""Stamps this near to each other are one: `since` is a sum of differences of them."""


def durations(rows: Sequence[Row], wanted: Iterable[bool]) -> list[float]:
    """Seconds of each wanted call that follows a call of the same epoch, phase and block.

    A call lasts from the end of the one before it to its own end, so that waiting, callbacks and
    Python between calls are in it. The first call of an epoch waits for a new iterator and the
    first of a phase for gputune's own work: neither says how long a step takes. Where an epoch
    has no second call, the calls themselves are all there is.
    """
    flags = list(wanted)
    found = [
        row.t_end - before.t_end
        for before, row, use in zip(rows, rows[1:], flags[1:], strict=False)
        if use and _same_stretch(before, row)
    ]
    if found:
        return found
    return [row.t_end - row.t_enter for row, use in zip(rows, flags, strict=True) if use]


def phase_durations(fit: FitRun, phase: str, block: int | None = None) -> list[float]:
    """The durations of one phase's calls, and of one block of it where given."""
    return durations(fit.rows, [r.phase == phase and block in (None, r.block) for r in fit.rows])


def between_calls(fit: FitRun, phase: str) -> list[float]:
    """Seconds from the end of the train function to its next call: Python and callbacks."""
    return [
        row.t_enter - before.t_exit
        for before, row in zip(fit.rows, fit.rows[1:], strict=False)
        if row.phase == phase and _same_stretch(before, row)
    ]


def clean_rows(fit: FitRun, *, full: bool) -> list[bool]:
    """Which rows are the clean steady state.

    From where the child found the step time settled; under `--full` also what came after the
    trace. A script that ended before is taken from its third call on.
    """
    phases = {events.CLEAN, events.AFTER} if full else {events.CLEAN}
    since = None if fit.clean_end is None else fit.clean_end.get("since")
    # The call that ends where the steady stretch begins is still warm-up.
    return [
        row.phase in phases and (since is None or row.t_end > since + _CLOCK_S) for row in fit.rows
    ]


def clean_windows(fit: FitRun, *, full: bool) -> list[tuple[float, float]]:
    """The clean phase as stretches of time, for averaging what the sensors saw in it."""
    windows: list[tuple[float, float]] = []
    previous: Row | None = None
    for row, use in zip(fit.rows, clean_rows(fit, full=full), strict=True):
        if use and previous is not None and _same_stretch(previous, row) and windows:
            windows[-1] = (windows[-1][0], row.t_end)
        elif use:
            windows.append((row.t_enter, row.t_end))
        previous = row if use else None
    return windows


def step_count(fit: FitRun) -> int:
    """Training steps seen: the calls, or where one makes several the optimizer's own count."""
    if fit.style != "keras.fit":
        return sum(row.steps for row in fit.rows)
    if fit.steps_per_call == 1 and fit.rows:
        # The optimizer counts one more for each epoch whose end Keras meets only by asking for a
        # batch: in the graph its counter does not wait for the data.
        return len(fit.rows)
    if fit.end is not None and fit.end.get("iterations") is not None:
        return int(fit.end["iterations"])
    counted, last_epoch = 0, -1
    for event in fit.epochs:
        if event["event"] == events.EPOCH_END and event.get("iterations") is not None:
            counted, last_epoch = int(event["iterations"]), int(event["epoch"])
    return counted + sum(row.steps for row in fit.rows if row.epoch > last_epoch)


def steps_record(fit: FitRun, batch_size: int | None, *, full: bool) -> Steps:
    """The Steps of a fit; its times are None where no call could be timed."""
    per_call = fit.steps_per_call
    use = clean_rows(fit, full=full)
    calls = durations(fit.rows, use) if any(use) else []
    warmup = _warmup_count(fit, use)
    steps = Steps(
        count=step_count(fit),
        warmup_count=warmup,
        measured_count=len(calls) * per_call,
        batch_size=batch_size,
        steps_per_execution=per_call,
    )
    if not calls:
        return steps
    times = [call / per_call for call in calls]
    estimate = t_interval(window_means(times, WINDOW_S / per_call))
    mean = fmean(times)
    end = fit.clean_end or {}
    return Steps(
        **{
            **vars(steps),
            "mean_s": mean,
            "median_s": median(times),
            "p95_s": percentile(times, 95),
            "p99_s": percentile(times, 99),
            "ci95_s": estimate.interval,
            "samples_per_s": batch_size / mean if batch_size else None,
            "stable": end.get("stable"),
            "stable_reason": end.get("reason")
            or "the training ended before the step time could settle",
        }
    )


def phase_records(fit: FitRun, *, full: bool) -> tuple[Phase, ...]:
    """Each phase with its own step time: what the measurement itself cost."""
    found = []
    use = clean_rows(fit, full=full)
    for name, note in _PHASES:
        rows = [row for row in fit.rows if row.phase == name]
        if name == events.CLEAN:
            calls = durations(fit.rows, use) if any(use) else []
            rows = [row for row, clean in zip(fit.rows, use, strict=True) if clean]
        elif name == events.WARMUP:
            rows = _before_clean(fit, use)
            calls = [row.t_end - row.t_enter for row in rows]
        else:
            calls = phase_durations(fit, name) if rows else []
        if not rows:
            continue
        found.append(
            Phase(
                name=name,
                steps=sum(row.steps for row in rows),
                duration_s=_span(rows),
                step_s=fmean(calls) / fit.steps_per_call if calls else None,
                note=note,
                spans_s=spans(fit, rows),
            )
        )
    if fit.drain is not None:
        found.append(_drain_phase(fit.drain, float(fit.begin["t"])))
    return tuple(found)


_PHASES = (
    (events.WARMUP, "tracing, compilation, buffers that fill; in no average"),
    (events.CLEAN, "only a clock: the step time that is reported"),
    (events.HELD, "the same function on one batch held in memory"),
    (events.REAL, "real steps, in turn with the held ones"),
    (events.TRACED, "under TensorFlow's profiler: shares, not times"),
)


def _drain_phase(drain: dict[str, float], origin: float) -> Phase:
    batches, duration_s = int(drain["batches"]), float(drain["duration_s"])
    end = drain.get("t")
    return Phase(
        name="drain",
        steps=batches,
        duration_s=duration_s,
        step_s=duration_s / batches if batches else None,
        note="batches taken from the input alone, without training",
        spans_s=() if end is None else ((end - duration_s - origin, end - origin),),
    )


def _span(rows: Sequence[Row]) -> float:
    """Seconds that the rows cover, gaps between blocks left out."""
    return sum(row.t_end - row.t_enter for row in rows)


def _before_clean(fit: FitRun, use: Sequence[bool]) -> list[Row]:
    first = next((i for i, clean in enumerate(use) if clean), len(fit.rows))
    return [r for r in fit.rows[:first] if r.phase in (events.WARMUP, events.CLEAN)]


def _warmup_count(fit: FitRun, use: Sequence[bool]) -> int:
    return sum(row.steps for row in _before_clean(fit, use))


def _same_stretch(before: Row, row: Row) -> bool:
    return (before.epoch, before.phase, before.block) == (row.epoch, row.phase, row.block)
