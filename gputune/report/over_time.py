"""A profile's curves as graphs to draw: steps, CPU and GPUs, memory, on one time axis."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from gputune.report import figures
from gputune.report.drawing.timeline import Band, Curve, Graph
from gputune.report.rows import finite
from gputune.schema.profile import Profile, Series

_GPU: Final = re.compile(r"gpus\[(\d+)\]\.(\w+)")
_BUSY: Final = (
    ("host.cpu_percent", "all processes"),
    ("host.process_cpu_percent", "the script"),
)
_GPU_BUSY: Final = (("utilization_percent", "busy"), ("sm_active_percent", "SMs active"))
_GPU_OTHER: Final = (("memory_used_bytes", "GPU memory used"), ("power_w", "GPU power"))
_STEPS: Final = "step_s"
_RSS: Final = "host.rss_bytes"


def running(profile: Profile) -> list[Graph]:
    """The steps, and below them how busy CPU and GPUs were; what is not known is left out."""
    return [*_steps(profile), *_cpu(profile), *_gpus(profile), *_others(profile)]


def memory(profile: Profile) -> list[Graph]:
    """The memory of the script and of the GPUs, and the GPUs' power."""
    known = {series.name: series for series in profile.series}
    found = []
    if _RSS in known:
        curve = _curve(known[_RSS], "resident memory")
        found.append(
            Graph(title="memory of the script", curves=[curve], text=figures.size, binary=True)
        )
    for metric, title in _GPU_OTHER:
        curves = list(_of_gpus(profile, ((metric, title),)))
        if curves:
            binary = metric.endswith("_bytes")
            found.append(Graph(title=title, curves=curves, text=_by_name(metric), binary=binary))
    return found


def bands(profile: Profile) -> list[Band]:
    """When each phase ran, in the order of time."""
    found = [
        Band(name=phase.name, begin_s=begin, end_s=end)
        for phase in profile.phases
        for begin, end in phase.spans_s
        if finite(begin) is not None and finite(end) is not None
    ]
    return sorted(found, key=lambda band: band.begin_s)


def _steps(profile: Profile) -> Iterator[Graph]:
    mean = finite(profile.steps.mean_s) if profile.steps is not None else None
    for series in profile.series:
        if series.name == _STEPS:
            yield Graph(
                title="time of a step",
                curves=[_curve(series, "step", dots=True)],
                text=figures.seconds,
                rule=mean,
                rule_text=f"mean {figures.seconds(mean)}" if mean is not None else "",
            )


def _cpu(profile: Profile) -> Iterator[Graph]:
    known = {series.name: series for series in profile.series}
    curves = [_curve(known[name], label) for name, label in _BUSY if name in known]
    if curves:
        cores = profile.environment.cores
        of = f" of {figures.count(cores)} cores" if cores else ""
        yield Graph(title=f"CPU{of}", curves=curves, text=figures.percent, top=100.0)


def _gpus(profile: Profile) -> Iterator[Graph]:
    curves = list(_of_gpus(profile, _GPU_BUSY))
    if curves:
        yield Graph(title="GPU", curves=curves, text=figures.percent, top=100.0)


def _others(profile: Profile) -> Iterator[Graph]:
    """What a newer gputune may have written, by its name."""
    metrics = {metric for metric, _ in (*_GPU_BUSY, *_GPU_OTHER)}
    ours = {_STEPS, _RSS, *(name for name, _ in _BUSY)}
    for series in profile.series:
        of_gpu = _GPU.fullmatch(series.name)
        if series.name in ours or (of_gpu is not None and of_gpu[2] in metrics):
            continue
        yield Graph(title=series.name, curves=[_curve(series, "")], text=_by_name(series.name))


def _of_gpus(profile: Profile, wanted: tuple[tuple[str, str], ...]) -> Iterator[Curve]:
    labels = dict(wanted)
    for series in profile.series:
        found = _GPU.fullmatch(series.name)
        if found is not None and found[2] in labels:
            yield _curve(series, f"GPU {found[1]} {labels[found[2]].removeprefix('GPU ')}")


def _curve(series: Series, label: str, *, dots: bool = False) -> Curve:
    points = list(zip(series.t_s, series.value, strict=False))
    return Curve(label=label, points=points, dots=dots)


def _by_name(name: str) -> Callable[[float], str]:
    if name.endswith("_w"):
        return lambda value: f"{figures.number(value)} W"
    return partial(figures.quantity, name=name)
