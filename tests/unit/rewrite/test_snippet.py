from __future__ import annotations

import ast
import os
import sys
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import pytest
from hypothesis import HealthCheck, given, settings

from gputune.report.literal import literal
from gputune.rewrite.snippet import config_to_snippet
from gputune.schema.config import Config, Setting, Value
from tests.unit.rewrite import configs


@pytest.fixture
def tf(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    """TensorFlow, as far as a snippet goes: it records what is done to it."""
    fake = MagicMock()
    fake.data.AUTOTUNE = -1
    monkeypatch.setitem(sys.modules, "tensorflow", fake)
    return fake


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    fake = MagicMock()
    monkeypatch.setitem(sys.modules, "keras", fake)
    return fake


def run(config: Config) -> dict[str, Any]:
    """Run the snippet as the file that it may be saved to, and return its names."""
    names: dict[str, Any] = {}
    exec(compile(config_to_snippet(config).encode("utf-8"), "snippet.py", "exec"), names)
    return names


def of(knob: str, value: Value, code: str | None = None) -> Config:
    where = None if code is None else configs.site(32, code)
    return Config(script="photos.py", tf_data=(Setting(knob=knob, value=value, site=where),))


def test_policy_is_set_by_running_the_snippet(tf: MagicMock, keras: MagicMock) -> None:
    tf.config.list_physical_devices.return_value = ["GPU:0", "GPU:1"]
    run(configs.proposed())
    keras.config.set_dtype_policy.assert_called_once_with("mixed_float16")
    grown = [call.args for call in tf.config.experimental.set_memory_growth.call_args_list]
    assert grown == [("GPU:0", True), ("GPU:1", True)]


def test_finish_ends_a_pipeline_with_options_and_then_prefetch(
    tf: MagicMock, keras: MagicMock
) -> None:
    dataset = MagicMock()
    finished = run(configs.proposed())["finish"](dataset)
    options = tf.data.Options.return_value
    assert options.threading.private_threadpool_size == 16
    dataset.with_options.assert_called_once_with(options)
    dataset.with_options.return_value.prefetch.assert_called_once_with(-1)
    assert finished is dataset.with_options.return_value.prefetch.return_value


@pytest.mark.parametrize(("value", "depth"), [("AUTOTUNE", -1), (-1, -1), (4, 4)])
def test_prefetch_takes_autotune_or_a_depth(tf: MagicMock, value: Value, depth: int) -> None:
    dataset = MagicMock()
    run(of("prefetch", value))["finish"](dataset)
    dataset.prefetch.assert_called_once_with(depth)


@pytest.mark.parametrize(
    ("knob", "value", "variables"),
    [
        ("memory_growth", "cuda_malloc_async", {"TF_GPU_ALLOCATOR": "cuda_malloc_async",
                                                "TF_FORCE_GPU_ALLOW_GROWTH": "true"}),
        ("gpu_thread_mode", "gpu_private:4", {"TF_GPU_THREAD_MODE": "gpu_private",
                                              "TF_GPU_THREAD_COUNT": "4"}),
    ],
)  # fmt: skip
def test_what_tensorflow_reads_from_the_environment_is_set_there(
    knob: str, value: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in variables:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    run(of(knob, value))
    assert {name: os.environ.get(name) for name in variables} == variables


def test_a_prefetch_to_the_device_ends_the_pipeline(tf: MagicMock) -> None:
    dataset = MagicMock()
    run(of("prefetch", "device", "ds = ds.batch(32)"))["finish"](dataset)
    tf.data.experimental.prefetch_to_device.assert_called_once_with("GPU:0")
    dataset.apply.assert_called_once_with(tf.data.experimental.prefetch_to_device.return_value)
    there = config_to_snippet(of("prefetch", "device", "ds = ds.prefetch(2)"))
    assert "take .prefetch out" in there and "def finish" not in there


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ds = f.interleave(read)",
         ".interleave(read, cycle_length=8, num_parallel_calls=tf.data.AUTOTUNE)"),
        ("ds = f.interleave(read, num_parallel_calls=2)",
         ".interleave(read, num_parallel_calls=2, cycle_length=8)"),
        ("ds = f.interleave(read, 2, 1, 4)", ".interleave(read, 8, 1, 4)"),
        ("ds = f.interleave(", "set cycle_length=8, num_parallel_calls=tf.data.AUTOTUNE in:"),
        (None, "add cycle_length=8, num_parallel_calls=tf.data.AUTOTUNE"),
    ],
)  # fmt: skip
def test_files_of_an_interleave_are_read_in_parallel(code: str | None, said: str) -> None:
    assert said in config_to_snippet(of("interleave", 8, code))


def test_order_is_an_option_where_it_concerns_no_single_call(tf: MagicMock) -> None:
    run(of("deterministic", False))["finish"](MagicMock())
    assert tf.data.Options.return_value.deterministic is False


def test_what_belongs_into_a_call_is_shown_at_its_line() -> None:
    text = config_to_snippet(configs.proposed())
    call = ".map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=False)"
    assert f"# photos.py:32: {call}\n" in text
    assert "#   num_parallel_calls: was 1: serial\n" in text
    assert "# model.compile(...): add steps_per_execution=8\n" in text


