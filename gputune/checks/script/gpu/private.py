"""What TensorFlow tells through private modules only; None where a version has them no longer.

Tried on TensorFlow 2.21. The public ways do not serve: `tf.debugging.set_log_device_placement`
writes to standard error from C++, `tf.summary.trace_on` clashes with a TensorBoard callback of the
script, and `tf.test` lists devices but no kernels.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def collect_graphs(on: bool) -> bool:
    """Begin or end to keep the graphs that functions are placed as; whether that works.

    To be begun before the function's first call: it is placed once.
    """
    try:
        from tensorflow.python.eager import context

        eager = context.context()
        (eager.enable_graph_collection if on else eager.disable_graph_collection)()
    except Exception:  # private, and so another one in another version
        return False
    return True


def collected_nodes() -> list[Any] | None:
    """The nodes (NodeDef, with their device) of all functions placed since `collect_graphs`."""
    try:
        from tensorflow.python.eager import context

        metadata = context.context().export_run_metadata()
        return [node for graph in metadata.partition_graphs for node in graph.node]
    except Exception:  # private, and so another one in another version
        return None


def with_kernels(operations: Iterable[str], device: str) -> frozenset[str] | None:
    """Which of the operations have a kernel for the device (`GPU`) in this build."""
    try:
        from tensorflow.python.framework import kernels

        return frozenset(
            operation
            for operation in operations
            if any(
                kernel.device_type == device
                for kernel in kernels.get_registered_kernels_for_op(operation).kernel
            )
        )
    except Exception:  # private, and so another one in another version
        return None
