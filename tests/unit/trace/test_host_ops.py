"""Where a traced step spent its time on the host."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gputune.trace.functions import op_type
from gputune.trace.host_ops import HostSteps, host_steps, step_windows
from tests.fixtures.xplane_writer import PlaneWriter, Writer
from tests.unit.trace.traces import real

MODEL, MAP, OTHER = 11, 22, 33


def parts(steps: HostSteps) -> float:
    return steps.ops_s + steps.input_s + steps.dispatch_s + steps.python_s


@pytest.mark.parametrize(
    "name", ["tiny_dense", "large_matmul", "xla", "steps_per_execution", "slow_source"]
)
def test_the_parts_of_a_real_step_sum_to_it(name: str) -> None:
    steps = host_steps(real(name))
    assert steps.windows == 3
    assert parts(steps) == pytest.approx(steps.step_s, rel=1e-9)
    assert 0 < steps.bookkeeping_s < steps.dispatch_s


def test_a_large_matmul_is_operations_and_a_tiny_model_is_not() -> None:
    large, tiny = host_steps(real("large_matmul")), host_steps(real("tiny_dense"))
    assert large.ops_s > 0.95 * large.step_s
    assert tiny.ops_s < 0.1 * tiny.step_s
    assert tiny.dispatch_s > 0.5 * tiny.step_s


def test_under_xla_its_own_operations_count() -> None:
    steps = host_steps(real("xla"))
    assert steps.ops_s > 0.3 * steps.step_s


def test_a_slow_source_shows_as_input() -> None:
    steps = host_steps(real("slow_source"))
    assert steps.input_s > 0.008  # a batch is 4 sleeps of 2 ms, one batch may be ready


def test_functions_of_other_threads_and_of_the_pipeline_are_not_the_models() -> None:
    trace = real("other_functions")
    others = [
        event.duration_ps
        for line in trace.host.lines
        for event in line.events(lambda name: "not_the_model" in name)
    ]
    assert sum(others) / 1e12 > 0.001  # it does work beside the steps
    assert host_steps(trace).ops_s < 0.001


def test_without_a_compiled_function_the_answer_is_none_with_a_reason() -> None:
    steps = host_steps(real("run_eagerly"))
    assert steps.ops_s is None
    assert "run_eagerly" in steps.reason
    assert steps.step_s > 0


def test_without_steps_the_answer_is_none_with_a_reason() -> None:
    steps = host_steps(Writer().trace_of_planes("/host:CPU"))
    assert (steps.windows, steps.step_s) == (0, None)
    assert "gputune_step" in steps.reason


def a_step(plane: PlaneWriter) -> None:
    """One step of 1000 ns: python until 100, the call from 100 to 900, python until 1000."""
    main = plane.line("python")
    main.event("gputune_step", 0, 1000, step_num=4)
    main.event("TFE_Py_ExecuteCancelable", 100, 900)
    main.event("FunctionRun", 110, 120, id=MODEL)
    get_next = plane.line("tf_data_iterator_get_next/1")
    get_next.event("IteratorGetNextOp::DoCompute", 200, 350, id=MODEL)


def test_each_part_of_a_synthetic_step_is_exact() -> None:
    writer = Writer()
    plane = writer.plane("/host:CPU")
    a_step(plane)
    first = plane.line("tf_Compute/1")
    first.event("ExecutorState::Process", 120, 600, id=MODEL)
    first.event("dense/MatMul:MatMul", 300, 500)
    first.event("dense/IteratorGetNext:IteratorGetNext", 120, 350)  # waits, does not compute
    second = plane.line("tf_Compute/2")
    second.event("ExecutorState::Process", 400, 700, id=MODEL)
    second.event("dense/Relu:Relu", 450, 650)
    steps = host_steps(writer.trace())
    assert steps.op_events == 2
    assert steps.step_s == pytest.approx(1000e-9)
    assert steps.ops_s == pytest.approx(350e-9)  # 300 to 650
    assert steps.input_s == pytest.approx(100e-9)  # 200 to 300: the rest is hidden
    assert steps.bookkeeping_s == pytest.approx(130e-9)  # 120 to 200 and 650 to 700
    assert steps.python_s == pytest.approx(200e-9)
    assert steps.dispatch_s == pytest.approx(350e-9)


def test_only_cheap_operations_are_no_operations_but_bookkeeping() -> None:
    writer = Writer()
    plane = writer.plane("/host:CPU")
    a_step(plane)
    plane.line("tf_Compute/1").event("ExecutorState::Process", 400, 700, id=MODEL)
    steps = host_steps(writer.trace())
    assert (steps.ops_s, steps.bookkeeping_s) == (0.0, pytest.approx(300e-9))


def test_a_function_that_left_no_events_is_none_with_a_reason() -> None:
    writer = Writer()
    a_step(writer.plane("/host:CPU"))
    steps = host_steps(writer.trace())
    assert (steps.ops_s, steps.dispatch_s) == (None, None)
    assert "no events of the model's operations" in steps.reason
    assert steps.input_s == pytest.approx(150e-9)


def test_operations_are_told_by_the_run_they_belong_to() -> None:
    writer = Writer()
    plane = writer.plane("/host:CPU")
    a_step(plane)
    shared = plane.line("tf_Compute/1")
    shared.event("ExecutorState::Process", 300, 400, id=MAP)  # a map's function, no pool of its own
    shared.event("Decode:DecodeJpeg", 300, 400)
    shared.event("ExecutorState::Process", 400, 500, id=OTHER)  # another thread's function
    shared.event("other/MatMul:MatMul", 400, 500)
    shared.event("ExecutorState::Process", 500, 600, id=MODEL)
    shared.event("FunctionRun", 510, 520, id=44)  # a function that the model calls
    plane.line("tf_Compute/2").event("ExecutorState::Process", 520, 580, id=44).event(
        "inner/Exp:Exp", 530, 560
    )
    plane.line("tf_data_private_threadpool/1").event("Decode:DecodeJpeg", 600, 700)
    steps = host_steps(writer.trace())
    assert (steps.op_events, steps.ops_s) == (1, pytest.approx(30e-9))


def test_operations_that_xla_compiled_count_on_any_thread_but_those_of_the_pipeline() -> None:
    writer = Writer()
    plane = writer.plane("/host:CPU")
    a_step(plane)
    plane.line("tf_Eigen/1").event("dot.3", 400, 450, hlo_op="dot.3").event("memcpy", 500, 800)
    plane.line("tf_data_private_threadpool/1").event("dot.4", 600, 700, hlo_op="dot.4")
    steps = host_steps(writer.trace())
    assert (steps.op_events, steps.ops_s) == (1, pytest.approx(50e-9))


def test_time_outside_the_steps_does_not_count() -> None:
    writer = Writer()
    plane = writer.plane("/host:CPU")
    a_step(plane)
    line = plane.line("tf_Compute/1")
    line.event("ExecutorState::Process", 800, 1500, id=MODEL)
    line.event("a/MatMul:MatMul", 850, 1400)
    assert host_steps(writer.trace()).ops_s == pytest.approx(150e-9)


def test_a_call_of_several_steps_is_divided() -> None:
    once = host_steps(real("steps_per_execution"))
    each = host_steps(real("steps_per_execution"), steps_per_window=3)
    assert each.step_s == pytest.approx(once.step_s / 3)
    assert each.ops_s == pytest.approx(once.ops_s / 3)


def test_step_windows_carry_their_number_in_the_order_of_time() -> None:
    windows = step_windows(real("tiny_dense"))
    assert [window.step_num for window in windows] == [20, 21, 22]
    assert all(a.end_ps <= b.start_ps for a, b in pairwise(windows))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("StatefulPartitionedCall/dense_1/MatMul:_MklMatMul", "_MklMatMul"),
        ("Fill:Fill", "Fill"),
        ("while/body/_1/Add:AddV2", "AddV2"),
        ("PyFunc:PyFunc", "PyFunc"),
        ("EagerLocalExecute: OptionalHasValue", None),
        ("ExecutorState::Process", None),
        ("Iterator::Root::Map", None),
        ("KernelAndDeviceFunc::Run", None),
        ("python", None),
    ],
)
def test_the_events_of_operations_are_told_by_their_names(name: str, kind: str | None) -> None:
    assert op_type(name) == kind