def test_a_prefetch_that_is_in_the_code_is_changed_there_and_not_added_again() -> None:
    text = config_to_snippet(of("prefetch", 8, "ds = ds.prefetch(1)"))
    assert "# photos.py:32: .prefetch(8)\n" in text
    assert "def finish" not in text


@pytest.mark.parametrize(
    ("knob", "value", "said"),
    [
        ("batch_size", 64, "the last .batch(...) before the model, or model.fit(...): add"),
        ("jit_compile", True, "# model.compile(...): add jit_compile=True"),
        ("jit_compile", "auto", "# model.compile(...): add jit_compile='auto'"),
        ("cache", "memory", "# cache: .cache() after the last step"),
        ("cache", "/tmp/it's", '# cache: .cache("/tmp/it\'s") after the last step'),
        ("cache", False, "# cache: take .cache out"),
        ("cache", "none", "# cache: take .cache out"),
        ("prefetch", "none", "# prefetch: take .prefetch out"),
        ("interleave", 8, "# every .interleave(...): add cycle_length=8"),
        ("learning_rate", 0.2, "# learning_rate = 0.2"),
        ("prefetch", None, "# prefetch: leave it unset"),
        ("mixed_precision", "float8", "# mixed_precision = float8"),
        ("warp_drive", 9, "# warp_drive = 9 (was not set)"),
    ],
)
def test_what_no_statement_can_set_is_said_in_a_comment(knob: str, value: Value, said: str) -> None:
    text = config_to_snippet(of(knob, value))
    assert said in text
    assert not ast.parse(text).body


def test_the_snippet_imports_no_more_than_it_uses(tf: MagicMock) -> None:
    text = config_to_snippet(
        Config(
            script="photos.py",
            tf_data=(Setting(knob="prefetch", value=2, note="keras.fit waits"),),
        )
    )
    imported = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import)]
    assert imported == []
    run(of("prefetch", "AUTOTUNE"))


def test_the_evidence_and_whether_it_was_measured_head_the_snippet() -> None:
    text = config_to_snippet(configs.proposed())
    assert "# Proposed by rules, not yet measured.\n" in text
    assert "# - The pipeline has no .prefetch.\n" in text
    assert text.index("# - The pipeline") < text.index("import keras")


@given(configs.configs)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_config_gives_python_that_runs_and_names_every_knob(config: Config) -> None:
    text = config_to_snippet(config)
    tree = ast.parse(text.encode("utf-8"))
    # Nothing of the config can become a statement of another kind than ours.
    kinds = {type(node) for node in tree.body}
    assert kinds <= {ast.Import, ast.Assign, ast.For, ast.Expr, ast.FunctionDef}
    words = " ".join(text.replace("#", " ").split())
    for setting in (*config.tf_data, *config.policy):
        assert " ".join(literal(setting.knob).replace("#", " ").split()) in words
    names: dict[str, Any] = {}
    fakes: dict[str, ModuleType | MagicMock] = {"tensorflow": MagicMock(), "keras": MagicMock()}
    with pytest.MonkeyPatch.context() as patch:
        for name, fake in fakes.items():
            patch.setitem(sys.modules, name, fake)
        exec(compile(tree, "snippet.py", "exec"), names)
        if "finish" in names:
            names["finish"](MagicMock())


def test_two_calls_of_one_line_are_shown_each_with_its_own_arguments() -> None:
    """Both `.map` and `.batch` take `num_parallel_calls`: the stage says which is meant."""
    here = configs.site(7, "ds = ds.map(widen).batch(32, drop_remainder=True)")
    map_, batch = ".map(widen)", ".batch(32)"
    text = config_to_snippet(
        Config(
            script="train.py",
            tf_data=(
                Setting(knob="num_parallel_calls", value=3, site=here, stage=map_),
                Setting(knob="batch_size", value=16, site=here, stage=batch),
                Setting(knob="deterministic", value=False, site=here, stage=map_),
                Setting(knob="cache", value="memory", site=here, stage=map_),
            ),
        )
    )
    assert "# photos.py:7: .map(widen, num_parallel_calls=3, deterministic=False)\n" in text
    assert "# photos.py:7: .batch(16, drop_remainder=True)\n" in text
    assert "# photos.py:7: cache: .cache() behind .map(widen): after the last step" in text


def test_an_option_at_the_line_that_ends_a_pipeline_is_the_pipelines() -> None:
    here = configs.site(9, "ds = ds.batch(32)")
    setting = Setting(knob="deterministic", value=False, site=here, stage=".batch(32)")
    text = config_to_snippet(Config(script="train.py", tf_data=(setting,)))
    assert "    options.deterministic = False\n" in text
    assert ".batch(32, deterministic" not in text


def test_a_declared_knob_is_shown_as_its_declaration() -> None:
    knobs = (Setting(knob="knob.width", value=24, was=8), Setting(knob="knob.kind", value="a"))
    text = config_to_snippet(Config(script="train.py", knobs=knobs))
    assert '# gputune.knob("width", 24) (was 8)\n' in text
    assert "# gputune.knob(\"kind\", 'a') (was not set)\n" in text
