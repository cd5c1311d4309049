"""Rates of pipelines whose times are made up: the expected ones follow by arithmetic."""

from __future__ import annotations

import pytest

from gputune.analysis.pipeline import TRACE_SEES_MORE
from tests.unit.analysis.joined import bottleneck, pipeline, traced, tree
from tests.unit.analysis.synthetic import call, node


def test_a_serial_stretch_adds_up_and_its_longest_stage_is_the_bottleneck() -> None:
    # Ten batches: 20 + 50 + 30 ms each, one after another.
    found = pipeline(
        [
            node(1, "Root", 2, elements=10),
            node(2, "Batch", 3, ms=200, elements=10),
            node(3, "Map", 4, ms=500, elements=10),
            node(4, "TFRecord", ms=300, elements=10),
        ]
    )
    assert found.predicted_max_batches_per_s == pytest.approx(10)
    assert bottleneck(found).op == "Map"
    assert [s.max_batches_per_s for s in found.stages] == pytest.approx([50, 20, 100 / 3])


def test_a_parallel_stage_is_divided_by_its_parallelism() -> None:
    # The map alone: 80 ms a batch, 4 at a time -> 50/s. Behind it 15 ms one after another -> 66/s.
    nodes = [
        node(1, "Root", 2, elements=10),
        node(2, "Batch", 3, ms=100, elements=10),
        node(3, "ParallelMap", 4, ms=800, elements=100, parallelism=4),
        node(4, "Range", ms=20, elements=100),
    ]
    found = pipeline(nodes)
    assert bottleneck(found).op == "ParallelMap"
    assert found.predicted_max_batches_per_s == pytest.approx(50)
    # With 16 at a time it could make 200/s: the batching at 100/s is what limits.
    nodes[2] = node(3, "ParallelMap", 4, ms=800, elements=100, parallelism=16)
    found = pipeline(nodes)
    assert bottleneck(found).op == "Batch"
    assert found.predicted_max_batches_per_s == pytest.approx(100)


def test_where_all_the_work_fills_the_cores_the_stage_with_most_work_is_the_bottleneck() -> None:
    # 40 ms one at a time | 60 ms two at a time. Alone, the first would limit, at 25/s; but on two
    # cores 100 ms of work take 50 ms, and 60 ms of them are the second's.
    nodes = [
        node(1, "Root", 2, elements=10),
        node(2, "ParallelMap", 3, ms=400, elements=10, parallelism=1),
        node(3, "ParallelMap", 4, ms=600, elements=10, parallelism=2),
        node(4, "Range", elements=10),
    ]
    assert bottleneck(pipeline(nodes)).self_s == pytest.approx(0.040)
    found = pipeline(nodes, cores=2)
    assert bottleneck(found).self_s == pytest.approx(0.060)
    assert found.predicted_max_batches_per_s == pytest.approx(20)
    # On eight cores the work does not fill them.
    assert bottleneck(pipeline(nodes, cores=8)).self_s == pytest.approx(0.040)


def test_what_feeds_a_parallel_stage_runs_beside_it_not_before_it() -> None:
    found = pipeline(
        [
            node(1, "Root", 2, elements=10),
            node(2, "Prefetch", 3, elements=10, buffer_size=2),
            node(3, "Batch", 4, ms=100, elements=10),
            node(4, "ParallelMap", 5, ms=300, elements=10, parallelism=1),
            node(5, "Shuffle", 6, ms=150, elements=10),
            node(6, "Range", ms=100, elements=10),
        ]
    )
    # 10 ms | 30 ms | 15 + 10 ms: three stretches at once.
    assert bottleneck(found).op == "ParallelMap"
    assert found.predicted_max_batches_per_s == pytest.approx(1 / 0.030)


def test_a_python_stage_counts_once_whatever_its_parallelism() -> None:
    nodes = [
        node(1, "Root", 2, elements=10),
        node(2, "ParallelMap", 3, ms=400, elements=10, parallelism=8),
        node(3, "Range", elements=10),
    ]
    calls = [call(1, "range"), call(2, "map", inputs=(1,), python=True)]
    found = pipeline(nodes, None, calls)
    assert found.stages[0].python
    assert found.predicted_max_batches_per_s == pytest.approx(25)
    calls[1]["python"] = False
    assert pipeline(nodes, None, calls).predicted_max_batches_per_s == pytest.approx(200)


def test_a_parallel_interleave_reads_several_inputs_at_once() -> None:
    found = pipeline(
        [
            node(1, "Root", 2, elements=10),
            node(2, "Batch", 3, elements=10),
            node(3, "ParallelInterleaveV4", 4, elements=100, parallelism=5),
            node(4, "Map", 5, ms=600, elements=100),
            node(5, "TFRecord", ms=400, elements=100),
        ]
    )
    # 60 + 40 ms for a batch in one reader; five readers.
    assert found.predicted_max_batches_per_s == pytest.approx(50)
    assert bottleneck(found).op == "Map"
    assert bottleneck(found).max_batches_per_s == pytest.approx(5 / 0.060)


def test_the_branches_of_a_zip_run_one_after_another() -> None:
    found = pipeline(
        [
            node(1, "Root", 2, elements=10),
            node(2, "Zip", 3, 5, ms=100, elements=10),
            node(3, "Map", 4, ms=200, elements=10),
            node(4, "Range", elements=10),
            node(5, "TextLine", ms=700, elements=10),
        ]
    )
    assert [stage.parent for stage in found.stages] == [None, 0, 1, 0]
    assert found.predicted_max_batches_per_s == pytest.approx(10)
    assert bottleneck(found).op == "TextLine"


