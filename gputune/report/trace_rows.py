"""What a trace shows, as rows of text: the same words on the terminal and on the page."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gputune.report import figures
from gputune.schema.trace import Activity, Ranked, TraceDevice, TraceHost, TraceReport

_PARTS: Final = (
    # The field, its words, and the colour that the profile's page has for the like.
    ("kernel_busy_s", "kernels", "device_compute_s"),
    ("h2d_exposed_s", "copies to device, exposed", "h2d_exposed_s"),
    ("d2h_exposed_s", "copies to host, exposed", "d2h_exposed_s"),
    ("idle_input_s", "idle, waits for input", "input_wait_s"),
    ("idle_host_s", "idle, waits for the host's launches", "launch_s"),
    ("idle_kernel_s", "idle, between kernels", "python_s"),
    ("idle_other_s", "idle, other", "other_s"),
)
_COPIES: Final = (
    ("h2d", "to device"),
    ("d2h", "to host"),
    ("d2d", "on the device"),
    ("p2p", "between GPUs"),
    ("memset", "memset"),
    ("collective", "collectives"),
)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One exclusive part of a window; `fraction` is of its duration, None where it is unknown."""

    label: str
    color: str
    seconds: float | None
    fraction: float | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A label of at most eight letters, and what there is to say."""

    label: str
    text: str


def windows(device: TraceDevice) -> tuple[Activity, ...]:
    """The steps of a GPU, or its capture alone where it has none."""
    return device.steps or (device.capture,)


def did_something(device: TraceDevice) -> bool:
    """Whether a GPU ran or copied anything."""
    return device.capture.busy_s > 0


def mean(found: Sequence[Activity], name: str) -> float | None:
    """The mean of a field over windows; None where one of them does not have it."""
    values = [getattr(one, name) for one in found]
    return None if None in values else statistics.fmean(values)


def parts(device: TraceDevice) -> list[Part]:
    """Where the mean step (or the capture) goes; what is neither, is the other copies."""
    found = windows(device)
    whole = mean(found, "duration_s")
    seconds = [(label, color, mean(found, name)) for name, label, color in _PARTS]
    if whole:
        rest = whole - sum(value or 0.0 for _, _, value in seconds)
        if rest > whole * 1e-6:
            seconds.insert(3, ("other copies, memsets, exposed", "other_s", rest))
    return [
        Part(
            label=label,
            color=color,
            seconds=value,
            fraction=value / whole if value is not None and whole else None,
        )
        for label, color, value in seconds
    ]


def title(device: TraceDevice) -> str:
    """`GPU 4: NVIDIA H100, 3 steps of 19.9 ms`."""
    name = f"GPU {device.index}" + (f": {device.gpu_name}" if device.gpu_name else "")
    if not device.steps:
        return f"{name}, capture of {figures.seconds(device.capture.duration_s)}"
    durations = [step.duration_s for step in device.steps]
    steps = "1 step" if len(durations) == 1 else f"{figures.count(len(durations))} steps"
    text = f"{name}, {steps} of {figures.seconds(statistics.fmean(durations))}"
    if min(durations) < max(durations):
        text += f" ({figures.interval_seconds((min(durations), max(durations)))})"
    return f"{text}, from {_source(device)}"


def _source(device: TraceDevice) -> str:
    source = device.steps_source
    return "the trace's own line" if source == "trace" else str(source)


def device_rows(device: TraceDevice) -> Iterator[Row]:
    """What is said of one GPU, each row with its label."""
    found = windows(device)
    yield Row(label="Kernels", text=_kernels(found))
    for prefix, words in _COPIES:
        text = _copies(found, prefix, words)
        if text:
            yield Row(label="Copies", text=text)
    delay = mean(found, "launch_delay_median_s")
    if delay is not None:
        tail = figures.seconds(mean(found, "launch_delay_p95_s"))
        yield Row(label="Launch", text=f"call to start {figures.seconds(delay)} median, {tail} p95")


def _kernels(found: Sequence[Activity]) -> str:
    count, seconds = mean(found, "kernel_count"), mean(found, "kernel_s")
    if not count:
        return "none"
    text = (
        f"{figures.count(count)} in {figures.seconds(seconds)}, "
        f"{figures.seconds(mean(found, 'kernel_median_s'))} median"
    )
    half, tensor = (
        mean(found, name) for name in ("compute_16bit_fraction", "tensor_core_fraction")
    )
    return (
        f"{text}; {figures.share(half)} of the time in 16 bits, "
        f"{figures.share(tensor)} on tensor cores"
    )


def _copies(found: Sequence[Activity], prefix: str, words: str) -> str:
    count = mean(found, f"{prefix}_count")
    if not count:
        return ""
    spent, exposed = (
        figures.seconds(mean(found, f"{prefix}_{name}")) for name in ("s", "exposed_s")
    )
    text = f"{words} {figures.count(count)}"
    size = mean(found, f"{prefix}_bytes")
    if size is not None:
        text += f", {figures.size(size)}"
    text += f" in {spent}, {exposed} exposed"
    if prefix == "collective":
        return text
    rate = mean(found, f"{prefix}_bytes_per_s")
    if rate is not None:
        text += f", {figures.byte_rate(rate)}"
    if prefix in ("h2d", "d2h"):
        text += _memory(found, prefix)
    return text


def _memory(found: Sequence[Activity], prefix: str) -> str:
    counts = [mean(found, f"{prefix}_{kind}_count") for kind in ("pageable", "pinned")]
    if None in counts:
        return ""
    pageable, pinned = counts
    if pageable and not pinned:
        return ", all pageable"
    if pinned and not pageable:
        return ", all pinned"
    return f", {figures.count(pageable)} pageable, {figures.count(pinned)} pinned"


def ranked(entries: Sequence[Ranked], longest: int = 240) -> Iterator[tuple[str, str, str, str]]:
    """Share, time, count and name of each; of a name what fits `longest` characters."""
    for entry in entries:
        name = entry.name.removeprefix("void ")
        if len(name) > longest:
            name = name[: longest - 1] + "…"
        yield (
            figures.share(entry.fraction), figures.seconds(entry.total_s),
            figures.count(entry.count), name,
        )  # fmt: skip


def idle_gpus(report: TraceReport) -> str:
    """`GPU 0, 2 and 7`: those that did nothing; empty where there are none."""
    numbers = [str(one.index) for one in report.devices if not did_something(one)]
    if len(numbers) < 2:
        return f"GPU {numbers[0]}" if numbers else ""
    return f"GPUs {', '.join(numbers[:-1])} and {numbers[-1]}"


def file_text(report: TraceReport) -> str:
    """The file, its size, and the host that it is of."""
    return f"{report.file}, {figures.size(report.file_bytes)}, host {report.host.name}"


def host_text(host: TraceHost) -> str:
    """How much of the host the trace holds, and its wait for the input."""
    text = (
        f"{figures.count(host.event_count)} events on {figures.count(host.thread_count)} "
        f"threads in {figures.seconds(host.duration_s)}"
    )
    if host.get_next_s is not None:
        text += (
            f"; GetNext {figures.count(host.get_next_count)} times, "
            f"{figures.seconds(host.get_next_s)} in all"
        )
    return text


def step_text(host: TraceHost) -> str:
    """The mean step on the host in its parts; empty without steps."""
    step = host.step
    if step is None or step.step_s is None:
        return ""
    named = (
        ("operations", step.ops_s),
        ("input", step.input_s),
        ("dispatch", step.dispatch_s),
        ("Python", step.python_s),
    )
    listed = ", ".join(f"{name} {figures.seconds(value)}" for name, value in named)
    return f"{figures.count(step.count)} steps of {figures.seconds(step.step_s)}: {listed}"


def pipeline_rows(host: TraceHost) -> Iterator[tuple[str, str, str, str, str]]:
    """Stage, calls, time in them, without the stages it asked, and in its function."""
    for stage in host.pipeline:
        name = f"{stage.op} ({', '.join(stage.names)})" if stage.names else stage.op
        yield (
            "  " * stage.depth + name + (" runs Python" if stage.python else ""),
            figures.count(stage.count),
            figures.seconds(stage.total_s),
            figures.seconds(stage.exclusive_s),
            "" if stage.function_s is None else figures.seconds(stage.function_s),
        )


def missing(report: TraceReport) -> list[tuple[str, tuple[str, ...]]]:
    """Each reason with what has no value for it."""
    groups: dict[str, list[str]] = {}
    for entry in report.unavailable:
        groups.setdefault(entry.reason, []).append(entry.metric)
    return [(reason, tuple(metrics)) for reason, metrics in groups.items()]
