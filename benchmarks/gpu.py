"""gputune on a real GPU: each workload profiled, and NVML's utilisation beside the trace's.

NVML's utilisation is the share of its sampling periods in which any kernel ran; the trace's is the
share of the traced steps that kernels, copies and memsets cover. Where they differ, one step's
idle parts are shorter than NVML's period. Each workload is profiled `--rounds` times, in turn.
Needs an NVIDIA GPU that TensorFlow sees; without one it says so and ends with 2.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import reporting

sys.path.insert(0, str(reporting.ROOT))

from gputune import api
from gputune.schema.profile import Profile
from gputune.sensors.nvml import open_gpu_sensor

WORKLOADS = Path(__file__).resolve().parent / "workloads"
DEFAULT = ("photos.py", "photos_tuned.py", "text_transformer.py", "custom_loop.py")


def profiled(script: Path, folder: Path, number: int) -> Profile | None:
    """One profile in a process of its own; None where it failed, which is said."""
    path = folder / f"{script.stem}-{number}.json"
    command = [sys.executable, "-m", "gputune", "profile", "--json", str(path), str(script)]
    environ = {**os.environ, "PYTHONPATH": str(reporting.ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    ended = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
    if ended.returncode != 0 or not path.is_file():
        print(f"{script.name}: exit code {ended.returncode}\n{ended.stderr[-2000:]}")
        return None
    found = api.load(path)
    return found if isinstance(found, Profile) else None


def figures(profile: Profile) -> dict[str, float | None]:
    """What the report shows of one profile; None where it was not measured."""
    gpu = profile.gpus[0] if profile.gpus else None
    seen = profile.device_activity[0] if profile.device_activity else None
    memory = profile.device_memory[0] if profile.device_memory else None
    steps = profile.steps
    return {
        "step_s": steps.mean_s if steps else None,
        "input_wait_s": profile.breakdown.input_wait_s if profile.breakdown else None,
        "nvml_percent": gpu.utilization_percent if gpu else None,
        "trace_busy_percent": seen.busy_fraction * 100
        if seen and seen.busy_fraction is not None else None,
        "h2d_bytes_per_step": profile.transfer.h2d_bytes_per_step,
        "h2d_exposed_s": profile.transfer.h2d_exposed_s_per_step,
        "energy_j_per_step": gpu.energy_j_per_step if gpu else None,
        "peak_bytes": memory.peak_bytes if memory else None,
        "mfu": profile.compute.mfu_fraction,
    }  # fmt: skip


def middle(rounds: list[dict[str, float | None]], key: str) -> float | None:
    """The median of the rounds that have the figure."""
    known = [value for one in rounds if (value := one[key]) is not None]
    return median(known) if known else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workloads", nargs="+", default=list(DEFAULT))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=reporting.ROOT / "reports")
    options = parser.parse_args()
    sensor = open_gpu_sensor(os.environ.get("CUDA_VISIBLE_DEVICES"))
    absent, name = sensor.absent, sensor.gpus[0].name if sensor.gpus else ""
    sensor.close()
    if absent:
        print(f"error: there is no GPU to measure: {absent}", file=sys.stderr)
        print("hint: run it on a machine with an NVIDIA GPU and its driver", file=sys.stderr)
        return 2
    found: dict[str, list[dict[str, float | None]]] = {name: [] for name in options.workloads}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            for workload in options.workloads:
                profile = profiled(WORKLOADS / workload, Path(folder), number)
                if profile is not None:
                    found[workload].append(figures(profile))
                    print(workload, figures(profile), flush=True)
    keys = list(next((r[0] for r in found.values() if r), {}))
    rows: list[list[Any]] = []
    for workload, rounds in found.items():
        middles = [middle(rounds, key) for key in keys]
        rows.append([workload, len(rounds), *("n/a" if m is None else f"{m:.4g}" for m in middles)])
    environment = reporting.environment()
    text = "\n\n".join([
        f"# gputune on {name}",
        __doc__.split("\n\n")[1].replace("\n", " "),
        f"Command: `python benchmarks/gpu.py --rounds {options.rounds}`. Medians of the rounds.",
        reporting.markdown_table(["workload", "rounds", *keys], rows),
        reporting.environment_markdown(environment),
    ])  # fmt: skip
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    content = {"environment": environment, "gpu": name, "rounds": found}
    reporting.write_report(options.out, f"gpu-{slug}", text, content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
