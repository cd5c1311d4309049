from __future__ import annotations

from dataclasses import replace

from gputune.report.circumstances import beside_clean, cost, memory, transfers
from gputune.schema.gpu import DeviceMemory, ElementTransfer
from tests.unit.report import sample


def test_copies_are_said_or_why_not() -> None:
    said = {fact.label: fact.text for fact in transfers(sample.gpu_profile())}
    assert said["to device"] == (
        "18.0 MiB a step in 1.60 ms, of it 1.30 ms that nothing hides, at 11.8 GB/s"
    )
    assert said["to host"] == "n/a"
    said = {fact.label: fact.text for fact in transfers(sample.cpu_profile())}
    assert said["to device"] == "n/a: TensorFlow sees no GPU"


def test_what_a_batch_needs_stands_beside_what_was_copied() -> None:
    element = ElementTransfer(
        components=("float32[32,8]",), expected_h2d_bytes_per_step=1024.0,
        narrower_bytes_per_step=256.0,
    )  # fmt: skip
    first, second, *_ = transfers(replace(sample.cpu_profile(), element=element))
    assert (first.text, second.text) == ("1 KiB: float32[32,8]", "256 B")


def test_the_memory_of_script_and_gpu() -> None:
    peak = DeviceMemory(index=0, peak_bytes=2**30, head_room_bytes=3 * 2**30,
                        predicted_max_batch_size=1024)  # fmt: skip
    said = {fact.label: fact.text for fact in memory(
        replace(sample.gpu_profile(), device_memory=(peak,)))}  # fmt: skip
    assert said["GPU 0, TensorFlow"] == (
        "peak of the tensors 1 GiB, head-room 3 GiB, room for a batch of about 1,024"
    )
    assert said["GPU 0, all processes"] == "12.3 GiB of 79.6 GiB"
    said = {fact.label: fact.text for fact in memory(sample.cpu_profile())}
    assert said["the script, at most"] == "1.05 GiB of 24 GiB"
    assert said["GPU"] == "n/a: TensorFlow sees no GPU"


def test_what_the_measuring_cost() -> None:
    """38.4 s in all; the phases after the warm-up took 7.84 + 0.581 + 2.02 + 1.4 + 0.55 s."""
    profile = sample.cpu_profile()
    assert cost(profile).startswith("The run took 38.4 s, 12.4 s of it in the phases below. Then")
    clean, trace = profile.phases[1], profile.phases[5]
    assert beside_clean(profile, trace) == "1.31x", "55 ms beside 41.9"
    assert beside_clean(profile, clean) == ""
    assert "nothing was measured" in cost(sample.minimal_profile())
