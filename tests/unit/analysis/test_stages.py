from __future__ import annotations

import pytest

from gputune.analysis.stages import Joined, model_nodes
from tests.unit.analysis.joined import joined, traced, tree
from tests.unit.analysis.synthetic import call, node


def methods(stages: list[Joined]) -> list[tuple[str, list[str]]]:
    return [(stage.op, [c["method"] for c in stage.calls]) for stage in stages]


def test_a_stage_gets_the_call_whose_name_the_trace_shows() -> None:
    calls = [
        call(1, "from_tensor_slices", name="gt_1_from_tensor_slices"),
        call(2, "map", name="gt_2_map", inputs=(1,), line=7),
        call(3, "prefetch", name="mine", inputs=(2,)),
    ]
    trace = tree(
        traced(1, "Root"),
        traced(2, "Prefetch", 1, "mine"),
        traced(3, "ParallelMapV2", 2, "gt_2_map"),
        traced(4, "TensorSlice", 3, "gt_1_from_tensor_slices"),
    )
    stages = joined([], trace, calls)
    assert methods(stages) == [
        ("Prefetch", ["prefetch"]),
        ("ParallelMapV2", ["map"]),
        ("TensorSlice", ["from_tensor_slices"]),
    ]
    assert [stage.parent for stage in stages] == [None, 0, 1]


def test_a_fused_stage_gets_both_calls() -> None:
    calls = [
        call(1, "range", name="gt_1_range"),
        call(2, "map", name="gt_2_map", inputs=(1,)),
        call(3, "batch", name="gt_3_batch", inputs=(2,)),
    ]
    trace = tree(
        traced(1, "Root"),
        traced(2, "MapAndBatch", 1, "gt_2_map", "gt_3_batch"),
        traced(3, "Range", 2, "gt_1_range"),
    )
    assert methods(joined([], trace, calls)) == [
        ("MapAndBatch", ["map", "batch"]),
        ("Range", ["range"]),
    ]


def test_a_nameless_stage_between_two_named_ones_gets_the_call_between_them() -> None:
    calls = [
        call(1, "range", name="gt_1_range"),
        call(2, "map", name="gt_2_map", inputs=(1,)),
        call(3, "apply", inputs=(2,), transformation_func={"function": "dense_to_ragged"}),
        call(4, "batch", name="gt_4_batch", inputs=(3,)),
    ]
    trace = tree(
        traced(1, "Root"),
        traced(2, "Batch", 1, "gt_4_batch"),
        traced(3, "DenseToRaggedBatch", 2),
        traced(4, "Map", 3, "gt_2_map"),
        traced(5, "Range", 4, "gt_1_range"),
    )
    assert methods(joined([], trace, calls))[1] == ("DenseToRaggedBatch", ["apply"])


def test_a_nameless_stage_between_calls_that_follow_each_other_gets_none() -> None:
    calls = [call(1, "range", name="gt_1_range"), call(2, "map", name="gt_2_map", inputs=(1,))]
    trace = tree(
        traced(1, "Root"),
        traced(2, "Map", 1, "gt_2_map"),
        traced(3, "MaxIntraOpParallelism", 2),
        traced(4, "Range", 3, "gt_1_range"),
    )
    assert methods(joined([], trace, calls))[1] == ("MaxIntraOpParallelism", [])


def test_what_tensorflow_put_in_gets_no_call() -> None:
    calls = [call(1, "range", name="gt_1_range"), call(2, "apply", inputs=(1,))]
    trace = tree(
        traced(1, "Root"),
        traced(2, "Prefetch", 1, "inject/prefetch_9", injected=True),
        traced(3, "Range", 2, "gt_1_range"),
    )
    stages = joined([], trace, calls)
    assert (stages[0].injected, stages[0].calls) == (True, [])


def test_the_model_is_joined_to_the_trace_by_operation_and_place() -> None:
    nodes = [
        node(1, "Root", 2, elements=5),
        node(2, "Prefetch", 3, elements=5, buffer_size=8),
        node(3, "ParallelMapV2", 4, elements=5, parallelism=2),
        node(4, "TensorSlice", elements=5),
    ]
    trace = tree(
        traced(1, "Root"),
        traced(2, "Prefetch", 1),
        traced(3, "ParallelMapV3", 2),
        traced(4, "TensorSlice", 3),
    )
    stages = joined(nodes, trace)
    assert [stage.model.id if stage.model else None for stage in stages] == [2, 3, 4]


