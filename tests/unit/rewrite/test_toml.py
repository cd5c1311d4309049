from __future__ import annotations

import math
import tomllib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from gputune.rewrite.toml import config_to_toml
from gputune.schema.config import Config, Setting, Value
from tests.unit.rewrite import configs


def parsed(config: Config) -> dict[str, Any]:
    return tomllib.loads(config_to_toml(config))


def line_of(key: str, text: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith(f"{key} = ")]
    return line


def test_the_file_holds_the_settings_by_what_they_concern() -> None:
    assert parsed(configs.proposed()) == {
        "schema": "gputune.config",
        "version": 1,
        "script": "photos.py",
        "measured": False,
        "tf_data": {
            "prefetch": "AUTOTUNE",
            "private_threadpool": 16,
            "call": [
                {
                    "file": configs.FILE,
                    "line": 32,
                    "code": "train_ds = train_ds.map(decode)",
                    "num_parallel_calls": "AUTOTUNE",
                    "deterministic": False,
                    "was": {"num_parallel_calls": 1, "deterministic": True},
                }
            ],
        },
        "policy": {
            "mixed_precision": "mixed_float16",
            "memory_growth": "growth",
            "steps_per_execution": 8,
            "was": {
                "mixed_precision": "float32",
                "memory_growth": "default",
                "steps_per_execution": 1,
            },
        },
    }


def test_a_setting_says_what_it_was_where_and_why() -> None:
    text = config_to_toml(configs.proposed())
    expected = 'num_parallel_calls = "AUTOTUNE"  # was 1, photos.py:32: serial'
    assert line_of("num_parallel_calls", text) == expected
    assert line_of("memory_growth", text) == 'memory_growth = "growth"  # was default'
    assert line_of("prefetch", text).endswith("# was not set: the model waits for its input")


def test_the_head_says_on_what_the_settings_stand() -> None:
    text = config_to_toml(configs.proposed())
    assert "# Proposed by rules, not yet measured.\n" in text
    assert "# - 29.8 ms of 41.9 ms are spent waiting.\n" in text
    measured = config_to_toml(replace(configs.proposed(), measured=True))
    assert "not yet measured" not in measured and tomllib.loads(measured)["measured"] is True


def test_both_tables_are_there_without_any_setting() -> None:
    body = parsed(Config(script="photos.py"))
    assert body["tf_data"] == {} and body["policy"] == {}


def test_one_helper_called_from_two_lines_gives_two_calls() -> None:
    twice = tuple(
        Setting(knob="num_parallel_calls", value=n, site=configs.site(32, called_from=line))
        for n, line in ((2, 50), (4, 60))
    )
    calls = parsed(Config(script="photos.py", tf_data=twice))["tf_data"]["call"]
    assert [(call["called_from"], call["num_parallel_calls"]) for call in calls] == [
        ([{"file": configs.FILE, "line": 50}], 2),
        ([{"file": configs.FILE, "line": 60}], 4),
    ]


def test_two_calls_in_one_line_keep_their_own_values() -> None:
    both = tuple(Setting(knob="num_parallel_calls", value=n, site=configs.site(32)) for n in (2, 4))
    calls = parsed(Config(script="photos.py", tf_data=both))["tf_data"]["call"]
    assert [call["num_parallel_calls"] for call in calls] == [2, 4]


def test_what_toml_cannot_hold_stands_as_a_comment() -> None:
    config = Config(
        script="photos.py",
        policy=(
            Setting(knob="jit_compile", value=None, was=True),
            Setting(knob="batch_size", value=32),
            Setting(knob="batch_size", value=64, was=32, note="second"),
        ),
    )
    assert parsed(config)["policy"] == {"batch_size": 32}
    text = config_to_toml(config)
    assert "# jit_compile: leave it unset (was true)" in text
    assert "# batch_size = 64 has no place here (was 32: second)" in text


@pytest.mark.parametrize("name", ["call", "file"])
def test_a_knob_named_like_our_own_keys_does_not_break_the_file(name: str) -> None:
    config = Config(
        script="photos.py",
        tf_data=(
            Setting(knob=name, value=1),
            Setting(knob=name, value=2, site=configs.site(1)),
        ),
    )
    assert len(parsed(config)["tf_data"]["call"]) == 1


def written(text: str) -> str:
    """A string as UTF-8 can hold it: a lone surrogate is spelled out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def expected(value: Value) -> Value:
    return written(value) if isinstance(value, str) else value


def same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    return type(left) is type(right) and left == right


@given(configs.configs)
def test_any_config_reads_back_with_the_same_values(config: Config) -> None:
    text = config_to_toml(config)
    body = tomllib.loads(text.encode("utf-8").decode("utf-8"))
    assert body["script"] == written(config.script)
    assert body["measured"] is config.measured
    assert set(body) == {"schema", "version", "script", "measured", "tf_data", "policy"}

    for table, settings in (("tf_data", config.tf_data), ("policy", config.policy)):
        first: dict[str, Value] = {}
        for setting in settings:
            known = setting.knob in ("call", "was")
            if setting.value is not None and setting.site is None and not known:
                first.setdefault(written(setting.knob), setting.value)
        alone = {k: v for k, v in body[table].items() if k not in ("call", "was")}
        assert list(alone) == list(first)
        assert all(same(alone[knob], expected(value)) for knob, value in first.items())
        _all_calls_are_there(body[table].get("call", []), settings)


def _all_calls_are_there(listed: list[dict[str, Any]], settings: tuple[Setting, ...]) -> None:
    ours = {"file", "line", "code", "stage", "called_from", "was"}
    calls = [
        (call["file"], call["line"], knob, value)
        for call in listed
        for knob, value in call.items()
        if knob not in ours
    ]
    asked = [
        (written(setting.site.file), setting.site.line, written(setting.knob), setting.value)
        for setting in settings
        if setting.site is not None and setting.value is not None and setting.knob not in ours
    ]
    assert len(calls) == len(asked)
    for file, line, knob, value in asked:
        assert any(
            call[:3] == (file, line, knob) and same(call[3], expected(value)) for call in calls
        )
