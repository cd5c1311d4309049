"""From devices, weights and the environment to findings. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_HIDES_ERRORS = 3
"""Tried on TensorFlow 2.21: an error of CUDA's start is shown at 2, and not at 3."""
_MOST_NAMES = 5


@dataclass(frozen=True, kw_only=True)
class Weight:
    """One variable of the model: its name, what it takes, and the device (`GPU:0`) it is on."""

    name: str
    size_bytes: int
    device: str


def hidden_errors(level: str | None) -> Iterator[Finding]:
    """`log-level-hides-errors` for a variable that the script was started with."""
    if level is not None and level.strip().isdigit() and int(level) >= _HIDES_ERRORS:
        yield Finding(
            id="log-level-hides-errors",
            severity=Severity.WARNING,
            title="TensorFlow's errors are hidden by the environment.",
            evidence=(f"{LOG_LEVEL} is {level.strip()} where the script is started",),
            remedy=f"Unset {LOG_LEVEL}, or let it be 1 or 2: a GPU that cannot be used, or a lack "
            "of memory, then says so.",
        )


def placement(
    devices: Sequence[str], weights: Sequence[Weight], site: Site | None
) -> Iterator[Finding]:
    """`placement`, a summary, where there are several devices; `weights-on-cpu` beside a GPU."""
    if len(devices) < 2 or not weights:
        return
    sums: dict[str, int] = {}
    for weight in weights:
        sums[weight.device] = sums.get(weight.device, 0) + weight.size_bytes
    on_cpu = [weight.name for weight in weights if weight.device.startswith("CPU")]
    if on_cpu and any(device.startswith("GPU") for device in devices):
        every = len(on_cpu) == len(weights)
        yield Finding(
            id="weights-on-cpu",
            severity=Severity.WARNING if every else Severity.NOTE,
            title="All weights of the model are on the CPU, beside a GPU."
            if every
            else f"{len(on_cpu)} of the model's {len(weights)} weights are on the CPU, beside a "
            "GPU.",
            evidence=(_names(on_cpu), _summary(sums)),
            remedy="Make the model outside of tf.device('CPU'), and after the GPU is set up.",
            site=site,
        )
        return
    yield Finding(
        id="placement",
        severity=Severity.NOTE,
        title=f"The model's weights are on {' and '.join(sums)}.",
        evidence=(_summary(sums), f"TensorFlow sees {', '.join(devices)}"),
        site=site,
    )


def _summary(sums: Mapping[str, int]) -> str:
    return ", ".join(f"{size / 1e6:.3g} MB on {device}" for device, size in sums.items())


def _names(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
