"""Nodes as TensorFlow hands them out, and the lines behind them."""

from __future__ import annotations

from traceback import FrameSummary
from types import SimpleNamespace

from gputune.checks.script.gpu.placements import operation, placed, sites_of
from gputune.schema.site import Site

FIRST_LINE = '"""Nodes as TensorFlow hands them out, and the lines behind them."""'
CPU = "/job:localhost/replica:0/task:0/device:CPU:0"
GPU = "/job:localhost/replica:0/task:0/device:GPU:1"


def node(name: str, device: str, dtype: int | None = 1) -> SimpleNamespace:
    attributes = {} if dtype is None else {"T": SimpleNamespace(type=dtype)}
    return SimpleNamespace(name=name, op="MatMul", device=device, attr=attributes)


def test_devices_and_types_are_read_and_integers_left_out() -> None:
    nodes = [
        node("a", CPU), node("b", GPU, 19), node("c", CPU, 3), node("d", CPU, None), node("e", ""),
    ]  # fmt: skip
    assert [(one.name, one.device, one.dtype) for one in placed(nodes, {})] == [
        ("a", "CPU", "float32"), ("b", "GPU", "float16"),
    ]  # fmt: skip


def test_an_inlined_operation_is_found_by_the_end_of_its_name() -> None:
    line = Site(file="model.py", line=3)
    nodes = [node("PartitionedCall/dense/MatMul", CPU), node("other", CPU)]
    found = placed(nodes, {"dense/MatMul": line})
    assert [one.site for one in found] == [line, None]


def test_the_site_is_the_users_innermost_line() -> None:
    frames = [
        FrameSummary(__file__, 3, "outer", line="model.fit(x)"),
        FrameSummary(__file__, 1, "call", line=""),  # as TensorFlow has them: without the text
        FrameSummary("<frozen importlib>", 1, "load", line=""),
    ]
    graph = SimpleNamespace(
        get_operations=lambda: [
            SimpleNamespace(name="mine", traceback=frames),
            SimpleNamespace(name="nobodys", traceback=None),
        ]
    )
    assert sites_of(graph) == {
        "mine": Site(file=__file__, line=1, function="call", code=FIRST_LINE)
    }


def test_one_dnn_kernels_are_the_operations_that_they_stand_for() -> None:
    names = ("_MklNativeMatMul", "_MklConv2D", "_FusedMatMul", "MatMul")
    assert [operation(name) for name in names] == ["MatMul", "Conv2D", "_FusedMatMul", "MatMul"]
