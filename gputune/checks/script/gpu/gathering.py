"""What TensorFlow and the system say about GPUs."""

from __future__ import annotations

import glob
import os
from typing import Any

from gputune.checks.script.gpu.placements import sites_of
from gputune.checks.script.training import Batch, Training
from gputune.schema.site import Site

_DEVICE_FILES = "/dev/nvidia[0-9]*"
_WSL = "/dev/dxg"


def device_files() -> int:
    """How many GPUs of NVIDIA have a device file; under WSL one stands for all."""
    return len(glob.glob(_DEVICE_FILES)) or int(os.path.exists(_WSL))


def hidden_by() -> str | None:
    """CUDA_VISIBLE_DEVICES where it names no GPU: empty, or beginning with -1."""
    value = os.environ.get("CUDA_VISIBLE_DEVICES")
    return value if value is not None and (not value or value.startswith("-")) else None


def sites(training: Training) -> dict[str, Site]:
    """The lines behind the operations of the traced training function; empty where unknown."""
    function: Any = getattr(training.model, "train_function", None)
    function = getattr(function, "gputune_original", function)
    if not hasattr(function, "get_concrete_function") or training.iterator is None:
        return {}
    try:
        return sites_of(function.get_concrete_function(training.iterator).graph)
    except Exception:  # traced with another iterator, or in a strategy
        return {}


def batch_size(batches: tuple[Batch, ...]) -> int | None:
    """The first axis of the first batch's input."""
    x: Any = batches[0].x if batches else None
    while isinstance(x, (dict, tuple, list)) and x:
        x = next(iter(x.values())) if isinstance(x, dict) else x[0]
    shape = getattr(x, "shape", None)
    return int(shape[0]) if shape is not None and len(shape) and shape[0] is not None else None
