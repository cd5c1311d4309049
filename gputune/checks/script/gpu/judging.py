"""From devices, placements and the batch to findings. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site

SMALL_BATCH = 8
"""Samples. A kernel takes some microseconds to launch; NVIDIA's guide for deep learning counts a
GPU's smallest tile as 64 rows of a matrix product, of which such a batch fills an eighth."""
HOUSEKEEPING = frozenset({
    "Const", "Identity", "IdentityN", "NoOp", "Placeholder", "_Arg", "_Retval", "Shape", "ShapeN",
    "Size", "Rank", "Reshape", "ExpandDims", "Squeeze", "Fill", "VariableV2", "VarHandleOp",
    "ReadVariableOp", "AssignVariableOp", "AssignAddVariableOp", "_Send", "_Recv", "_HostSend",
    "_HostRecv", "Switch", "Merge", "Enter", "Exit", "NextIteration", "If", "While",
    "StatelessIf", "StatelessWhile", "PartitionedCall", "StatefulPartitionedCall",
    "TensorListReserve", "TensorListStack", "TensorListFromTensor",
})  # fmt: skip
"""Operations that compute nothing: where they run costs nothing."""
_MOST = 5
_ON = "gputune profile shows what the steps wait for."


@dataclass(frozen=True, kw_only=True)
class Placed:
    """One operation of the training step: what it is, where it runs, which line made it."""

    operation: str
    name: str
    device: str
    dtype: str
    site: Site | None = None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """`visible` are the GPUs that TensorFlow sees, `files` those that the system has.

    `hidden_by` is the value of CUDA_VISIBLE_DEVICES where that names none. `with_kernels` are the
    operations that this build can run on a GPU.
    """

    visible: int = 0
    files: int = 0
    hidden_by: str | None = None
    placed: tuple[Placed, ...] = ()
    with_kernels: frozenset[str] = frozenset()
    batch_size: int | None = None


def judge(seen: Seen, site: Site | None) -> Iterator[Finding]:
    """`gpu-not-visible`, `ops-on-cpu`, `small-batch`; nothing where there is no GPU at all."""
    if not seen.visible:
        if seen.files:
            yield _invisible(seen)
        return
    yield from _on_cpu(seen)
    if seen.batch_size is not None and seen.batch_size < SMALL_BATCH:
        yield Finding(
            id="small-batch",
            severity=Severity.NOTE,
            title=f"A batch has {seen.batch_size} samples: too few to fill a GPU.",
            evidence=(f"below {SMALL_BATCH} most kernels take longer to launch than to run",),
            remedy=f"Raise the batch size, and the learning rate with it; gputune tune finds one "
            f"that fits and trains as well. {_ON}",
            site=site,
        )


def misplaced(placed: Sequence[Placed], with_kernels: frozenset[str]) -> tuple[Placed, ...]:
    """What runs on the CPU, computes something, and could run on the GPU."""
    return tuple(
        one
        for one in placed
        if one.device == "CPU"
        and one.operation in with_kernels
        and one.operation not in HOUSEKEEPING
    )


def _invisible(seen: Seen) -> Finding:
    hidden = seen.hidden_by is not None
    return Finding(
        id="gpu-not-visible",
        severity=Severity.WARNING if hidden else Severity.PROBLEM,
        title="This machine has an NVIDIA GPU, and TensorFlow does not see it.",
        evidence=(
            f"CUDA_VISIBLE_DEVICES is {seen.hidden_by!r}, which hides all of them"
            if hidden
            else f"{seen.files} device file{'s' if seen.files > 1 else ''} of NVIDIA's driver, no "
            "GPU in tf.config.list_physical_devices()",
        ),
        remedy="Run gputune doctor: it says which part is missing.",
    )


def _on_cpu(seen: Seen) -> Iterator[Finding]:
    """One finding for each line that has made such operations."""
    groups: dict[Site | None, list[Placed]] = {}
    for one in misplaced(seen.placed, seen.with_kernels):
        groups.setdefault(one.site, []).append(one)
    for site, ones in list(groups.items())[:_MOST]:
        kinds = Counter(one.operation for one in ones)
        named = ", ".join(f"{count} {name}" for name, count in kinds.most_common(_MOST))
        yield Finding(
            id="ops-on-cpu",
            severity=Severity.WARNING,
            title=f"{len(ones)} operation{'s' if len(ones) > 1 else ''} of the training step "
            f"run{'' if len(ones) > 1 else 's'} on the CPU and could run on the GPU.",
            evidence=(named, f"for instance {ones[0].name} ({ones[0].dtype})"),
            remedy="Look for a tf.device('/CPU:0') around the model or its variables; each such "
            f"operation also costs a copy there and back. {_ON}",
            site=site,
        )
