"""A configuration for a run: read, held against this machine, and what became of each setting."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from gputune.inject.edits.outcome import outcome
from gputune.knobs.knob import works_everywhere
from gputune.knobs.machine import Machine, capability
from gputune.knobs.registry import knob_of, unsupported
from gputune.rewrite.snippet import config_to_snippet
from gputune.rewrite.toml_reader import BadConfig, read_config
from gputune.schema.config import Config, Setting
from gputune.sensors.nvml import open_gpu_sensor

__all__ = ["check_supported", "load_config", "outcome", "snippet"]


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
    asking = [s for s in settings if knob_of(s).unsupported is not works_everywhere]
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
