"""Where TensorFlow has placed the operations of a training step, and which line made them."""

from __future__ import annotations

import linecache
from collections.abc import Iterable, Mapping
from typing import Any

from gputune.checks.script.gpu.judging import Placed
from gputune.inject.sites import is_user_file
from gputune.schema.site import Site

_ONE_DNN = ("_MklNative", "_Mkl")
_FLOATS = {1: "float32", 2: "float64", 14: "bfloat16", 19: "float16"}
"""`DataType` of TensorFlow's published protocol (types.proto)."""


def placed(nodes: Iterable[Any], sites: Mapping[str, Site]) -> tuple[Placed, ...]:
    """The operations on floating-point numbers: those on sizes and indices belong on the host.

    `nodes` are NodeDefs after placement, `sites` the user's lines by the name in the traced graph.
    """
    found = []
    for node in nodes:
        kind = _FLOATS.get(node.attr["T"].type) if "T" in node.attr else None
        device = _kind_of_device(node.device)
        if kind is None or not device:
            continue
        found.append(
            Placed(
                operation=operation(node.op),
                name=node.name,
                device=device,
                dtype=kind,
                site=_site(node.name, sites),
            )
        )
    return tuple(found)


def operation(name: str) -> str:
    """`MatMul` of `_MklNativeMatMul`: on a CPU TensorFlow puts oneDNN's kernels in their place."""
    for prefix in _ONE_DNN:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


def sites_of(graph: Any) -> dict[str, Site]:
    """The user's innermost line for each operation of a traced function, by its name."""
    found: dict[str, Site] = {}
    for operation in graph.get_operations():
        for frame in reversed(list(operation.traceback or ())):
            if is_user_file(frame.filename):
                found[operation.name] = Site(
                    file=frame.filename, line=frame.lineno or 0, function=frame.name or "",
                    code=linecache.getline(frame.filename, frame.lineno or 0).strip()[:300],
                )  # fmt: skip
                break
    return found


def _site(name: str, sites: Mapping[str, Site]) -> Site | None:
    """A function that was inlined stands with its caller's name before its own."""
    while name:
        if name in sites:
            return sites[name]
        _, _, name = name.partition("/")
    return None


def _kind_of_device(device: str) -> str:
    """`CPU` of `/job:localhost/replica:0/task:0/device:CPU:0`."""
    _, _, rest = device.rpartition("device:")
    return rest.partition(":")[0].upper() if "device:" in device else ""
