"""Real training on a real GPU, against what its construction says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gputune import api
from gputune.schema.profile import Profile
from gputune.sensors.nvml import open_gpu_sensor

SCRIPT = Path(__file__).with_name("train.py")
ROOT = Path(__file__).resolve().parents[2]
BATCH_BYTES = 256 * 4096 * 4 + 256 * 4
FLOPS = 2 * 256 * (4096 * 4096 + 4096) * 2 + 2 * 256 * 4096
"""Forward, and the gradients of the weights; of the inputs only the second layer's."""

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(600)]


def why_not() -> str:
    """Why there is nothing to test on; asked of the driver, then of TensorFlow in a process."""
    sensor = open_gpu_sensor(os.environ.get("CUDA_VISIBLE_DEVICES"))
    try:
        if sensor.absent:
            return sensor.absent
    finally:
        sensor.close()
    code = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if seen.returncode != 0:
        return "TensorFlow cannot be imported"
    return "" if int(seen.stdout.split()[-1]) else "this TensorFlow sees no GPU"


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    reason = why_not()
    if reason:
        pytest.skip(f"needs an NVIDIA GPU: {reason}")
    path = tmp_path_factory.mktemp("gpu") / "profile.json"
    subprocess.run(
        [sys.executable, "-m", "gputune", "profile", "--json", str(path), str(SCRIPT)],
        check=True, cwd=path.parent, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    found = api.load(path)
    assert isinstance(found, Profile)
    return found


def test_the_driver_is_sampled(profile: Profile) -> None:
    gpu = profile.gpus[0]
    assert gpu.samples > 0
    assert gpu.utilization_percent is not None and 0 < gpu.utilization_percent <= 100
    assert gpu.memory_used_bytes is not None and gpu.memory_total_bytes is not None
    assert 0 < gpu.memory_used_bytes <= gpu.memory_total_bytes


def test_energy_is_power_times_time(profile: Profile) -> None:
    gpu, steps = profile.gpus[0], profile.steps
    assert steps is not None and steps.mean_s is not None
    if gpu.energy_j_per_step is None or gpu.power_w is None:
        pytest.skip("this GPU tells no energy or no power")
    assert gpu.energy_j_per_step == pytest.approx(gpu.power_w * steps.mean_s, rel=0.25)


def test_the_bytes_of_a_batch_go_to_the_device(profile: Profile) -> None:
    assert profile.element is not None
    assert profile.element.expected_h2d_bytes_per_step == BATCH_BYTES
    assert profile.transfer.h2d_bytes_per_step == pytest.approx(BATCH_BYTES, rel=0.02)


def test_operations_are_counted_from_the_shapes(profile: Profile) -> None:
    assert profile.compute.flops_per_step == pytest.approx(FLOPS, rel=0.01)


def test_the_trace_says_what_the_gpu_did(profile: Profile) -> None:
    (seen,) = profile.device_activity[:1]
    assert seen.busy_fraction is not None and 0 < seen.busy_fraction <= 1
    assert seen.idle_fraction == pytest.approx(1 - seen.busy_fraction, abs=1e-6)
    parts = (
        seen.idle_input_fraction, seen.idle_host_fraction, seen.idle_gaps_fraction,
        seen.idle_other_fraction,
    )  # fmt: skip
    known = [part for part in parts if part is not None]
    assert sum(known) <= seen.idle_fraction + 1e-6
    assert seen.kernels_per_step is not None and seen.kernels_per_step >= 1


def test_the_allocator_tells_its_peak(profile: Profile) -> None:
    memory = profile.device_memory[0]
    assert memory.peak_bytes is not None and memory.peak_bytes > 4096 * 4096 * 4
