"""A stand-in for NVIDIA's driver library, so that the real pynvml runs where there is no GPU.

    env = nvml.environment(nvml.scenarios.h100().starting(), tmp_path)
    done = subprocess.run([sys.executable, "script.py"], env={**os.environ, **env})

The library is C, compiled where the tests run, and answers from a scenario: see `scenario.py` for
what can be said, `scenarios.py` for the ready-made ones. For tests only; skip with NO_COMPILER
where `has_compiler` says that there is none.
"""

from __future__ import annotations

from tests.fakes.nvml import scenarios
from tests.fakes.nvml.building import (
    NO_COMPILER,
    Call,
    build,
    environment,
    functions,
    has_compiler,
    read_log,
)
from tests.fakes.nvml.scenario import (
    Fail,
    FakeGpu,
    FakeProcess,
    Lost,
    Scenario,
    Series,
    Slow,
    bursts,
    steps,
)

__all__ = [
    "NO_COMPILER",
    "Call",
    "Fail",
    "FakeGpu",
    "FakeProcess",
    "Lost",
    "Scenario",
    "Series",
    "Slow",
    "build",
    "bursts",
    "environment",
    "functions",
    "has_compiler",
    "read_log",
    "scenarios",
    "steps",
]
