"""TensorFlow's memory figures, from a stand-in for TensorFlow on a GPU."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gputune.inject import device_memory
from gputune.inject.device_memory import DeviceMemory
from gputune.session import events
from tests.unit.inject.watching import MemoryLog

MIB = 2**20


class Tensor:
    """An array with what a tensor tells of its shape."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.shape = Shape(array.shape)

    def __getitem__(self, item: Any) -> Tensor:
        return Tensor(self.array[item])


class Shape(tuple):
    @property
    def rank(self) -> int:
        return len(self)


class Held:
    """Gives one batch for ever."""

    def __init__(self, batch: tuple[Tensor, ...], spec: tuple[Shape, ...]) -> None:
        self.batch = batch
        self.element_spec = tuple(SimpleNamespace(shape=s) for s in spec)

    def get_next(self) -> tuple[Tensor, ...]:
        return self.batch

    __next__ = get_next


class TF:
    """A machine with GPUs, whose memory is `fixed` and `each` bytes for a sample."""

    def __init__(self, gpus: int = 1, *, limits: list[int | None] | None = None) -> None:
        self.info = {f"GPU:{i}": {"current": 0, "peak": 0} for i in range(gpus)}
        self.resets: list[str] = []
        self.fixed, self.each = 1000, 10
        physical = [f"physical {i}" for i in range(gpus)]
        self.limits = limits or [None] * gpus
        self.config = SimpleNamespace(
            list_logical_devices=lambda _: physical,
            get_visible_devices=lambda _: physical,
            get_logical_device_configuration=self._configuration,
            experimental=SimpleNamespace(
                get_memory_info=lambda device: dict(self.info[device]),
                reset_memory_stats=self._reset,
                get_memory_growth=lambda device: device == "physical 0",
            ),
        )
        self.test = SimpleNamespace(experimental=SimpleNamespace(sync_devices=lambda: None))
        self.nest = SimpleNamespace(
            flatten=lambda x, expand_composites=False: list(x),
            map_structure=lambda function, x: tuple(map(function, x)),
        )
        self.data = SimpleNamespace(Dataset=SimpleNamespace(from_tensors=self._dataset))

    def is_tensor(self, thing: Any) -> bool:
        return isinstance(thing, Tensor)

    def train(self, iterator: Held) -> None:
        size = iterator.get_next()[0].shape[0]
        self.info["GPU:0"]["peak"] = max(self.info["GPU:0"]["peak"], self.fixed + self.each * size)

    def _dataset(self, batch: tuple[Tensor, ...]) -> Any:
        return SimpleNamespace(repeat=lambda: Endless(Held(batch, ())))

    def _configuration(self, device: str) -> list[Any] | None:
        limit = self.limits[int(device.split()[1])]
        return None if limit is None else [SimpleNamespace(memory_limit=limit)]

    def _reset(self, device: str) -> None:
        self.resets.append(device)
        self.info[device]["peak"] = self.info[device]["current"]


