"""What a run of the script says about a configuration: complete, infeasible or failed, and why."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gputune.analysis.cache_fill import amortised
from gputune.schema.profile import Profile
from gputune.schema.secrets import redact
from gputune.schema.study import TrialState
from gputune.search.trying import Outcome

_OUT_OF_MEMORY: Final = re.compile(
    r"ResourceExhaustedError|RESOURCE_EXHAUSTED|OOM when allocating|CUDA_ERROR_OUT_OF_MEMORY"
    r"|ran out of memory trying to allocate|^(?:numpy\.\S*)?_?(?:Array)?MemoryError",
    re.MULTILINE,
)
"""What TensorFlow's allocators and kernels say (tried on 2.21), and Python and NumPy."""
_WANTED: Final = re.compile(r"trying to allocate ([\d.]+) ?([KMGT]?i?B)(?:ytes)?", re.IGNORECASE)
_UNITS: Final = {"B": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_EXCEPTION: Final = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Warning)\b.*")
_OF_KERAS: Final = "Exception encountered when calling"
_COLOUR: Final = re.compile(r"\x1b\[[\d;]*m")
_SIGKILL: Final = 9
UNKNOWN_EPOCHS: Final = 2
"""Of a script that does not say how many it trains: the fewest with which a cache can help."""
_Z95: Final = 1.96
_TAIL: Final = 4000
"""Characters of standard error that stand in a trial's record."""


@dataclass(frozen=True, kw_only=True)
class RunSeen:
    """How one run of the script ended, and what was seen of its training.

    `not_in_force` names settings that the script had no place for; `loss` is None where nobody
    knows it.
    """

    profile: Profile | None
    exit_code: int
    signal: int | None = None
    timed_out: bool = False
    duration_s: float = 0.0
    measured_s: float | None = None
    """Seconds under measurement, from the first clean step to the last."""
    error_text: str = ""
    peak_rss_bytes: int | None = None
    read_bytes: float | None = None
    loss: float | None = None
    fill_samples_per_s: float | None = None
    """In the first epoch, where that filled a cache."""
    pruned_at: float | None = None
    """Samples/s at which it was ended, since it clearly could not win."""
    not_in_force: Sequence[str] = ()
    noted: Sequence[str] = ()
    """What else there is to know of settings: they are in force."""
    in_process: bool = False


def outcome_of(seen: RunSeen) -> Outcome:
    """The Outcome of a trial that ran so.

    Out of memory is `infeasible`, with what was missing where the allocator said so; a SIGKILL
    that was not ours is, too: the kernel's answer to a host that has no memory left. A crash, a
    time-out, a loss that is no number, a training that was not measured and a setting that did not
    come into force are `failed`.
    """
    state, reason = _state(seen)
    steps = seen.profile.steps if seen.profile is not None else None
    complete = state == "complete" and steps is not None
    return Outcome(
        state=state,
        reason=reason,
        samples_per_s=_rate(seen) if complete else None,
        noise_fraction=_noise(seen.profile) if complete else None,
        duration_s=seen.duration_s,
        measured_s=seen.measured_s if complete else None,
        in_process=seen.in_process,
        exit_code=seen.exit_code,
        stderr_tail="" if complete else redact(seen.error_text[-_TAIL:]),
        shortfall_bytes=_shortfall(seen.error_text) if state == "infeasible" else None,
        peak_memory_bytes=_peak(seen),
        energy_j_per_sample=_energy(seen.profile),
        read_bytes=seen.read_bytes,
        noted=tuple(seen.noted),
        pruned_at=seen.pruned_at if state == "pruned" else None,
    )


