"""Writes an XPlane file of any size whose figures follow from its construction.

`big_trace.py OUT MEGABYTES` prints its truth as JSON. Like a raw trace of TensorFlow 2.21 on four
GPUs: each step of 3 ms has, on each GPU, one copy to the device of 1 MiB (100 µs, pageable) and 250
kernels of 8 µs every 10 µs, each launched 50 µs before it starts; on the host, a thread for each
GPU has those launches and the operations around them, and the first one a marker `train` and a
GetNext of 300 µs in each step.

The file is encoded here and not by protobuf's classes, a line at a time, so that a gigabyte takes
half a minute to write.
"""

from __future__ import annotations

import json
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path

GPUS = 4
KERNELS = 250
NS = 1000
STEP_PS = 3_000_000 * NS
KERNEL_PS, EVERY_PS = 8_000 * NS, 10_000 * NS
FIRST_KERNEL_PS = 450_000 * NS
COPY_PS, COPY_START_PS, COPY_BYTES = 100_000 * NS, 320_000 * NS, 2**20
LAUNCH_AHEAD_PS, CALL_PS = 50_000 * NS, 4_000 * NS
WAIT_PS = 300_000 * NS
_OF_EVENT, _OF_PLANE = 4, 6  # the number of the field `stats` in each of them
OP_TYPES = ("MatMul", "BiasAdd", "Relu", "Mul", "AddV2", "Cast", "Softmax", "ResourceApplyAdam")
KERNEL_NAMES = (
    "ampere_sgemm_128x64_nn",
    "void tensorflow::BiasNHWCKernel<float>(int, float const*, float const*, float*, int)",
    "void Eigen::internal::EigenMetaKernel<Eigen::TensorEvaluator<Eigen::TensorAssignOp<"
    "Eigen::TensorMap<Eigen::Tensor<float, 1, 1, int>, 16> const> >, int>(float*, int)",
    "ampere_fp16_s16816gemm_fp16_128x64_ldg8_f2f_stages_64x4_nn",
)


_ONE_BYTE = [bytes([number]) for number in range(0x80)]


def varint(number: int) -> bytes:
    """Protobuf's encoding of a number that is not negative."""
    if number < 0x80:
        return _ONE_BYTE[number]
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field_of(number: int, payload: bytes) -> bytes:
    """A field with a length."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


@dataclass
class Names:
    """A plane's tables of names, and the stats that refer to them."""

    events: dict[str, int] = field(default_factory=dict)
    stats: dict[str, int] = field(default_factory=dict)

    def event(self, name: str) -> int:
        return self.events.setdefault(name, len(self.events) + 1)

    def stat(self, name: str) -> int:
        return self.stats.setdefault(name, len(self.stats) + 1)

    def number(self, name: str, value: int, place: int = _OF_EVENT) -> bytes:
        return field_of(place, b"\x08" + varint(self.stat(name)) + b"\x18" + varint(value))

    def real(self, name: str, value: float) -> bytes:
        return field_of(
            _OF_EVENT, b"\x08" + varint(self.stat(name)) + b"\x11" + struct.pack("<d", value)
        )

    def text(self, name: str, value: str, place: int = _OF_EVENT) -> bytes:
        told = b"\x08" + varint(self.stat(name)) + b"\x38" + varint(self.stat(value))
        return field_of(place, told)

    def tables(self) -> bytes:
        def entries(number: int, table: dict[str, int]) -> bytes:
            return b"".join(
                field_of(
                    number,
                    b"\x08" + varint(key)
                    + field_of(2, b"\x08" + varint(key) + field_of(2, name.encode())),
                )
                for name, key in table.items()
            )  # fmt: skip

        return entries(4, self.events) + entries(5, self.stats)


class Events:
    """The events of one line, encoded."""

    def __init__(self) -> None:
        self.encoded = bytearray()
        self._around: dict[tuple[int, int], tuple[bytes, bytes]] = {}

    def add(self, name: int, start_ps: int, duration_ps: int, stats: bytes = b"") -> None:
        around = self._around.get((name, duration_ps))
        if around is None:
            ends = b"\x08" + varint(name) + b"\x10", b"\x18" + varint(duration_ps)
            around = self._around[name, duration_ps] = ends
        event = around[0] + varint(start_ps) + around[1] + stats
        self.encoded += b"\x22" + varint(len(event)) + event

    def line(self, name: str, number: int) -> bytes:
        head = b"\x08" + varint(number) + field_of(2, name.encode()) + b"\x18" + varint(20_000)
        return field_of(3, head + bytes(self.encoded))


