"""Which stages of the input gave the same elements twice, and how much memory those would take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gputune.analysis.calls import label, site_of
from gputune.analysis.run import FitRun
from gputune.schema.training import Repetition
from gputune.session import events

MEMORY_SHARE = 0.5
"""Ours: a cache may take half of the memory that is left; the other half stays for what grows
during training (validation data, shuffle buffers, checkpoints)."""


def repetition_records(
    looked: Iterable[Mapping[str, Any]], calls: Mapping[int, Mapping[str, Any]], *,
    memory_bytes: int | None, rss_bytes: float | None, batches: int | None = None,
    batch_size: int | None = None,
) -> tuple[Repetition, ...]:  # fmt: skip
    """The Repetitions of a fit's `repetition` events, from the source to the model.

    `calls` are the run's dataset calls by id. `memory_bytes` is what the process may use in all
    (the cgroup's limit or the machine's memory), `rss_bytes` what it used in the clean phase; the
    memory left is the difference, or what the machine had available where that is less.
    `batches` and `batch_size` say how long a dataset of unknown length is, where an epoch of it
    was seen.
    """
    found = []
    for event in looked:
        call = calls.get(int(event["call"]))
        if call is None:
            continue
        count = event.get("elements_all")
        if count is None and event.get("elements") and batches is not None:
            per_batch = batch_size if event.get("per_element") else 1
            count = batches * per_batch if per_batch else None
        size = event.get("element_bytes")
        total = None if size is None or count is None else float(size) * int(count)
        left = _left(event.get("memory_available_bytes"), memory_bytes, rss_bytes)
        found.append(
            Repetition(
                label=label(call),
                site=site_of(call),
                repeats=bool(event.get("repeats")),
                in_order=bool(event.get("in_order")),
                elements=int(event.get("elements") or 0),
                element_bytes=None if size is None else float(size),
                elements_all=None if count is None else int(count),
                bytes_all=total,
                fits=None if total is None or left is None else total <= MEMORY_SHARE * left,
                reason=str(event.get("reason") or ""),
            )
        )
    return tuple(found)


def batches_of_an_epoch(fit: FitRun) -> int | None:
    """How many batches the first epoch had, where only its dataset's end ended it.

    None where `steps_per_epoch` (or a known length) did, where the epoch did not end, and where
    gputune took batches in it.
    """
    if fit.begin.get("steps_per_epoch") is not None:
        return None
    ended = {event.get("epoch") for event in fit.epochs if event["event"] == events.EPOCH_END}
    first = min((row.epoch for row in fit.rows), default=None)
    rows = [row for row in fit.rows if row.epoch == first]
    if first not in ended or any(row.phase not in (events.WARMUP, events.CLEAN) for row in rows):
        return None
    return sum(row.steps for row in rows) or None


def _left(available: Any, memory: int | None, rss: float | None) -> float | None:
    known = [float(available)] if available is not None else []
    if memory is not None and rss is not None:
        known.append(max(memory - rss, 0.0))
    return min(known, default=None)
