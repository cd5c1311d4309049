from __future__ import annotations

from typing import Any

import pytest

from gputune.analysis.settings import settings_in_force
from gputune.schema.config import Setting
from tests.unit.analysis.synthetic import call

BEGIN = {
    "site": {"file": "/work/train.py", "line": 40},
    "batch_size": 16,
    "steps_per_execution": 4,
    "jit_compile": False,
    "run_eagerly": True,
    "precision": "mixed_float16",
}


def found(*calls: dict[str, Any]) -> dict[str, Setting]:
    return {setting.knob: setting for setting in settings_in_force(BEGIN, calls)}


def test_compile_and_fit_are_listed_without_any_pipeline() -> None:
    settings = found()
    assert {knob: setting.value for knob, setting in settings.items()} == {
        "batch_size": 16,
        "steps_per_execution": 4,
        "jit_compile": False,
        "run_eagerly": True,
        "mixed_precision": "mixed_float16",
    }
    site = settings["batch_size"].site
    assert site is not None and site.line == 40


def test_a_call_sets_its_knob_at_its_line() -> None:
    prefetch = found(call(1, "prefetch", line=7, buffer_size=3))["prefetch"]
    assert prefetch.value == 3
    assert prefetch.site is not None and prefetch.site.label() == "train.py:7"


@pytest.mark.parametrize("method", ["prefetch", "shuffle"])
def test_minus_one_is_autotune(method: str) -> None:
    settings = found(call(1, method, buffer_size=-1))
    assert "AUTOTUNE" in [setting.value for setting in settings.values()]


def test_a_knob_that_the_call_leaves_to_tensorflow_is_listed_as_not_set() -> None:
    setting = found(call(1, "map", map_func={"function": "decode"}))["num_parallel_calls"]
    assert setting.value is None
    assert setting.note == ".map(decode): not set"


def test_deterministic_is_listed_only_where_it_is_given() -> None:
    assert "deterministic" not in found(call(1, "map"))
    assert found(call(1, "map", deterministic=False))["deterministic"].value is False


def test_the_batch_of_the_pipeline_stands_for_that_of_fit() -> None:
    settings = settings_in_force(BEGIN, [call(1, "batch", batch_size=64)])
    assert [s.value for s in settings if s.knob == "batch_size"] == [64]


def test_a_cache_says_where_it_is() -> None:
    assert found(call(1, "cache"))["cache"].value == "memory"
    assert found(call(1, "cache", filename="/tmp/c"))["cache"].value == "file"


def test_options_are_listed_by_name() -> None:
    options = {"deterministic": False, "threading.private_threadpool_size": 4}
    settings = found(call(1, "with_options", options=options))
    assert settings["options.deterministic"].value is False
    assert settings["options.threading.private_threadpool_size"].value == 4


def test_what_a_library_calls_is_not_the_users_setting() -> None:
    assert "prefetch" not in found(call(1, "prefetch", direct=False, buffer_size=2))