def gpu_plane(gpu: int, steps: int) -> bytes:
    """The plane of one GPU: a stream of kernels and one of copies."""
    names = Names()
    kernels, copies = Events(), Events()
    keys = [names.event(name) for name in KERNEL_NAMES]
    ids = names.stat("correlation_id")
    fixed = []
    for at in range(KERNELS):
        kind = OP_TYPES[at % len(OP_TYPES)]
        fixed.append(
            names.text("context_id", "$$1")
            + names.real("theoretical_occupancy_pct", 75.0)
            + names.number("occupancy_min_grid_size", 432)
            + names.number("occupancy_suggested_block_size", 512)
            + names.text("kernel_details", f"regs:{16 + at % 40} grid:{at},1,1 block:256,1,1")
            + names.text("tf_op", f"model/layer_{at}/{kind}:{kind}")
        )
    details = f"kind_src:pageable kind_dst:device size:{COPY_BYTES} dest:0 async:1"
    copied = names.text("memcpy_details", details)
    copy = names.event("MemcpyH2D")
    for step in range(steps):
        start = step * STEP_PS
        number = correlation(gpu, step, KERNELS)
        copies.add(copy, start + COPY_START_PS, COPY_PS, tie(ids, number) + copied)
        for at in range(KERNELS):
            tied = tie(ids, correlation(gpu, step, at))
            begin = start + FIRST_KERNEL_PS + at * EVERY_PS
            kernels.add(keys[at % len(keys)], begin, KERNEL_PS, tied + fixed[at])
    lines = kernels.line("Stream #13(Compute)", 13) + copies.line("Stream #14(MemcpyH2D)", 14)
    return plane(f"/device:GPU:{gpu}", gpu + 1, lines, names)


def correlation(gpu: int, step: int, at: int) -> int:
    """The correlation id of the event `at` of a step: unique in the trace."""
    return (step * GPUS + gpu) * (KERNELS + 1) + at + 1


def tie(stat: int, number: int) -> bytes:
    """The stat `correlation_id`."""
    told = b"\x08" + varint(stat) + b"\x18" + varint(number)
    return b"\x22" + varint(len(told)) + told


def host_lines(gpu: int, steps: int, names: Names) -> bytes:
    """The thread that feeds one GPU: launches, the operations around them, the executor's."""
    events = Events()
    ids = names.stat("correlation_id")
    launch, copy = names.event("cuLaunchKernel"), names.event("cuMemcpyHtoDAsync_v2")
    device = names.number("device_id", gpu) + names.text("context_id", "$$1")
    process = names.event("ExecutorState::Process")
    ops = [
        names.event(f"model/layer_{at}/{kind}:{kind}")
        for at in range(KERNELS)
        for kind in [OP_TYPES[at % len(OP_TYPES)]]
    ]
    for step in range(steps):
        start = step * STEP_PS
        if gpu == 0:
            marker = names.number("step_num", step) + names.number("_r", 1)
            events.add(names.event("train"), start, STEP_PS, marker)
            wait = names.event("IteratorGetNextOp::DoCompute")
            events.add(wait, start, WAIT_PS, names.number("id", step) + names.number("iter_num", 0))
        stats = names.number("id", step * GPUS + gpu) + names.number("iter_num", 0)
        events.add(process, start + WAIT_PS, STEP_PS - WAIT_PS, stats)
        called = start + COPY_START_PS - LAUNCH_AHEAD_PS // 5
        tied = tie(ids, correlation(gpu, step, KERNELS))
        events.add(copy, called, CALL_PS, tied + device)
        for at in range(KERNELS):
            called = start + FIRST_KERNEL_PS + at * EVERY_PS - LAUNCH_AHEAD_PS
            events.add(ops[at], called - 1000 * NS, CALL_PS + 2000 * NS)
            events.add(launch, called, CALL_PS, tie(ids, correlation(gpu, step, at)) + device)
    return events.line("python" if gpu == 0 else f"tf_gpu_private_{gpu}/{gpu}", gpu + 100)


def plane(name: str, number: int, lines: bytes, names: Names) -> bytes:
    """A plane as a field of the file; a GPU's says what it is."""
    head = b"\x08" + varint(number) + field_of(2, name.encode())
    stats = b""
    if "GPU" in name:
        stats = (
            names.text("device_vendor", "Nvidia", _OF_PLANE)
            + names.text("gpu_device_name", "Synthetic", _OF_PLANE)
            + names.number("compute_cap_major", 8, _OF_PLANE)
            + names.number("compute_cap_minor", 0, _OF_PLANE)
        )
    return field_of(1, head + lines + names.tables() + stats)


def write(out: Path, size_bytes: int) -> dict[str, object]:
    """Write a file of about `size_bytes`; returns what it holds."""
    sample = 20
    names = Names()
    probe = sum(len(gpu_plane(gpu, sample)) for gpu in range(GPUS))
    probe += sum(len(host_lines(gpu, sample, names)) for gpu in range(GPUS))
    steps = max(1, round(size_bytes / probe * sample))
    with out.open("wb") as file:
        names = Names()
        lines = b"".join(host_lines(gpu, steps, names) for gpu in range(GPUS))
        file.write(plane("/host:CPU", 0, lines, names))
        del lines
        for gpu in range(GPUS):
            file.write(gpu_plane(gpu, steps))
        file.write(field_of(4, b"synthetic"))
    return {
        "bytes": out.stat().st_size,
        "gpus": GPUS,
        "steps": steps,
        "events": GPUS * steps * (2 * (KERNELS + 1) + KERNELS + 1) + 2 * steps,
        "kernels_per_gpu": steps * KERNELS,
        "kernel_s_per_gpu": steps * KERNELS * KERNEL_PS / 1e12,
        "h2d_bytes_per_gpu": steps * COPY_BYTES,
        "h2d_exposed_s_per_gpu": steps * COPY_PS / 1e12,
        "idle_input_s_per_step": WAIT_PS / 1e12,
        "launch_delay_s": LAUNCH_AHEAD_PS / 1e12,
    }


if __name__ == "__main__":
    print(json.dumps(write(Path(sys.argv[1]), int(float(sys.argv[2]) * 1e6))))