class Endless:
    """A dataset whose iterator is the held batch."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def __iter__(self) -> Held:
        return self._held


def stepper(tf: TF, **more: Any) -> Any:
    return SimpleNamespace(
        **{"can_call_aside": True, "fetches_in_python": False, "iterator": None,
           "call_aside": tf.train, **more}
    )  # fmt: skip


def memory(tf: TF, *, may_reset: bool = True) -> tuple[DeviceMemory, MemoryLog]:
    log = MemoryLog()
    record = SimpleNamespace(write=log.write)
    return DeviceMemory(tf, record, may_reset=may_reset), log  # type: ignore[arg-type]


def batch(size: int) -> tuple[Tensor, ...]:
    return Tensor(np.zeros((size, 3), "float32")), Tensor(np.zeros(size, "int64"))


def test_without_a_gpu_nothing_is_asked_for() -> None:
    tf = TF(0)
    tf.config.get_visible_devices = pytest.fail
    found, log = memory(tf)
    found.begin()
    found.read()
    found.two_sizes(stepper(tf), None, compiled=False, first_call_s=1.0)
    assert log.events == []


def test_the_peak_is_that_of_the_clean_phase() -> None:
    tf = TF(2, limits=[None, 2048])
    tf.info["GPU:0"] = {"current": 100, "peak": 900}
    found, log = memory(tf)
    found.begin()
    assert tf.resets == ["GPU:0", "GPU:1"]
    tf.info["GPU:0"] = {"current": 120, "peak": 400}
    found.read()
    (event,) = log.of(events.DEVICE_MEMORY)
    assert event["peak_since"] == "clean phase"
    assert event["devices"] == [
        {"index": 0, "current_bytes": 120, "peak_bytes": 400, "limit_bytes": None, "growth": True},
        {"index": 1, "current_bytes": 0, "peak_bytes": 0, "limit_bytes": 2048 * MIB,
         "growth": False},
    ]  # fmt: skip


def test_a_script_that_goes_on_keeps_its_own_peak() -> None:
    tf = TF()
    tf.info["GPU:0"]["peak"] = 900
    found, log = memory(tf, may_reset=False)
    found.begin()
    found.read()
    assert tf.resets == []
    (event,) = log.of(events.DEVICE_MEMORY)
    assert (event["peak_since"], event["devices"][0]["peak_bytes"]) == ("start", 900)


def test_growth_may_be_forced_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    tf = TF(2)
    found, log = memory(tf)
    found.read()
    (event,) = log.of(events.DEVICE_MEMORY)
    assert [device["growth"] for device in event["devices"]] == [True, True]


def test_half_of_the_batch_and_all_of_it_are_trained_on_and_their_peaks_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tf = TF()
    tf.info["GPU:0"]["peak"] = 10**9
    held = Held(batch(8), (Shape((None, 3)), Shape((None,))))
    monkeypatch.setattr(
        device_memory, "hold", lambda tf, iterator, cut: Held(cut, (Shape((None, 3)),))
    )
    found, log = memory(tf)
    found.two_sizes(stepper(tf), held, compiled=False, first_call_s=60.0)
    (event,) = log.of(events.BATCH_MEMORY)
    assert event == {
        "event": events.BATCH_MEMORY, "points": [[4, 1040], [8, 1080]], "reason": "",
    }  # fmt: skip


@pytest.mark.parametrize(("compiled", "size"), [(True, None), (False, 8)])
def test_no_step_is_traced_or_compiled_anew_that_took_long_the_first_time(
    compiled: bool, size: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tf = TF()
    held = Held(batch(8), (Shape((size, 3)), Shape((size,))))
    monkeypatch.setattr(device_memory, "hold", lambda tf, iterator, cut: Held(cut, ()))
    found, log = memory(tf)
    found.two_sizes(stepper(tf), held, compiled=compiled, first_call_s=25.0)
    found.two_sizes(stepper(tf), held, compiled=compiled, first_call_s=2.0)
    slow, quick = log.of(events.BATCH_MEMORY)
    assert slow["points"] == []
    assert "took 25 s" in slow["reason"]
    assert [size for size, _ in quick["points"]] == [4, 8]


@pytest.mark.parametrize(
    ("gpus", "more", "size", "why"),
    [
        (2, {}, 8, "several GPUs"),
        (1, {"can_call_aside": False}, 8, "no batch of another size"),
        (1, {"fetches_in_python": True}, 8, "no batch of another size"),
        (1, {}, 1, "cut in halves"),
    ],
)
def test_where_no_other_size_can_be_tried_the_reason_is_kept(
    gpus: int, more: dict[str, Any], size: int, why: str
) -> None:
    tf = TF(gpus)
    held = Held(batch(size), (Shape((None, 3)), Shape((None,))))
    found, log = memory(tf)
    found.two_sizes(stepper(tf, **more), held, compiled=False, first_call_s=1.0)
    (event,) = log.of(events.BATCH_MEMORY)
    assert event["points"] == []
    assert why in event["reason"]


def test_a_model_that_takes_one_size_only_is_a_reason_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def train(_: Any) -> None:
        raise ValueError("the batch must be 8")

    tf = TF()
    monkeypatch.setattr(device_memory, "hold", lambda tf, iterator, cut: Held(cut, ()))
    held = Held(batch(8), (Shape((None, 3)), Shape((None,))))
    found, log = memory(tf)
    found.two_sizes(stepper(tf, call_aside=train), held, compiled=False, first_call_s=1.0)
    (event,) = log.of(events.BATCH_MEMORY)
    assert event["reason"] == "a batch of half the size failed: ValueError"