def test_time_is_shown_for_a_batch_and_for_one_of_its_elements() -> None:
    found = pipeline(
        [
            node(1, "Root", 2, elements=10),
            node(2, "Batch", 3, ms=10, elements=10),
            node(3, "Map", 4, ms=640, elements=320),
        ]
    )
    stage = found.stages[1]
    assert stage.self_s == pytest.approx(0.064)
    assert (stage.elements_per_batch, stage.element_s) == (32, pytest.approx(0.002))
    assert stage.self_source == "model"


def test_a_fused_stage_is_named_after_the_call_that_runs_the_users_function() -> None:
    calls = [
        call(1, "range", name="gt_1_range"),
        call(2, "map", name="gt_2_map", inputs=(1,), line=7, map_func={"function": "decode"}),
        call(3, "batch", name="gt_3_batch", inputs=(2,), line=9, batch_size=32),
    ]
    trace = tree(
        traced(1, "Root"),
        traced(2, "MapAndBatch", 1, "gt_2_map", "gt_3_batch"),
        traced(3, "Range", 2, "gt_1_range"),
    )
    stage = pipeline([], trace, calls).stages[0]
    assert stage.label == ".map(decode)"
    assert stage.site is not None and stage.site.line == 7
    assert stage.calls == (".map(decode)", ".batch(32)")


MODEL = [
    node(1, "Root", 2, elements=10),
    node(2, "Batch", 3, ms=10, elements=10),
    node(3, "Map", 4, ms=20, elements=100),
    node(4, "Range", elements=100),
]


def seen_in_trace(sleep_ms: float, count: int = 50) -> tuple[str, float | None]:
    trace = tree(
        traced(1, "Root", None, count=5),
        traced(2, "Batch", 1, count=5),
        traced(3, "Map", 2, count=count, ms=sleep_ms * count),
        traced(4, "Range", 3, count=count),
        asked=5,
    )
    stage = pipeline(MODEL, trace).stages[1]
    return stage.self_source, stage.self_s


def test_a_sleep_in_c_plus_plus_that_only_the_trace_sees_is_taken_from_there() -> None:
    # The model: 2 ms a batch of ten. The trace: 5 ms an element.
    assert seen_in_trace(5.0) == ("trace", pytest.approx(0.05))


def test_a_stage_that_runs_ahead_in_the_trace_is_counted_per_element() -> None:
    assert seen_in_trace(5.0, count=80) == ("trace", pytest.approx(0.05))


def test_what_tracing_adds_is_not_believed() -> None:
    just_below = 0.2 * TRACE_SEES_MORE * 0.99
    assert seen_in_trace(just_below) == ("model", pytest.approx(0.002))
    assert seen_in_trace(just_below * 1.02)[0] == "trace"


@pytest.mark.parametrize(("element_us", "source"), [(4, "model"), (6, "trace")])
def test_a_few_microseconds_more_are_not_worth_believing_the_trace(
    element_us: int, source: str
) -> None:
    # 5 µs a batch of ten in the model; 40 and 60 µs in the trace.
    nodes = [*MODEL[:2], node(3, "Map", 4, ms=0.05, elements=100), MODEL[3]]
    trace = tree(
        traced(1, "Root", None, count=5),
        traced(2, "Batch", 1, count=5),
        traced(3, "Map", 2, count=50, ms=0.05 * element_us),
        traced(4, "Range", 3, count=50),
        asked=5,
    )
    assert pipeline(nodes, trace).stages[1].self_source == source


def test_without_a_model_the_trace_alone_is_used() -> None:
    trace = tree(
        traced(1, "Root", None, count=10),
        traced(2, "Prefetch", 1, count=10),
        traced(3, "MapAndBatch", 2, count=10, ms=300, parallelism=6, autotune=True),
        traced(4, "Range", 3, count=320, ms=16),
        asked=10,
    )
    found = pipeline([], trace)
    assert [s.self_source for s in found.stages] == ["", "trace", "trace"]
    assert (found.stages[1].parallelism, found.stages[1].parallelism_autotuned) == (6, True)
    assert found.stages[2].elements_per_batch == 32
    assert bottleneck(found).op == "MapAndBatch"
    assert found.predicted_max_batches_per_s == pytest.approx(200)


def test_python_seen_in_the_trace_counts_like_python_in_the_call() -> None:
    trace = tree(
        traced(1, "Root", None, count=10),
        traced(2, "ParallelMapV2", 1, count=10, ms=300, python=True, parallelism=8),
    )
    found = pipeline([], trace)
    assert found.stages[0].python
    assert found.predicted_max_batches_per_s == pytest.approx(1 / 0.03)


def test_a_buffer_has_its_fill_and_its_limit() -> None:
    found = pipeline(
        [
            node(1, "Root", 2, elements=10),
            node(2, "Prefetch", 3, elements=10, buffered=3, buffer_size=8),
            node(3, "Range", elements=10, buffered=0),
        ]
    )
    stage = found.stages[0]
    assert (stage.buffer_elements, stage.buffer_limit, stage.buffer_autotuned) == (3, 8, True)
    assert (found.stages[1].buffer_elements, found.stages[1].buffer_limit) == (None, None)


def test_a_pipeline_of_which_no_time_is_known_has_no_bottleneck() -> None:
    found = pipeline([node(1, "Root", 2), node(2, "Range")])
    assert (found.bottleneck, found.predicted_max_batches_per_s) == (None, None)
    assert [stage.max_batches_per_s for stage in found.stages] == [None]
    assert pipeline([]).stages == ()
