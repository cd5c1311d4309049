"""What a callback has seen of a training, as a Profile. Standard library and records only."""

from __future__ import annotations

import hashlib
import os
import platform
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, median, quantiles
from typing import Any

import gputune
from gputune.analysis.settings import declared_settings, settings_in_force
from gputune.inject.steadiness import half_width_95
from gputune.inject.timing import Timed
from gputune.knobs.declaring import declarations
from gputune.knobs.registry import in_environment, with_knobs
from gputune.report.names import report_name
from gputune.rules.engine import find, verdict
from gputune.schema.profile import (
    Command,
    Environment,
    FitSeen,
    Phase,
    Profile,
    Steps,
    Unavailable,
)
from gputune.schema.secrets import allowed_environment, redact_arguments
from gputune.schema.write import to_json
from gputune.sensors.resources import cpu_model, usable_cores, usable_memory_bytes

WHY = "a callback sees the steps alone: `gputune profile` measures this"
_UNSEEN = (
    "breakdown", "transfer", "element", "gpus", "device_activity", "device_memory", "compute",
    "host", "pipeline", "ceilings.input_samples_per_s", "ceilings.compute_samples_per_s",
    "ceilings.achieved_fraction", "what_if", "startup", "between_epochs", "callbacks", "retracing",
    "repetitions",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the callback hands over; `fields` are those of a `fit_begin` event.

    `batch_size` is what the user said, None where nothing was; `began_s` a time of `time.time()`.
    """

    timed: Timed
    fields: Mapping[str, Any]
    batch_size: int | None
    environment: Mapping[str, Any]
    tensorflow: str
    keras: str
    began_s: float


def profile_of(seen: Seen) -> Profile:
    """The Profile: all that was not seen is null, with the reason."""
    timed = seen.timed
    per_call = int(seen.fields.get("steps_per_execution") or 1)
    batch = seen.batch_size
    if batch is None and timed.samples_of_first_call:
        batch = timed.samples_of_first_call // per_call
    steps = steps_of(timed, per_call, batch)
    unavailable = [Unavailable(metric=metric, reason=WHY) for metric in _UNSEEN]
    if steps.mean_s is None:
        why = "too few training steps were seen to time one"
        unavailable.append(Unavailable(metric="steps", reason=why))
    if batch is None:
        why = "the model's metrics do not show the size of a batch: give batch_size"
        unavailable += [
            Unavailable(metric=f"steps.{name}", reason=why)
            for name in ("batch_size", "samples_per_s")
        ]
    # What `fit` is given is not known here, so that what was said of it is a guess.
    begin = {**seen.fields, "batch_size": batch, "input_kind": "", "site": None}
    declared = declarations()
    profile = Profile(
        command=_command(seen),
        script=_script(),
        environment=_environment(seen),
        verdict="",
        style="keras.fit",
        config=settings_in_force(begin, ())
        + declared_settings(declared)
        + in_environment(os.environ),
        declared=declared,
        steps=steps,
        phases=_phases(timed, steps),
        fits=(_fit(seen, steps),),
        unavailable=tuple(unavailable),
        notes=(
            "timed by gputune.keras.ProfileCallback while the script ran on: duration and exit "
            "code are of the moment of writing",
        ),
    )
    findings = tuple(with_knobs(finding) for finding in find(profile))
    return replace(profile, findings=findings, verdict=verdict(profile, findings))


def steps_of(timed: Timed, per_call: int, batch: int | None) -> Steps:
    """The step time: of the steady stretch, where there was one."""
    steady = timed.steady
    kept = [w for w in timed.windows if steady.since_s is None or w.start_s >= steady.since_s]
    calls = timed.calls[-_count(timed, kept) :] if kept else timed.calls
    steps = Steps(
        count=timed.all_calls * per_call,
        warmup_count=(timed.all_calls - len(calls)) * per_call,
        measured_count=len(calls) * per_call,
        batch_size=batch,
        steps_per_execution=per_call,
    )
    if not calls:
        return steps
    times = [call / per_call for call in calls]
    mean = fmean(times)
    half = half_width_95([w.call_s / per_call for w in kept]) if len(kept) > 1 else None
    percentiles = quantiles(times, n=100, method="inclusive") if len(times) > 1 else None
    return replace(
        steps,
        mean_s=mean,
        median_s=median(times),
        p95_s=percentiles[94] if percentiles else None,
        p99_s=percentiles[98] if percentiles else None,
        ci95_s=(mean - half, mean + half) if half is not None else None,
        samples_per_s=batch / mean if batch else None,
        stable=steady.steady,
        stable_reason=steady.reason,
    )


def _count(timed: Timed, kept: list[Any]) -> int:
    """How many of the last calls lie in the kept windows, or behind them in none that is whole."""
    return len(timed.calls) - sum(w.calls for w in timed.windows[: -len(kept)])


def _phases(timed: Timed, steps: Steps) -> tuple[Phase, ...]:
    warmup_steps = timed.warmup_calls * steps.steps_per_execution
    first = Phase(
        name="warmup",
        steps=warmup_steps,
        duration_s=timed.warmup_s,
        step_s=timed.warmup_s / warmup_steps if warmup_steps else None,
        note="tracing, compilation, buffers that fill; in no average",
    )
    if steps.mean_s is None:
        return (first,)
    clean = Phase(
        name="clean",
        steps=steps.measured_count,
        duration_s=steps.mean_s * steps.measured_count,
        step_s=steps.mean_s,
        note="only a clock: the step time that is reported",
    )
    return (first, clean)


def _fit(seen: Seen, steps: Steps) -> FitSeen:
    return FitSeen(
        index=1,
        site=None,
        steps=steps.count,
        epochs_requested=seen.fields.get("epochs"),
        steps_per_epoch=seen.fields.get("steps_per_epoch"),
        analysed=True,
    )


def _script() -> str:
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    return str(main) if main else sys.argv[0] or "python"


def _command(seen: Seen) -> Command:
    try:
        sha256 = hashlib.sha256(Path(_script()).read_bytes()).hexdigest()
    except OSError:
        sha256 = None
    return Command(
        argv=("python", *redact_arguments(list(sys.argv))),
        mode="callback",
        working_directory=str(Path.cwd()),
        started_utc=datetime.fromtimestamp(seen.began_s, UTC).isoformat(timespec="seconds"),
        duration_s=max(time.time() - seen.began_s, 0.0),
        exit_code=0,
        stopped_by_gputune=False,
        script_sha256=sha256,
    )


def _environment(seen: Seen) -> Environment:
    return Environment(
        gputune=gputune.__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        host=socket.gethostname(),
        cpu_model=cpu_model(),
        cores=usable_cores(),
        memory_bytes=usable_memory_bytes(),
        tensorflow=seen.tensorflow,
        keras=seen.keras,
        backend="tensorflow",
        cuda=seen.environment.get("cuda"),
        devices=tuple(seen.environment.get("devices") or ()),
        variables=tuple(sorted(allowed_environment(os.environ).items())),
    )


def write_profile(profile: Profile, folder: Path) -> Path:
    """Write the JSON into the folder, for its owner alone; raises OSError where that fails."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    now, host = datetime.now(UTC), socket.gethostname()
    name = report_name(profile.script, when=now, host=host, pid=os.getpid(), suffix=".json")
    path = folder / name
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(to_json(profile))
    return path