def _state(seen: RunSeen) -> tuple[TrialState, str]:
    if seen.timed_out:
        return "failed", f"it had not ended after {seen.duration_s:.0f} s, and was killed"
    crashed = seen.exit_code != 0
    if crashed and _OUT_OF_MEMORY.search(seen.error_text):
        return "infeasible", f"out of memory: {_last_error(seen.error_text)}"
    if seen.signal == _SIGKILL:
        return "infeasible", (
            "the system killed it (SIGKILL), as it does where the machine's memory runs out"
        )
    if crashed:
        how = f"by signal {seen.signal}" if seen.signal else f"with exit code {seen.exit_code}"
        said = _last_error(seen.error_text)
        return "failed", f"the script ended {how}{f': {said}' if said else ''}"
    if seen.loss is not None and not math.isfinite(seen.loss):
        return "failed", f"the loss is {seen.loss}"
    if seen.not_in_force:
        return "failed", "; ".join(seen.not_in_force)
    if seen.pruned_at is not None:
        return "pruned", f"ended early at {seen.pruned_at:.5g} samples/s: far from the best so far"
    steps = seen.profile.steps if seen.profile is not None else None
    if steps is None or steps.samples_per_s is None:
        return "failed", f"the training was not measured: {_why_not(seen.profile)}"
    return "complete", ""


def _rate(seen: RunSeen) -> float | None:
    """The steady rate; where a cache was filled, with its filling over the script's epochs."""
    profile = seen.profile
    steady = profile.steps.samples_per_s if profile is not None and profile.steps else None
    if profile is None or steady is None or seen.fill_samples_per_s is None:
        return steady
    fit = next((fit for fit in profile.fits if fit.analysed), None)
    epochs = (fit.epochs_requested if fit is not None else None) or UNKNOWN_EPOCHS
    return amortised(steady, seen.fill_samples_per_s, epochs)


def _why_not(profile: Profile | None) -> str:
    if profile is None:
        return "the script's process said nothing"
    told = {one.metric: one.reason for one in profile.unavailable}
    for metric in ("steps", "steps.samples_per_s", "steps.mean_s"):
        if metric in told:
            return told[metric]
    return "too few steps"


def _noise(profile: Profile | None) -> float | None:
    """The standard error of the mean step, as a share of it; from its 95 % interval."""
    steps = profile.steps if profile is not None else None
    if steps is None or steps.ci95_s is None or not steps.mean_s:
        return None
    low, high = steps.ci95_s
    return (high - low) / 2 / _Z95 / steps.mean_s


def _peak(seen: RunSeen) -> float | None:
    """Bytes of the fullest GPU; of the process' memory where it trains on none."""
    if seen.profile is None:
        return None
    peaks = [m.peak_bytes for m in seen.profile.device_memory if m.peak_bytes is not None]
    if peaks:
        return float(max(peaks))
    on_gpu = bool(seen.profile.device_memory or seen.profile.gpus)
    return None if on_gpu or seen.peak_rss_bytes is None else float(seen.peak_rss_bytes)


def _energy(profile: Profile | None) -> float | None:
    """Joules a sample of all the GPUs together; None where one of them does not say."""
    joules = [gpu.energy_j_per_sample for gpu in profile.gpus] if profile is not None else []
    known = [j for j in joules if j is not None]
    return sum(known) if joules and len(known) == len(joules) else None


def _shortfall(text: str) -> float | None:
    """The bytes that the allocator was asked for and did not have."""
    found = _WANTED.findall(text)
    if not found:
        return None
    amount, unit = found[-1]
    try:
        return float(amount) * _UNITS[unit[0].upper()]
    except (KeyError, ValueError):
        return None


def _last_error(text: str) -> str:
    """The last line that reads like an exception, else the last line.

    Keras puts a layer's own error into the line below one that says where it was.
    """
    plain = (_COLOUR.sub("", line).strip() for line in text.splitlines())
    lines = [line for line in plain if line]
    last = next((n for n in reversed(range(len(lines))) if _EXCEPTION.match(lines[n])), None)
    if last is None:
        return redact(lines[-1] if lines else "")[:200]
    wrapped = _OF_KERAS in lines[last] and last + 1 < len(lines)
    said = f"{lines[last]} {lines[last + 1]}" if wrapped else lines[last]
    return redact(said)[:200]
