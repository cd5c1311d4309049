from __future__ import annotations

import random
import time
from typing import Any

import numpy as np
import pytest

from gputune.inject import repeats
from gputune.inject.digest import digest
from gputune.inject.repeats import FEWEST_ELEMENTS, MOST_ELEMENTS, look
from gputune.session import events
from tests.unit.inject.pipelines import TF, Recorded, Tensor, numbers, shuffled, slow_numbers


class Record:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def write(self, event: str, **fields: Any) -> None:
        self.events.append({"event": event, **fields})

    def unavailable(self, metric: str, reason: str) -> None:
        self.write("unavailable", metric=metric, reason=reason)


def looked(recorded: Recorded) -> dict[int, dict[str, Any]]:
    record = Record()
    look(TF, recorded, record, len(recorded.calls))  # type: ignore[arg-type]
    assert {event["event"] for event in record.events} <= {events.REPETITION}
    return {event["call"]: event for event in record.events}


def decode(x: Any) -> Any:
    return np.float64(x) ** 2


def augment(x: Any) -> Any:
    return x + augment.__dict__["stream"].random()


def wild(x: Any) -> Any:
    return x + random.random()


def chain(count: int = 1000, source: str = "from_tensor_slices") -> Recorded:
    return Recorded(source, numbers(count))


def test_a_function_of_its_input_alone_repeats_in_order() -> None:
    found = looked(chain().then("map", None, decode))[2]
    assert (found["repeats"], found["in_order"]) == (True, True)
    assert found["elements"] == MOST_ELEMENTS - 1
    assert (found["element_bytes"], found["elements_all"]) == (8.0, 1000)
    assert found["reason"] == "" and found["per_element"] is True


def test_behind_a_shuffle_it_repeats_in_another_order() -> None:
    source = numbers(1000)
    recorded = chain().then("shuffle", shuffled(source), buffer_size=9).then("map", None, decode)
    found = looked(recorded)[3]
    assert (found["repeats"], found["in_order"]) == (True, False)


def test_a_shuffle_of_one_order_keeps_it() -> None:
    recorded = chain().then("shuffle", None, reshuffle_each_iteration=False)
    assert looked(recorded.then("map", None, decode))[3]["in_order"] is True


@pytest.mark.parametrize("function", [augment, wild], ids=["seed begins anew", "no seed"])
def test_random_functions_do_not_repeat_even_with_a_seed(function: Any) -> None:
    found = looked(chain().then("map", None, function).then("map", None, decode))
    assert found[2]["elements"] > FEWEST_ELEMENTS and not found[2]["repeats"]
    assert found[3]["elements"] == 0
    assert found[3]["reason"] == "it stands behind a stage that does not repeat"


def test_a_function_that_names_something_random_is_not_run() -> None:
    def forbidden(x: Any) -> Any:
        raise AssertionError

    recorded = chain().then("map", None, decode).then("map", None, forbidden, random=True)
    found = looked(recorded.then("map", None, decode))
    assert found[2]["repeats"] is True
    assert found[3]["reason"] == "its function names something random"
    assert "behind a stage with something random" in found[4]["reason"]


def test_what_has_effects_is_not_touched_nor_what_stands_behind_it() -> None:
    why = "it runs Python code, which may have effects of its own"
    recorded = chain().then("map", None, decode).then("map", None, decode, hazard=why)
    found = looked(recorded.then("map", None, decode))
    assert found[2]["repeats"] is True
    assert found[3]["reason"] == why
    assert found[4]["reason"] == f"a stage above it must not be run again: {why}"


@pytest.mark.parametrize(
    ("recorded", "reason"),
    [
        (Recorded("from_generator", None, hazard="it runs Python"), "must not be run again"),
        (Recorded("choose_me", None), "was not recorded"),
        (Recorded("from_tensor_slices", numbers(3)), "only 3 elements"),
        (
            Recorded("from_tensor_slices", TF.data.Dataset.from_tensor_slices([b"s3://b/f"] * 99)),
            "over the network",
        ),
    ],
    ids=["generator", "unknown", "too few", "network"],
)
def test_where_the_source_forbids_it_the_reason_is_given(recorded: Recorded, reason: str) -> None:
    (found,) = looked(recorded.then("map", None, decode)).values()
    assert reason in found["reason"] and found["elements"] == 0 and not found["repeats"]


def test_batches_behind_a_shuffle_are_others_each_time() -> None:
    shuffle = chain().then("shuffle", None).then("batch", None, batch_size=4)
    found = looked(shuffle.then("map", None, decode))[4]
    assert found["elements"] == 0 and "a shuffle stands above .batch(…)" in found["reason"]
    plain = looked(chain().then("batch", None, batch_size=4).then("map", None, decode))[3]
    assert (plain["repeats"], plain["per_element"], plain["elements_all"]) == (True, False, 250)


