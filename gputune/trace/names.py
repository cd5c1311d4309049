"""What the events of a GPU's streams are, told by their names.

Copies and memsets are called after their kind by CUPTI's collector in TensorFlow (`MemcpyH2D`);
everything else on a stream is a kernel under its own name, except what only informs.
"""

from __future__ import annotations

import re
from enum import IntEnum


class Kind(IntEnum):
    """What an event on a stream is; `NO_WORK` takes no time of the device."""

    KERNEL = 0
    H2D = 1
    D2H = 2
    D2D = 3
    P2P = 4
    OTHER_COPY = 5
    MEMSET = 6
    NO_WORK = 7


_COPIES = {
    "MemcpyH2D": Kind.H2D,
    "MemcpyD2H": Kind.D2H,
    "MemcpyD2D": Kind.D2D,
    "MemcpyP2P": Kind.P2P,
    # As TensorFlow called them until 2.1.
    "MEMCPYHtoD": Kind.H2D,
    "MEMCPYDtoH": Kind.D2H,
    "MEMCPYDtoD": Kind.D2D,
    "MEMCPYPtoP": Kind.P2P,
}
_NO_WORK = (
    "MemoryAlloc",
    "MemoryFree",
    "MemoryResidency",
    "UnifiedMemory",
    "HostRegister",
    "HostUnregister",
    "Overhead",
    "Generic",
    "NVTX:",
    "ThreadMarker",
)
_COLLECTIVE = re.compile(r"nccl|all_?reduce|reduce_?scatter|all_?gather", re.IGNORECASE)
"""Kernels that exchange values between devices (NCCL's names; tried on its 2.x)."""
_GRAPH = "CudaGraph"
_MATRIX_UNITS = re.compile(
    # XProf's list (kernel_stats_utils.cc, TensorFlow 2.8) …
    r"16816|c1688|conv1x1|conv2d_c1_k1|dgrad_1x1_stride_2x2|direct_group|first_layer_wgrad_kernel"
    r"|h1688|h884|hmma|i16832|i8816|s884|s1688"
    r"|xmma_(?:gemm|implicit_gemm|sparse_conv|sparse_gemm|warp_specialized_implicit_gemm)"
    # … and what came after it: CUTLASS, Hopper's instructions, cuBLAS 12 on Hopper and Blackwell.
    r"|tensorop|wgmma|gmma|nvjet_"
)
_SIXTEEN = re.compile(
    r"half|bfloat16|bf16|fp16|hgemm|h884|h1688|h16816|hmma"
    r"|(?<![0-9a-z])f16|f16f16"
    # cuBLAS 12 writes the types of A and B, of the sums, and of C: h is half, t is bfloat16.
    r"|nvjet_(?:sm\d+_)?[ht]"
)
_SIXTEEN_SHAPES = re.compile(r"half|bfloat16|\b(?:b?f16)\b")


def kind(name: str) -> Kind:
    """What an event of that name on a stream is."""
    if name in _COPIES:
        return _COPIES[name]
    if name.startswith(("Memcpy", "MEMCPY")):
        return Kind.OTHER_COPY
    if name.startswith(("Memset", "MEMSET")):
        return Kind.MEMSET
    return Kind.NO_WORK if name.startswith(_NO_WORK) else Kind.KERNEL


def is_collective(kernel: str) -> bool:
    """Whether a kernel exchanges values between devices."""
    return _COLLECTIVE.search(kernel) is not None


def is_graph(kernel: str) -> bool:
    """Whether the event is a whole CUDA graph, whose kernels the trace does not hold."""
    return kernel.startswith(_GRAPH)


def uses_tensor_cores(kernel: str) -> bool:
    """Whether a kernel runs on tensor cores, by its name.

    XProf's patterns, and newer names; tests/unit/trace/test_names.py holds the names that these
    were tried on. A kernel that a compiler generated (Triton, XLA) may use them unseen.
    """
    return _MATRIX_UNITS.search(kernel) is not None


def computes_in_16_bits(kernel: str) -> bool:
    """Whether a kernel computes on 16-bit floating-point numbers, by its name."""
    return _SIXTEEN.search(kernel) is not None


def has_16_bit_shapes(shapes: str) -> bool:
    """Whether an operation takes 16-bit numbers, by the stat `shape`: `(half[4,384];half[])`.

    XProf's rule for "16-bit compute" (`DEVICE_COMPUTE_16`).
    """
    return _SIXTEEN_SHAPES.search(shapes) is not None
