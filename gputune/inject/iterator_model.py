"""The model that tf.data keeps of a live iterator: what stages take, and what AUTOTUNE chose."""

from __future__ import annotations

from types import ModuleType
from typing import Any


def read(tf: ModuleType, iterator: Any) -> list[dict[str, Any]]:
    """The nodes of the iterator's model, next to the model first.

    `processing_time_ns` and `num_elements` are totals since the iterator began. Raises
    TensorFlow's NotFoundError or ValueError where the iterator has no model (a distributed
    iterator, `PyDataset`, autotune switched off).
    """
    proto = tf.data.experimental.get_model_proto(iterator)
    return [_node(proto.nodes[key]) for key in sorted(proto.nodes)]


def buffered(nodes: list[dict[str, Any]]) -> float:
    """All elements that wait in buffers, for telling whether the buffers still fill."""
    return float(sum(node["buffered_elements"] for node in nodes))


def _node(node: Any) -> dict[str, Any]:
    return {
        "id": int(node.id),
        "name": str(node.name),
        "inputs": [int(i) for i in node.inputs],
        "processing_time_ns": int(node.processing_time),
        "num_elements": int(node.num_elements),
        "buffered_elements": int(node.buffered_elements),
        "parameters": {
            parameter.name: {
                "value": float(parameter.state_value or parameter.value),
                "tunable": bool(parameter.tunable),
                "max": float(parameter.max),
            }
            for parameter in node.parameters
        },
    }
