"""What every renderer shows, as rows of text: the same words on the terminal and on the page.

Texts that come from the script are passed on as they are; each renderer makes them safe.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gputune.report import figures
from gputune.report.gpus import SPOKEN as _GPU_SPOKEN
from gputune.report.gpus import gpu_lines as gpu_lines
from gputune.schema.profile import Breakdown, FitSeen, Profile, Stage, Steps, Transfer
from gputune.schema.site import Site

NO_REASON: Final = "the profile names no reason"

_PARTS: Final = (
    ("input_wait_s", "input wait"),
    ("device_compute_s", "compute"),
    ("h2d_exposed_s", "copy to device"),
    ("d2h_exposed_s", "copy to host"),
    ("launch_s", "launch, dispatch"),
    ("python_s", "Python, callbacks"),
    ("other_s", "other"),
)
# Absent, these need a reason; other fields are shown only where they have a value.
_EXPECTED: Final = (
    ("steps", ("mean_s", "median_s", "p95_s", "ci95_s", "samples_per_s", "batch_size")),
    ("breakdown", tuple(key for key, _ in _PARTS)),
    ("ceilings", ("input_samples_per_s", "compute_samples_per_s", "achieved_fraction")),
)
_EXPECTED_OF_GPU: Final = ("utilization_percent", "memory_used_bytes")
_INDEX: Final = re.compile(r"\[\d+\]|\.\d+(?=\.|$)")  # gpus[0].name, gpus.0.name
_SPOKEN: Final = {
    "steps.mean_s": "step time",
    "steps.median_s": "median step",
    "steps.p95_s": "p95 step",
    "steps.p99_s": "p99 step",
    "steps.ci95_s": "interval of the step time",
    "steps.samples_per_s": "samples/s",
    "steps.batch_size": "batch size",
    "ceilings.input_samples_per_s": "input ceiling",
    "ceilings.compute_samples_per_s": "compute ceiling",
    "ceilings.achieved_fraction": "achieved share of the ceilings",
    "steps": "steps",
    "breakdown": "where a step goes",
    "transfer": "copies",
    "pipeline": "input pipeline",
    "startup.imports_s": "duration of the imports",
    "between_epochs": "pauses between epochs",
    "host.rss_growth_bytes_per_step": "memory growth",
    "gpus": "GPU metrics",
    **{f"gpus.{field}": label for field, label in _GPU_SPOKEN},
    **{f"breakdown.{key}": label for key, label in _PARTS},
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """One exclusive part of a step: `seconds`, and `fraction` of the clean step (or None)."""

    key: str
    label: str
    seconds: float | None
    fraction: float | None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class StageRow:
    """One stage of the pipeline in words. Empty where a column does not apply to the stage."""

    name: str
    where: str
    op: str
    own_time: str
    own_time_source: str
    parallelism: str
    buffer: str
    max_rate: str
    code: str
    bottleneck: bool


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Quantities without a value that share one reason."""

    reason: str
    metrics: tuple[str, ...]


def parts(profile: Profile) -> list[Part]:
    """Return the parts of a step in the order they are drawn; none without a breakdown."""
    record = profile.breakdown
    if record is None:
        return []
    step_s = profile.steps.mean_s if profile.steps else None
    return [_part(record, key, label, step_s) for key, label in _PARTS]


def _part(record: Breakdown, key: str, label: str, step_s: float | None) -> Part:
    value = finite(getattr(record, key))
    note = ""
    if key == "input_wait_s" and value is not None and record.ci95_input_wait_s:
        note = f"95% interval {figures.interval_seconds(record.ci95_input_wait_s)}"
    if key == "device_compute_s":
        label = f"{label} ({record.device.upper()})"
    return Part(
        key=key,
        label=label,
        seconds=value,
        fraction=value / step_s if value is not None and step_s else None,
        note=note,
    )


def finite(value: float | None) -> float | None:
    """Return the value, or None where it is None, NaN or infinite."""
    return value if value is not None and math.isfinite(value) else None


def stages(profile: Profile) -> list[StageRow]:
    """Return the stages of the pipeline from the source down to the model."""
    if profile.pipeline is None:
        return []
    ordered = sorted(profile.pipeline.stages, key=lambda stage: -stage.index)
    return [_stage(stage, profile.pipeline.bottleneck) for stage in ordered]


def _stage(stage: Stage, bottleneck: int | None) -> StageRow:
    return StageRow(
        name=_stage_name(stage),
        where=place(stage.site) if stage.site else "",
        op=stage.op,
        own_time=figures.seconds(stage.self_s),
        own_time_source=stage.self_source,
        parallelism=_parallelism(stage),
        buffer=_buffer(stage),
        max_rate=figures.number(stage.max_batches_per_s),
        code=stage.site.code if stage.site else "",
        bottleneck=stage.bottleneck or stage.index == bottleneck,
    )


def _stage_name(stage: Stage) -> str:
    """Name a stage by the user's calls, without their line where the row shows it already."""
    names = stage.calls if len(stage.calls) > 1 else (stage.label or stage.op,)
    here = place(stage.site) if stage.site else ""
    name = " + ".join(
        name.removeprefix(here).lstrip(" :") if here and name.startswith(here) else name
        for name in names
    )
    if stage.python:
        name += " (runs Python)"
    return f"{name} (added by TensorFlow)" if stage.injected else name


