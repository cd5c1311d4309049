"""The figures that are compared, and which way of each is better."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

from gputune.schema.profile import Breakdown, Profile
from gputune.schema.study import Study

RATE = ("slower", "faster")
TIME = ("faster", "slower")
AMOUNT = ("lower", "higher")
"""The verdicts of a ratio below and above 1, for what is no speed."""
Values = dict[str, tuple[float | None, str, tuple[str, str]]]
"""Name -> (value, unit, verdicts)."""

_GPU = (
    ("utilization_percent", "%"), ("sm_active_percent", "%"), ("tensor_active_percent", "%"),
    ("memory_used_bytes", "bytes"), ("power_w", "W"), ("energy_j_per_sample", "J"),
)  # fmt: skip
_TRANSFER = (
    ("h2d_bytes_per_step", "bytes/step"), ("h2d_s_per_step", "s/step"),
    ("h2d_exposed_s_per_step", "s/step"), ("h2d_bytes_per_s", "bytes/s"),
    ("d2h_bytes_per_step", "bytes/step"), ("d2h_s_per_step", "s/step"),
)  # fmt: skip


def of_profile(profile: Profile) -> Values:
    """The figures of one profile, None for what it has not measured."""
    steps, parts, ceilings = profile.steps, profile.breakdown, profile.ceilings
    found: Values = {"samples_per_s": (getattr(steps, "samples_per_s", None), "samples/s", RATE)}
    for name in ("mean_s", "median_s", "p95_s", "p99_s"):
        found[f"step.{name}"] = (getattr(steps, name, None), "s", TIME)
    for field in fields(Breakdown):
        if field.name.endswith("_s") and not field.name.startswith("ci95"):
            found[f"breakdown.{field.name}"] = (getattr(parts, field.name, None), "s", TIME)
    for name in ("input_samples_per_s", "compute_samples_per_s"):
        found[f"ceilings.{name}"] = (getattr(ceilings, name), "samples/s", RATE)
    for gpu in profile.gpus:
        for name, unit in _GPU:
            found[f"gpu{gpu.index}.{name}"] = (getattr(gpu, name), unit, AMOUNT)
    for name, unit in _TRANSFER:
        words = TIME if name.endswith("_s_per_step") else AMOUNT
        found[f"transfer.{name}"] = (getattr(profile.transfer, name), unit, words)
    found["host.cpu_percent"] = (profile.host.cpu_percent, "%", AMOUNT)
    found["host.rss_bytes"] = (profile.host.rss_bytes, "bytes", AMOUNT)
    found["startup.total_s"] = (profile.startup.total_s, "s", TIME)
    return found


def of_study(study: Study) -> Values:
    """The figures of one study: the baseline's, and those of what it recommends."""
    found: Values = {
        "baseline.samples_per_s": (study.baseline.samples_per_s, "samples/s", RATE),
        "baseline.trials": (float(len(study.trials)), "", AMOUNT),
    }
    for name, one in (("best", study.best), ("best_same_batch", study.best_same_batch)):
        found[f"{name}.samples_per_s"] = (
            getattr(one, "samples_per_s", None),
            "samples/s",
            RATE,
        )
    return found


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A figure over the processes of a side that have it."""

    unit: str
    words: tuple[str, str]
    values: tuple[float, ...]


def over(records: Sequence[Profile] | Sequence[Study]) -> dict[str, Measured]:
    """Each figure over all records of a side, in the order in which people read them."""
    read: Callable[..., Values] = of_study if isinstance(records[0], Study) else of_profile
    found: dict[str, Measured] = {}
    for values in map(read, records):
        for name, (value, unit, words) in values.items():
            known = () if value is None or not math.isfinite(value) else (float(value),)
            old = found[name].values if name in found else ()
            found[name] = Measured(unit=unit, words=words, values=old + known)
    return found