def test_the_branches_of_a_zip_are_told_apart_by_their_operations() -> None:
    nodes = [
        node(1, "Root", 2),
        node(2, "Zip", 3, 4),
        node(3, "Range"),
        node(4, "TensorSlice"),
    ]
    trace = tree(
        traced(1, "Root"), traced(2, "Zip", 1), traced(3, "TensorSlice", 2), traced(4, "Range", 2)
    )
    stages = joined(nodes, trace)
    assert [(s.op, s.parent, s.model.id if s.model else None) for s in stages] == [
        ("Zip", None, 2),
        ("TensorSlice", 0, 4),
        ("Range", 0, 3),
    ]


def test_without_a_trace_the_calls_are_laid_along_the_model_by_kind() -> None:
    calls = [
        call(1, "range"),
        call(2, "shuffle", inputs=(1,)),
        call(3, "map", inputs=(2,)),
        call(4, "batch", inputs=(3,)),
        call(5, "prefetch", inputs=(4,)),
    ]
    nodes = [
        node(1, "Root", 2),
        node(2, "Prefetch", 3),
        node(3, "MapAndBatchV2", 4),
        node(4, "ShuffleV3", 5),
        node(5, "Range"),
    ]
    assert methods(joined(nodes, None, calls)) == [
        ("Prefetch", ["prefetch"]),
        ("MapAndBatchV2", ["batch", "map"]),
        ("ShuffleV3", ["shuffle"]),
        ("Range", ["range"]),
    ]


def test_without_a_trace_the_second_of_two_maps_is_not_the_first() -> None:
    calls = [
        call(1, "range"),
        call(2, "map", inputs=(1,), line=2),
        call(3, "map", inputs=(2,), line=3),
    ]
    nodes = [node(1, "Map", 2), node(2, "Map", 3), node(3, "Range")]
    lines = [[c["site"]["line"] for c in stage.calls] for stage in joined(nodes, None, calls)]
    assert lines == [[3], [2], [1]]


def test_a_trace_that_caught_no_stage_is_none() -> None:
    nodes = [node(1, "Root", 2), node(2, "Map", 3), node(3, "Range")]
    calls = [call(1, "range"), call(2, "map", inputs=(1,))]
    assert methods(joined(nodes, tree(traced(1, "Root")), calls)) == [
        ("Map", ["map"]),
        ("Range", ["range"]),
    ]


def test_without_model_and_trace_there_are_no_stages() -> None:
    assert joined([], None) == []


def test_the_models_totals_are_those_of_the_clean_phase() -> None:
    begin = {"phase": "begin", "iterator": 7, "nodes": [node(1, "Map", ms=100, elements=10)]}
    end = {"phase": "end", "iterator": 7, "nodes": [node(1, "Map", ms=400, elements=60)]}
    (found,) = model_nodes([begin, end])
    assert (found.self_s, found.elements) == (pytest.approx(0.3), 50)


@pytest.mark.parametrize(("iterator", "before"), [(8, 10), (7, 90)])
def test_a_new_iterator_counts_from_its_own_beginning(iterator: int, before: int) -> None:
    """Its number is another one, or (numbers are used again) its totals have fallen."""
    begin = {"phase": "begin", "iterator": 7, "nodes": [node(1, "Map", ms=100, elements=before)]}
    end = {"phase": "end", "iterator": iterator, "nodes": [node(1, "Map", ms=400, elements=60)]}
    (found,) = model_nodes([begin, end])
    assert (found.self_s, found.elements) == (pytest.approx(0.4), 60)


def test_a_run_cut_off_in_the_clean_phase_has_the_first_model() -> None:
    begin = {"phase": "begin", "iterator": 7, "nodes": [node(1, "Map", ms=100, elements=10)]}
    (found,) = model_nodes([begin])
    assert (found.self_s, found.elements) == (pytest.approx(0.1), 10)
    assert model_nodes([]) == []