def _parallelism(stage: Stage) -> str:
    if stage.parallelism is None:
        return "1 (Python)" if stage.python else ""
    return figures.count(stage.parallelism) + (" auto" if stage.parallelism_autotuned else "")


def _buffer(stage: Stage) -> str:
    if stage.buffer_elements is None and stage.buffer_limit is None:
        return ""
    filled = figures.number(stage.buffer_elements)
    if stage.buffer_limit is not None:
        filled += f" of {figures.count(stage.buffer_limit)}"
    return filled + (" auto" if stage.buffer_autotuned else "")


def place(site: Site) -> str:
    """Return file and line of a site, `train.py:42`, without its callers."""
    return f"{site.file.replace(chr(92), '/').rsplit('/', 1)[-1]}:{site.line}"


def stability(steps: Steps) -> str:
    """Say whether the step time had settled, and the reason."""
    reason = f": {steps.stable_reason}" if steps.stable_reason else ""
    if steps.stable is None:
        return f"stability n/a{reason}"
    return "stable" + reason if steps.stable else f"NOT stable{reason}"


def transfers(record: Transfer) -> list[str]:
    """Return a line for each direction of copying that was measured."""
    lines = []
    for key, label in (("h2d", "to device"), ("d2h", "to host")):
        total, spent, exposed, speed = (
            getattr(record, f"{key}_{name}")
            for name in ("bytes_per_step", "s_per_step", "exposed_s_per_step", "bytes_per_s")
        )
        if any(finite(value) is not None for value in (total, spent, exposed, speed)):
            lines.append(
                f"{label} {figures.size(total)} a step in {figures.seconds(spent)}, of it "
                f"{figures.seconds(exposed)} exposed, {figures.byte_rate(speed)}"
            )
    return lines


def host_figures(profile: Profile) -> list[str]:
    """Return what was measured of the host; empty where nothing was."""
    host, cores = profile.host, profile.environment.cores
    of_cores = f" of {figures.count(cores)} cores" if cores else ""
    known = (
        (host.cpu_percent, f"CPU {figures.percent(host.cpu_percent)}{of_cores}"),
        (host.process_cpu_percent, f"the script {figures.percent(host.process_cpu_percent)}"),
        (host.rss_bytes, f"memory {figures.size(host.rss_bytes)}"),
        (host.read_bytes_per_s, f"reads {figures.byte_rate(host.read_bytes_per_s)}"),
    )
    return [text for value, text in known if value is not None]


def fit_text(fit: FitSeen) -> str:
    """Say in one line how much of a `fit` was seen."""
    of_epochs = f" of {figures.count(fit.epochs_requested)} epochs" if fit.epochs_requested else ""
    ended = "ran to its end" if fit.finished else "did not run to its end"
    used = "analysed" if fit.analysed else "not analysed"
    return f"fit {fit.index}: {figures.count(fit.steps)} steps seen{of_epochs}, {ended}, {used}"


def run_text(profile: Profile) -> str:
    """Say in one line what ran, for how long, and how it ended."""
    command = profile.command
    if command.interrupted:
        ended = "INTERRUPTED: what was measured until then"
    elif command.stopped_by_gputune:
        ended = "ended by gputune after the measurement"
    elif command.mode == "callback":
        ended = "still running when this was written"
    else:
        ended = f"ended by itself with exit code {command.exit_code}"
    how = profile.style or "no training seen"
    return f"{profile.script}, {how}, {figures.seconds(command.duration_s)}, {ended}"


def missing(profile: Profile) -> list[Missing]:
    """Return what has no value, grouped by reason; what lacks a reason is named last."""
    groups: dict[str, list[str]] = {}
    for entry in profile.unavailable:
        groups.setdefault(entry.reason or NO_REASON, []).append(entry.metric)
    for path in _absent(profile):
        if reason_for(profile, path) is None:
            groups.setdefault(NO_REASON, []).append(path)
    unexplained = groups.pop(NO_REASON, [])
    ordered = [*groups.items(), *([(NO_REASON, unexplained)] if unexplained else [])]
    return [Missing(reason=reason, metrics=_unique(names)) for reason, names in ordered]


def reason_for(profile: Profile, path: str) -> str | None:
    """Return why `path` (`breakdown.launch_s`) has no value; a reason for the whole serves too."""
    for entry in profile.unavailable:
        metric = _INDEX.sub("", entry.metric)
        if path == metric or path.startswith(f"{metric}."):
            return entry.reason or None
    return None


def _absent(profile: Profile) -> Iterator[str]:
    if profile.steps is None:
        yield "steps"  # without steps there is nothing else to be had
        return
    for name, fields in _EXPECTED:
        record = getattr(profile, name)
        if record is None:
            yield name
            continue
        yield from (f"{name}.{field}" for field in fields if _is_absent(getattr(record, field)))
    if profile.pipeline is None:
        yield "pipeline"
    if not profile.gpus:
        yield "gpus"
    for field in _EXPECTED_OF_GPU:
        if any(_is_absent(getattr(gpu, field)) for gpu in profile.gpus):
            yield f"gpus.{field}"


def _is_absent(value: object) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def spoken(metric: str) -> str:
    """Return a short name for a path in the record, or the path where it has none."""
    return _SPOKEN.get(_INDEX.sub("", metric), metric)


def _unique(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
