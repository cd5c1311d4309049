"""The pipelines as they ran."""

from __future__ import annotations

import sys

import pytest

from gputune.trace.host_ops import step_windows
from gputune.trace.iterators import IteratorNode, IteratorTree, dataset_names, iterator_forest
from tests.fixtures.xplane_writer import Ref, Writer
from tests.unit.trace.traces import real


def only(name: str) -> IteratorTree:
    (tree,) = iterator_forest(real(name))
    return tree


def shape(tree: IteratorTree) -> list[tuple[int, str, tuple[str, ...]]]:
    return [(len(node.path), node.op, node.names) for node in tree.nodes]


def stage(tree: IteratorTree, name: str) -> IteratorNode:
    return next(node for node in tree.nodes if name in node.names)


def test_a_fused_stage_names_both_calls() -> None:
    tree = only("fused_map_batch")
    assert shape(tree) == [
        (1, "Root", ()),
        (2, "MapAndBatch", ("gt_3_map", "gt_4_batch")),
        (3, "Shuffle", ("gt_2_shuffle",)),
        (4, "TensorSlice", ("gt_1_slices",)),
    ]
    fused = tree.nodes[1]
    assert tree.get_next_count == 3
    assert (fused.count, stage(tree, "gt_2_shuffle").count) == (3, 24)  # batches of 8
    assert (fused.stats["batch_size"], fused.stats["autotune"]) == (8, True)
    assert (fused.function_count, fused.python, fused.asynchronous) == (24, False, True)
    assert fused.self_s == fused.function_s


def test_the_iterators_of_files_and_epochs_are_one_stage_and_branches_are_not() -> None:
    tree = only("interleave_zip_cache")
    assert shape(tree)[2:] == [
        (3, "MapAndBatch", ("gt_9_map", "gt_10_batch")),
        (4, "Zip", ("gt_8_zip",)),
        (5, "ParallelInterleaveV4", ("gt_4_interleave",)),
        (6, "Map", ("gt_3_cast",)),
        (7, "Range", ("gt_2_inner",)),
        (5, "ForeverRepeat", ("gt_7_repeat",)),
        (6, "MemoryCache", ("gt_6_cache",)),
        (7, "MemoryCacheImpl", ("gt_6_cache",)),
    ]
    assert stage(tree, "gt_3_cast").instances == 3  # cycle_length
    assert stage(tree, "gt_3_cast").count == 12
    zipped = stage(tree, "gt_8_zip")
    assert [node.op for node in tree.children(zipped)] == ["ParallelInterleaveV4", "ForeverRepeat"]


@pytest.mark.parametrize(
    ("name", "op"),
    [
        ("from_generator", "Generator"),
        ("numpy_function", "MapAndBatch"),
        ("pydataset", "Generator"),
    ],
)
def test_the_stage_that_runs_python_is_marked_and_no_other(name: str, op: str) -> None:
    tree = only(name)
    assert [node.op for node in tree.nodes if node.python] == [op]


def test_a_prefetch_that_tensorflow_put_in_is_marked() -> None:
    tree = only("from_generator")
    (injected,) = (node for node in tree.nodes if node.injected)
    assert (injected.op, injected.path) == ("Prefetch", ("Root", "Prefetch"))
    assert injected.self_s is None  # it only waits


def test_datasets_that_tensorflow_or_keras_named_have_no_names() -> None:
    tree = only("numpy_fit")
    assert len(tree.nodes) > 5
    assert all(node.names == () and not node.injected for node in tree.nodes)


def test_a_sleep_of_2_ms_is_the_stage_that_takes_the_time() -> None:
    tree = only("slow_source")
    sleep = next(node for node in tree.nodes if node.op == "Sleep")
    assert sleep.exclusive_s / sleep.count >= 0.002
    others = [node.self_s or 0.0 for node in tree.nodes if node is not sleep]
    assert sum(others) < 0.05 * sleep.exclusive_s


def test_parallel_functions_that_start_on_other_threads_are_found() -> None:
    tree = only("other_functions")
    mapped, kept = stage(tree, "gt_2_map"), stage(tree, "gt_3_filter")
    assert (mapped.op, mapped.function_count) == ("ParallelMapV2", 12)
    assert (kept.op, kept.function_count) == ("Filter", 12)
    # A sequential stage's own event holds the run of its function.
    assert 0 < kept.function_s < kept.exclusive_s


def host(*events: tuple[str, int, int, dict[str, object]], thread: str = "t") -> Writer:
    writer = Writer()
    line = writer.plane("/host:CPU").line(thread)
    for name, start, end, stats in events:
        line.event(name, start, end, **stats)
    return writer


