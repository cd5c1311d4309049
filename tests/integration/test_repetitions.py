"""Which stages of real pipelines are seen to repeat, and which are not touched."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.running import SCRIPTS, python

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

Events = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Events:
    done = python(SCRIPTS / "repetitions.py", cwd=tmp_path_factory.mktemp("repetitions"))
    assert done.exit_code == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def repeats(found: Events, name: str) -> list[bool]:
    return [event["repeats"] for event in found[name]]


def reasons(found: Events, name: str) -> list[str]:
    return [event["reason"] for event in found[name]]


def test_a_stage_that_repeats_is_counted_and_weighed(found: Events) -> None:
    (event,) = found["plain"]
    assert (event["repeats"], event["in_order"], event["reason"]) == (True, True, "")
    assert (event["elements"], event["elements_all"]) == (255, 300)
    # Two strings with 24 bytes each beside their characters, and two floats.
    assert 2 * 24 + 8 + 2 * 3 <= event["element_bytes"] <= 2 * 24 + 8 + 2 * 12
    assert event["memory_available_bytes"] > 1e6


def test_behind_a_shuffle_the_elements_repeat_in_another_order(found: Events) -> None:
    (event,) = found["shuffled"]
    assert (event["repeats"], event["in_order"]) == (True, False)


def test_a_seeded_random_function_is_not_taken_for_repetition(found: Events) -> None:
    assert reasons(found, "seeded")[0] == "its function names something random"
    assert found["hidden"][0]["elements"] > 0
    assert repeats(found, "hidden") == [False]


def test_a_function_with_a_state_does_not_repeat(found: Events) -> None:
    assert found["variable"][0]["elements"] > 0
    assert repeats(found, "variable") == [False]


def test_records_of_files_in_random_order_repeat(found: Events) -> None:
    read, upper = found["records"]
    assert (read["repeats"], upper["repeats"], upper["in_order"]) == (True, True, False)
    assert (read["elements_all"], upper["elements_all"]) == (120, 120)


@pytest.mark.parametrize(
    ("name", "why"),
    [("generator", "Python code"), ("numpy", "Python code"), ("file cache", "file cache")],
)
def test_what_has_effects_of_its_own_is_not_touched(found: Events, name: str, why: str) -> None:
    assert all(why in reason for reason in reasons(found, name))
    assert all(event["elements"] == 0 for event in found[name])


def test_ragged_and_sparse_elements_count_by_their_parts(found: Events) -> None:
    (event,) = found["batched"]
    assert (event["repeats"], event["per_element"], event["elements_all"]) == (True, False, 75)


def test_functions_are_found_though_nobody_but_the_dataset_holds_them(found: Events) -> None:
    assert repeats(found, "weak") == [True, True, True]


def test_datasets_that_come_together_and_keras_own_are_looked_at(found: Events) -> None:
    assert repeats(found, "zip") == [True]
    assert found["keras files"][-1]["repeats"] is True
    assert repeats(found, "window") == [True]
