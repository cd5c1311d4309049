"""What is around the step, as labelled lines: only what takes a share that matters, or grows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gputune.report import figures
from gputune.report.device_lines import device_lines
from gputune.report.rows import finite, place
from gputune.schema.profile import Profile
from gputune.schema.training import CallbackCost, Retracing

_FRACTION: Final = 0.01
"""A callback's share of the step, or the pauses' of the training, from which it is shown."""
_PART_OF_PAUSE: Final = 0.05
_SHORTEST_START_S: Final = 1.0
_HOUR_S: Final = 3600.0
_GROWTH_BYTES_PER_HOUR: Final = 2**30
"""What leaks more slowly than this is left to the JSON: allocators drift, too."""
_MOST: Final = 3
_GROWN_FRACTION: Final = 0.01
"""Of resident memory, surely grown in the clean phase: below it the line is not shown."""
_STARTUP: Final = (
    ("imports_s", "imports"),
    ("preparation_s", "data and model"),
    ("first_step_s", "first step"),
)
_PAUSE: Final = (
    ("validation_s", "validation"),
    ("callbacks_s", "callbacks"),
    ("first_step_s", "the first step"),
    ("other_s", "other"),
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A label of at most eight letters, and what there is to say."""

    label: str
    text: str


def lines(profile: Profile) -> list[Line]:
    """Return what is worth saying of a run beside its steps, in the order of a run."""
    found = [Line(label=label, text=text) for label, text in device_lines(profile)]
    found += [*_devices(profile), *_startup(profile), *_pauses(profile)]
    found += [Line(label="Callback", text=callback_text(one)) for one in _costly(profile)]
    found += _memory(profile)
    again = [one for one in profile.retracing if one.during_training]
    found += [Line(label="Retraced", text=retracing_text(one)) for one in again[:_MOST]]
    if len(again) > _MOST:
        found.append(Line(label="Retraced", text=f"and {len(again) - _MOST} other functions"))
    return found


def callback_text(cost: CallbackCost) -> str:
    """Say what a callback took: `Slow: 3.10 ms a step (25%), 210 ms an epoch`."""
    said = []
    if finite(cost.step_s) is not None:
        said.append(f"{figures.seconds(cost.step_s)} a step ({figures.share(cost.step_fraction)})")
    if finite(cost.epoch_s) is not None:
        said.append(f"{figures.seconds(cost.epoch_s)} an epoch")
    name = f"{cost.name} (Keras' own)" if cost.ours else cost.name
    return f"{name}: {', '.join(said) or figures.NOT_AVAILABLE}"


def retracing_text(found: Retracing) -> str:
    """Say which function was traced again during training, how often, and what had changed."""
    where = f" {place(found.site)}" if found.site else ""
    why = f": {found.changed}" if found.changed else ""
    again = found.during_training
    often = "once" if again == 1 else f"{figures.count(again)} times"
    return (
        f"{found.function}{where} traced again {often} after the third step "
        f"({figures.count(found.count)} in all){why}"
    )


def _devices(profile: Profile) -> Iterator[Line]:
    spread = profile.distribution
    if spread is None:
        return
    text = f"{spread.strategy}, {figures.count(spread.replicas)} replicas"
    if spread.per_replica_batch is not None and spread.global_batch is not None:
        text += f", {spread.per_replica_batch} of {spread.global_batch} samples each"
    busy = [(one.device, finite(one.busy_s_per_step)) for one in spread.devices]
    text += "".join(f", {name} busy {figures.seconds(s)} a step" for name, s in busy)
    if finite(spread.imbalance_fraction) is not None:
        text += f", the least busy {figures.share(spread.imbalance_fraction)} below the most"
    if finite(spread.all_reduce_fraction) is not None:
        text += f", all-reduce alone {figures.share(spread.all_reduce_fraction)} of the step"
    yield Line(label="Devices", text=text)


def _startup(profile: Profile) -> Iterator[Line]:
    start = profile.startup
    total = finite(start.total_s)
    if total is None or total < _SHORTEST_START_S:
        return
    parts = _listed(start, _STARTUP)
    yield Line(
        label="Start",
        text=f"{figures.seconds(total)} until the first step was done" + (parts and f": {parts}"),
    )


def _pauses(profile: Profile) -> Iterator[Line]:
    between = profile.between_epochs
    mean, share = finite(between.mean_s), finite(between.run_fraction)
    if mean is None or share is None or share < _FRACTION:
        return
    parts = _listed(between, _PAUSE, least=_PART_OF_PAUSE * mean)
    yield Line(
        label="Epochs",
        text=f"{figures.seconds(mean)} between two, {figures.share(share)} of the training seen"
        + (parts and f": {parts}"),
    )


def _costly(profile: Profile) -> list[CallbackCost]:
    """The callbacks that take a share of the step or of a pause that matters, dearest first."""
    pause = finite(profile.between_epochs.mean_s) if list(_pauses(profile)) else None
    found = [
        cost
        for cost in profile.callbacks
        if (finite(cost.step_fraction) or 0.0) > _FRACTION
        or (pause and (finite(cost.epoch_s) or 0.0) > _PART_OF_PAUSE * pause)
    ]
    found.sort(key=lambda cost: (-(cost.step_s or 0.0), -(cost.epoch_s or 0.0)))
    return found[:_MOST]


def _memory(profile: Profile) -> Iterator[Line]:
    """Growth that is none by chance nor of the start alone, and that fills a machine within days.

    Allocators still take a little while after the first steps, so the surely grown part must be a
    share of the whole that could not be that.
    """
    host = profile.host
    growth, bounds = finite(host.rss_growth_bytes_per_step), host.rss_growth_ci95_bytes_per_step
    step_s = finite(profile.steps.mean_s) if profile.steps is not None else None
    if growth is None or bounds is None or not step_s:
        return
    measured = profile.steps.measured_count if profile.steps is not None else 0
    if bounds[0] * measured < _GROWN_FRACTION * (host.rss_bytes or 0):
        return
    if bounds[0] <= 0 or _HOUR_S / step_s * growth < _GROWTH_BYTES_PER_HOUR:
        return
    yield Line(
        label="Memory",
        text=f"grows by {figures.size(growth)} a step (95%: {figures.interval_size(bounds)}), "
        f"{figures.size(growth * _HOUR_S / step_s)} an hour",
    )


def _listed(record: object, named: tuple[tuple[str, str], ...], *, least: float = 0.0) -> str:
    """Name the parts of the record that have a value of at least `least` seconds."""
    values = [(label, finite(getattr(record, key))) for key, label in named]
    return ", ".join(
        f"{label} {figures.seconds(value)}"
        for label, value in values
        if value is not None and value >= least
    )