def test_what_a_cache_holds_already_is_not_looked_at() -> None:
    recorded = chain().then("map", None, decode).then("cache", None, filename="")
    found = looked(recorded.then("map", None, decode))
    assert list(found) == [4] and found[4]["repeats"] is True


def test_files_in_random_order_are_taken_in_one_order() -> None:
    def records(name: Any) -> list[bytes]:
        return [name + bytes([i]) for i in range(64)]

    files = shuffled(TF.data.Dataset.from_tensor_slices([b"a", b"b", b"c"]))
    recorded = Recorded("list_files", files).then("flat_map", None, records)
    found = looked(recorded)[2]
    assert (found["repeats"], found["in_order"], found["elements_all"]) == (True, False, 192)


def test_a_call_that_cannot_be_made_again_is_replaced_by_the_living_dataset() -> None:
    recorded = chain().then("apply", numbers(500)).then("map", None, decode)
    assert looked(recorded)[3]["elements_all"] == 500
    shuffle = chain().then("shuffle", None).then("apply", numbers(500)).then("map", None, decode)
    assert ".apply(…) cannot be made again" in looked(shuffle)[4]["reason"]


def test_datasets_that_come_together_are_taken_as_they_are() -> None:
    def zipped(second: str) -> Recorded:
        recorded = chain()
        recorded.then(second, None, inputs=() if second == "range" else (1,))
        recorded.then("zip", numbers(500), inputs=(1, 2))
        return recorded.then("map", None, decode)

    assert looked(zipped("range"))[4]["repeats"] is True
    assert "a shuffle stands above .zip(…)" in looked(zipped("shuffle"))[4]["reason"]


def test_few_elements_are_no_proof() -> None:
    found = looked(chain(FEWEST_ELEMENTS).then("map", None, decode))[2]
    assert found["elements"] == 0 and found["reason"] == "it has only 8 elements"
    found = looked(chain(FEWEST_ELEMENTS + 1).then("map", None, decode))[2]
    assert (found["elements"], found["repeats"], found["elements_all"]) == (8, True, 9)


def test_a_slow_input_is_left_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "LONGEST_S", 0.2)
    monkeypatch.setattr(repeats, "GRACE_S", 0.1)
    began = time.perf_counter()
    recorded = Recorded("from_tensor_slices", slow_numbers(9, 5.0)).then("map", None, decode)
    (found,) = looked(recorded).values()
    assert time.perf_counter() - began < 2.0
    assert found["reason"] == "the time for looking was over"


def test_a_function_that_fails_is_a_reason() -> None:
    def fails(x: Any) -> Any:
        raise ValueError("a broken file")

    (found,) = looked(chain().then("map", None, fails)).values()
    assert found["reason"] == "an element could not be made: ValueError"


def test_a_function_that_is_gone_is_a_reason() -> None:
    (found,) = looked(chain().then("map", numbers(9))).values()
    assert found["reason"] == "its function is no longer there"


def test_nothing_is_written_where_there_is_no_dataset() -> None:
    record = Record()
    look(TF, None, record, 1)  # type: ignore[arg-type]
    look(TF, chain(), record, None)  # type: ignore[arg-type]
    look(TF, chain(), record, 99)  # type: ignore[arg-type]
    assert record.events == []


def test_looking_never_raises() -> None:
    class Broken:
        def living(self) -> Any:
            raise RuntimeError

    record = Record()
    look(TF, Broken(), record, 1)  # type: ignore[arg-type]
    assert record.events[0]["metric"] == "repetitions"


def test_the_hash_is_of_all_bytes_shapes_and_types() -> None:
    def of(value: Any) -> Any:
        return digest(TF, Tensor(value))  # type: ignore[arg-type]

    assert of(np.zeros(4, "f4")) == of(np.zeros(4, "f4"))
    assert of(np.zeros(4, "f4"))[1] == 16
    others = [
        np.zeros(4, "i4"), np.zeros((2, 2), "f4"), np.array([0, 0, 0, 1], "f4"), b"", b"a",
        np.array([b"a", b"bc"], dtype=object), np.array([b"ab", b"c"], dtype=object),
    ]  # fmt: skip
    hashes = [of(value)[0] for value in [np.zeros(4, "f4"), *others]]
    assert len(set(hashes)) == len(hashes)
    assert of(np.array([b"a", b"bc"], dtype=object))[1] == 3 + 2 * 24
