"""Settings that a script applies itself, in a process without TensorFlow: what is said when."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

import gputune
from gputune import inject
from gputune.inject import own
from gputune.inject.own import Own, machine_at_hand
from gputune.knobs import declaring
from gputune.schema.config import Setting, Value


@pytest.fixture(autouse=True)
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process in which nothing has happened, and that is put back afterwards."""
    monkeypatch.setattr(declaring, "_answer", None)
    monkeypatch.setattr(declaring, "_asked", {})
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(own.os, "register_at_fork", lambda **_: None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    for name in ("TF_GPU_THREAD_MODE", "TF_FORCE_GPU_ALLOW_GROWTH"):
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    yield
    for name in set(os.environ) - set(before):
        del os.environ[name]


def said(**settings: Value) -> list[str]:
    lines: list[str] = []
    made = Own([Setting(knob=n.replace("__", "."), value=v) for n, v in settings.items()],
               lines.append)  # fmt: skip
    made.put_in()
    return lines


def test_a_declared_knob_is_in_force_from_then_on() -> None:
    assert said(knob__width=128) == []
    assert gputune.knob("width", 64) == 128


def test_a_knob_that_the_script_has_asked_for_is_too_late() -> None:
    assert gputune.knob("width", 64) == 64
    (line,) = said(knob__width=128)
    assert line.startswith("knob.width: not in force: too late") and "apply() above it" in line
    assert gputune.knob("width", 64) == 64


def test_what_this_machine_cannot_have_is_said_and_left_out() -> None:
    lines = said(memory_growth="growth", mixed_precision="mixed_float16", jit_compile=False)
    assert [line.partition(":")[0] for line in lines] == ["memory_growth", "mixed_precision"]
    assert all("not in force: no NVIDIA GPU is seen" in line for line in lines)
    assert "TF_FORCE_GPU_ALLOW_GROWTH" not in os.environ


def test_environment_variables_are_set_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "machine_at_hand", lambda: own.Machine(gpus=1))
    assert said(gpu_thread_mode="gpu_private") == []
    assert os.environ["TF_GPU_THREAD_MODE"] == "gpu_private"


def test_a_gpu_that_is_taken_is_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow raises RuntimeError for a device that it has initialized."""

    def taken(*_: object) -> None:
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    config = SimpleNamespace(
        list_physical_devices=lambda _: ["GPU:0"],
        experimental=SimpleNamespace(get_memory_growth=lambda _: False, set_memory_growth=taken),
    )
    monkeypatch.setattr(own, "machine_at_hand", lambda: own.Machine(gpus=1))
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(config=config))
    monkeypatch.setattr(inject, "edits_of", lambda _: {})
    (line,) = said(memory_growth="growth")
    assert "too late: TensorFlow has started on the GPU" in line
    assert "TF_FORCE_GPU_ALLOW_GROWTH" not in os.environ


def test_layers_that_were_built_are_too_late_for_a_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    class Layer:
        pass

    keras = SimpleNamespace(layers=SimpleNamespace(Layer=Layer))
    monkeypatch.setitem(sys.modules, "keras", keras)
    monkeypatch.setattr(inject, "edits_of", lambda _: {})
    assert said(mixed_precision="float32") == []
    built = Layer()
    built.name = "dense"  # type: ignore[attr-defined]
    (line,) = said(mixed_precision="float32")
    assert "too late: the script has built layers" in line


def test_under_gputune_its_own_settings_go_over_these(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = SimpleNamespace(
        options=SimpleNamespace(settings=(Setting(knob="gpu_thread_mode", value="global"),))
    )
    monkeypatch.setattr(own, "machine_at_hand", lambda: own.Machine(gpus=1))
    monkeypatch.setattr(inject, "_watch", watched)
    assert said(gpu_thread_mode="gpu_private") == []
    assert "TF_GPU_THREAD_MODE" not in os.environ


@pytest.mark.parametrize(("visible", "gpus"), [("", 0), ("-1", 0), (" ", 0)])
def test_hidden_gpus_are_none(visible: str, gpus: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(own.os.path, "exists", lambda _: True)
    assert machine_at_hand().gpus == gpus
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert machine_at_hand().gpus == 1
