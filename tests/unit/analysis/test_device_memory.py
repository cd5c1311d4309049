from __future__ import annotations

from typing import Any

import pytest

from gputune.analysis.device_memory import (
    ESTIMATED,
    NO_LIMIT,
    NOT_TOLD,
    device_memory_records,
    estimated_limit,
    grows_by,
    largest_batch,
)
from gputune.schema.gpu import Gpu

GIB, MIB = 2**30, 2**20


def device(index: int = 0, *, limit: int | None = 10 * GIB) -> dict[str, Any]:
    return {
        "index": index, "current_bytes": GIB, "peak_bytes": 4 * GIB, "limit_bytes": limit,
        "growth": False,
    }  # fmt: skip


def event(*devices: dict[str, Any]) -> dict[str, Any]:
    return {"peak_since": "clean phase", "devices": list(devices)}


def sizes(*points: tuple[int, int], reason: str = "") -> dict[str, Any]:
    return {"points": [list(point) for point in points], "reason": reason}


def test_head_room_is_what_the_limit_leaves_above_the_peak() -> None:
    (found,), reasons = device_memory_records(
        event(device()), sizes(reason="no time"), (), missing="ended"
    )
    assert (found.current_bytes, found.peak_bytes, found.peak_since) == (
        GIB,
        4 * GIB,
        "clean phase",
    )
    assert (found.limit_bytes, found.limit_source) == (10 * GIB, "configured")
    assert found.head_room_bytes == 6 * GIB
    assert found.growth is False
    assert found.reserved_bytes is None
    assert reasons["reserved_bytes"] == NOT_TOLD
    assert reasons["predicted_max_batch_size"] == "no time"


def test_two_batch_sizes_give_the_largest_that_fits() -> None:
    # 1 GiB without a batch and 96 MiB a sample: 9 GiB above that hold 96 samples.
    points = (16, GIB + 16 * 96 * MIB), (32, GIB + 32 * 96 * MIB)
    (found,), reasons = device_memory_records(event(device()), sizes(*points), (), missing="")
    assert found.batch_bytes_per_sample == 96 * MIB
    assert found.predicted_max_batch_size == 96
    assert "batch_bytes_per_sample" not in reasons


def test_the_prediction_never_goes_over_the_limit() -> None:
    line, _ = grows_by([(8, 180), (4, 140)], "")
    assert line == (100.0, 10.0)
    assert [largest_batch(line, limit) for limit in (200, 199, 90)] == [10, 9, 0]


@pytest.mark.parametrize("points", [[(4, 140), (8, 140)], [(4, 140), (8, 120)]])
def test_a_peak_that_does_not_grow_is_not_the_batch(points: list[tuple[int, int]]) -> None:
    line, why = grows_by(points, "unused")
    assert line is None
    assert "not the batch" in why


def test_one_point_or_none_is_no_line() -> None:
    assert grows_by([], "no time") == (None, "no time")
    assert grows_by([(4, 140)], "it failed") == (None, "it failed")


def test_without_an_event_there_is_a_reason_and_nothing_else() -> None:
    assert device_memory_records(None, None, (), missing="no GPU") == ((), {"": "no GPU"})


def gpu(capability: str | None, total: int | None, others: int = 0) -> Gpu:
    return Gpu(
        index=0, name="GPU", compute_capability=capability, memory_total_bytes=total,
        other_processes_bytes=others,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("capability", "reserve"),
    [("6.1", 500), ("7.0", 1050), ("7.5", 1050), ("8.0", 1536), ("8.9", 1536), ("9.0", 1800),
     ("10.0", 1800)],
)  # fmt: skip
def test_where_none_is_configured_the_limit_follows_tensorflows_rule(
    capability: str, reserve: int
) -> None:
    assert estimated_limit(gpu(capability, 40 * GIB)) == 40 * GIB - reserve * MIB
    assert estimated_limit(gpu(capability, 40 * GIB, 10 * GIB)) == 30 * GIB - reserve * MIB
    assert estimated_limit(gpu(capability, GIB)) == GIB - 225 * MIB


def test_an_estimate_says_so_and_where_nothing_is_known_there_is_none() -> None:
    given = event(device(limit=None), device(1, limit=None))
    points = sizes((4, 2 * GIB), (8, 3 * GIB))
    (first, second), reasons = device_memory_records(
        given, points, (gpu("8.0", 40 * GIB),), missing=""
    )
    assert first.limit_source == ESTIMATED
    assert first.head_room_bytes == 36 * GIB - 1536 * MIB
    assert first.predicted_max_batch_size is not None
    assert (second.limit_bytes, second.head_room_bytes) == (None, None)
    assert reasons["limit_bytes"] == NO_LIMIT

    (unknown,), reasons = device_memory_records(
        event(device(limit=None)), points, (gpu(None, None),), missing=""
    )
    assert unknown.batch_bytes_per_sample == GIB / 4
    assert unknown.predicted_max_batch_size is None
    assert reasons["predicted_max_batch_size"] == NO_LIMIT