def test_exclusive_time_leaves_out_the_iterators_nested_on_the_same_thread() -> None:
    writer = host(
        ("Iterator::Root", 0, 1000, {"id": 1, "name": Ref("mine")}),
        ("Iterator::Root::Map", 100, 900, {"id": 2, "parent_id": 1, "name": Ref("gt_2_map")}),
        ("Iterator::Root::Map::Range", 200, 300, {"id": 3, "parent_id": 2, "name": "gt_1"}),
        ("Iterator::Root::Map::Range", 300, 450, {"id": 3, "parent_id": 2, "name": "gt_1"}),
    )
    (tree,) = iterator_forest(writer.trace())
    assert [(node.op, node.total_s, node.exclusive_s, node.count) for node in tree.nodes] == [
        ("Root", 1000e-9, 200e-9, 1),
        ("Map", 800e-9, 550e-9, 1),
        ("Range", 250e-9, 250e-9, 2),
    ]


def test_stages_that_never_returned_in_the_trace_are_named_by_their_children() -> None:
    path = "Iterator::Root::Prefetch"
    writer = host(
        ("Iterator::Root", 0, 10, {"id": 1, "name": "p"}),
        (path, 0, 9, {"id": 2, "parent_id": 1, "name": "p"}),
        # MapAndBatch (id 3) and Zip (id 4) were busy from before the trace until after it.
        (f"{path}::MapAndBatch::Zip[0]::Range", 20, 30, {"id": 5, "parent_id": 4, "name": "gt_1"}),
        (f"{path}::MapAndBatch::Zip[1]::Range", 30, 40, {"id": 6, "parent_id": 4, "name": "gt_2"}),
    )
    (tree,) = iterator_forest(writer.trace())
    assert [(node.path[-1], node.count) for node in tree.nodes] == [
        ("Root", 1),
        ("Prefetch", 1),
        ("MapAndBatch", 0),
        ("Zip", 0),
        ("Range", 1),
        ("Range", 1),
    ]
    assert tree.nodes[-1].path == ("Root", "Prefetch", "MapAndBatch", "Zip", "Range")


def test_one_dataset_in_both_branches_of_a_zip_is_two_stages() -> None:
    twice = {"parent_id": 1, "name": "gt_1_range"}
    writer = host(
        ("Iterator::Zip", 0, 10, {"id": 1, "name": "gt_2_zip"}),
        ("Iterator::Zip[0]::Range", 1, 2, {"id": 2, **twice}),
        ("Iterator::Zip[1]::Range", 3, 4, {"id": 3, **twice}),
    )
    (tree,) = iterator_forest(writer.trace())
    assert [(node.op, node.id) for node in tree.nodes] == [("Zip", 1), ("Range", 2), ("Range", 3)]


def test_several_pipelines_are_a_forest_and_windows_say_which_one_trains() -> None:
    writer = host(
        ("gputune_step", 0, 100, {"step_num": 7}),
        ("Iterator::Root", 10, 20, {"id": 1, "name": "train"}),
        *(("Iterator::Root", 200 + at, 201 + at, {"id": 9, "name": "val"}) for at in range(5)),
    )
    trace = writer.trace()
    assert [(tree.root.id, tree.get_next_count) for tree in iterator_forest(trace)] == [
        (9, 5),
        (1, 1),
    ]
    windows = tuple(window.interval for window in step_windows(trace))
    assert [
        (tree.root.id, tree.get_next_count) for tree in iterator_forest(trace, windows=windows)
    ] == [(1, 1), (9, 0)]


def test_old_traces_without_a_root_have_their_first_stage_as_root() -> None:
    writer = host(
        ("Iterator::Prefetch", 0, 9, {"id": 2}),
        ("Iterator::Prefetch::Generator", 1, 5, {"id": 3, "parent_id": 2}),
    )
    (tree,) = iterator_forest(writer.trace())
    assert [node.path for node in tree.nodes] == [("Prefetch",), ("Prefetch", "Generator")]


def test_a_trace_without_iterators_has_no_pipelines() -> None:
    assert iterator_forest(host().trace()) == ()
    assert iterator_forest(Writer().trace_of_planes("Task Environment")) == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gt_1_map", ("gt_1_map",)),
        ("fused(gt_4_map,gt_5_batch)", ("gt_4_map", "gt_5_batch")),
        ("fused(fused(a,b),c)", ("a", "b", "c")),
        ("fused(load (x, y),b)", ("load (x, y)", "b")),
        ("fused(MapDataset:3,gt_5_batch)", ("gt_5_batch",)),
        ("PrefetchDataset:10", ()),
        ("ParallelMapDatasetV2:7", ()),
        ("", ()),
        ("inject/prefetch_BatchDatasetV2/_5", ("inject/prefetch_BatchDatasetV2/_5",)),
        ("my dataset", ("my dataset",)),
    ],
)
def test_dataset_names(name: str, expected: tuple[str, ...]) -> None:
    assert dataset_names(name) == expected


def test_no_tensorflow_was_imported() -> None:
    assert "tensorflow" not in sys.modules
