"""A configuration for a run: read, held against this machine, and what became of each setting."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gputune.knobs.knob import SetEnvironment, works_everywhere
from gputune.knobs.machine import Machine, capability
from gputune.knobs.registry import BY_NAME, unsupported
from gputune.rewrite.snippet import config_to_snippet
from gputune.rewrite.toml_reader import BadConfig, read_config
from gputune.schema.config import Config, Setting
from gputune.schema.secrets import redact
from gputune.sensors.nvml import open_gpu_sensor
from gputune.session import events as names


def load_config(path: str | os.PathLike[str]) -> Config:
    """Read a `gputune.toml`; raises BadConfig for a file that is missing or is none."""
    return read_config(Path(path))


def snippet(config: Config) -> str:
    """A configuration as Python to paste into the script; it runs as it is."""
    return config_to_snippet(config)


def check_supported(settings: Sequence[Setting]) -> None:
    """Raise BadConfig for a setting that this machine cannot have.

    By what the driver (NVML) shows to the script's CUDA_VISIBLE_DEVICES, before anything is
    started: asking TensorFlow would take the GPU in a process that does not train. So a GPU that
    the driver shows and TensorFlow cannot use (`gputune profile` says `no-gpu`) counts as one.
    """
    asking = [s for s in settings if BY_NAME[s.knob].unsupported is not works_everywhere]
    if not asking:
        return
    for setting, reason in unsupported(asking, _machine()):
        raise BadConfig(
            f"{setting.knob} = {setting.value} does not work on this machine: {reason}",
            f"take {setting.knob} out of the configuration, or give it another value",
        )


def _machine() -> Machine:
    sensor = open_gpu_sensor(
        os.environ.get("CUDA_VISIBLE_DEVICES"), order=os.environ.get("CUDA_DEVICE_ORDER")
    )
    try:
        found = [capability(gpu.compute_capability) for gpu in sensor.gpus]
    finally:
        sensor.close()
    known = [pair for pair in found if pair is not None]
    return Machine(gpus=len(found), compute_capability=min(known, default=None))


def outcome(settings: Sequence[Setting], events: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """What the user should know of the settings after a run, one line each.

    A setting that was put in has none. `events` are those of the session.
    """
    told: dict[int, list[Mapping[str, Any]]] = {number: [] for number in range(len(settings))}
    broken = ""
    for event in events:
        if event["event"] == names.EDIT and event.get("setting") in told:
            told[event["setting"]].append(event)
        elif event["event"] == names.HOOK_DISABLED and _is_ours(str(event.get("hook"))):
            broken = f"gputune's hook {event['hook']} failed ({redact(str(event.get('error')))})"
    lines = []
    for number, setting in enumerate(settings):
        if all(isinstance(edit, SetEnvironment) for edit in BY_NAME[setting.knob].edits):
            continue  # the process was started with it
        lines += _of_one(setting, told[number], broken)
    return tuple(lines)


def _of_one(setting: Setting, told: Sequence[Mapping[str, Any]], broken: str) -> list[str]:
    def notes(how: str) -> list[str]:
        return [str(event.get("note")) for event in told if event.get("how") == how]

    undone = notes("undone")
    if undone:
        return [f"{setting.knob}: not in force: {undone[-1]}"]
    if notes("placed"):
        return [f"{setting.knob}: {note}" for note in notes("noted")]
    why = "; ".join(dict.fromkeys(notes("missed"))) or broken or _nowhere(setting)
    return [f"{setting.knob}: no place found: {why}"]


def _nowhere(setting: Setting) -> str:
    if setting.site is None:
        return "the script made no call that takes it; a loop's pipeline needs its file and line"
    stage = f" ({setting.stage})" if setting.stage else ""
    code = f" («{redact(setting.site.code[:80])}»)" if setting.site.code else ""
    return f"no such call was made at {setting.site.label()}{stage}{code}"


def _is_ours(hook: str) -> bool:
    return hook.startswith(("edits:", "import:", "bootstrap"))
