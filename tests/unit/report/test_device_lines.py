from __future__ import annotations

from dataclasses import replace

from gputune.report.device_lines import device_lines
from gputune.report.html import render_html
from gputune.report.terminal import render_profile
from gputune.schema.gpu import Compute, DeviceActivity, DeviceMemory, ElementTransfer
from tests.unit.report import sample

BARE = replace(
    sample.cpu_profile(), element=None, compute=Compute(), device_memory=(), device_activity=()
)
FULL = replace(
    BARE,
    element=ElementTransfer(
        components=("float32 (32, 96)",), expected_h2d_bytes_per_step=12288.0,
        narrower_bytes_per_step=3072.0,
    ),
    compute=Compute(
        flops_per_step=2e9, compute_dtype="float32", peak_flops_per_s=10e12, mfu_fraction=0.31
    ),
    device_memory=(
        DeviceMemory(index=0, peak_bytes=2**30, limit_bytes=2**32, head_room_bytes=3 * 2**30,
                     predicted_max_batch_size=128),
        DeviceMemory(index=1),
    ),
    device_activity=(
        DeviceActivity(index=0, busy_fraction=0.35, idle_input_fraction=0.6, kernels_per_step=12.0,
                       tensor_core_fraction=0.0, pageable_fraction=1.0),
        DeviceActivity(index=1),
    ),
)  # fmt: skip


def test_what_has_a_value_is_said() -> None:
    said = dict(device_lines(FULL))
    assert said["Batch"] == "12 KiB a step: float32 (32, 96); 3 KiB before its casts"
    assert said["Compute"].startswith("2 GFLOP a step, ")
    assert said["Compute"].endswith("in float32, 31% of the peak of 10 TFLOP/s")
    assert said["Memory"] == "GPU 0: peak 1 GiB of 4 GiB, 3 GiB free, room for a batch of about 128"
    traced = [text for label, text in device_lines(FULL) if label == "Trace"]
    assert traced == [
        "GPU 0: busy 35% of the traced steps; idle 60% for the input",
        "GPU 0: 12.0 kernels a step, 0% of their time on tensor cores, "
        "100% of the bytes copied from pageable",
    ]


def test_what_has_none_is_not() -> None:
    assert list(device_lines(BARE)) == []


def test_terminal_and_page_say_the_same() -> None:
    page = render_html(FULL)
    drawn = " ".join(render_profile(FULL, width=200, color=False, ascii_only=True).split())
    for _, text in device_lines(FULL):
        assert text in page
        assert text in drawn


def test_labels_fit_their_column() -> None:
    assert all(len(label) <= 8 for label, _ in device_lines(FULL))
