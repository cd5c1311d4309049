"""GPM with a stand-in for pynvml: which samples are compared, and what is made of the answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from gputune.sensors.gpm import NO_GPM, NOT_BEFORE_HOPPER, Gpm, open_gpm
from gputune.sensors.nvml_devices import Device
from gputune.sensors.nvml_errors import NO_PERMISSION, NOT_SUPPORTED, OLD_DRIVER, Asker
from gputune.sensors.visible import Physical
from tests.unit.sensors import fake_nvml
from tests.unit.sensors.fake_nvml import FakeNvml, refuse

MIB = 2**20
OWN = ("sm_active_percent", "sm_occupancy_percent", "tensor_active_percent", "dram_active_percent")
DEVICE = Device(
    physical=Physical(index=0, names=()), handle="GPU", chip="GPU", name="Fake", uuid=None
)
INSTANCE = Device(
    physical=Physical(index=None, names=()), handle="MIG", chip="GPU", name="Fake", uuid=None,
    mig=True, gpu_instance=7,
)  # fmt: skip


class Counters:
    """A driver whose samples are numbered boxes, and whose answers are by metric number."""

    def __init__(self, answers: dict[int, float | int]) -> None:
        self.answers = answers
        self.boxes = 0
        self.taken: dict[int, int] = {}
        self.compared: list[tuple[int, int]] = []
        self.freed: list[int] = []
        self.at = 0

    def alloc(self) -> int:
        self.boxes += 1
        return self.boxes

    def take(self, *arguments: Any) -> None:
        self.at += 1
        self.taken[arguments[-1]] = self.at

    def ask(self, question: Any) -> Any:
        self.compared.append((self.taken[question.sample1], self.taken[question.sample2]))
        for metric in question.metrics[: question.numMetrics]:
            answer = self.answers.get(metric.metricId)
            metric.nvmlReturn = 3 if answer is None else 0
            metric.value = answer or 0.0
        return question

    def nvml(self, **other: Callable[..., Any]) -> FakeNvml:
        made = FakeNvml(
            **{
                "nvmlGpmQueryDeviceSupport": lambda h: SimpleNamespace(isSupportedDevice=1),
                "nvmlDeviceGetCudaComputeCapability": lambda h: (9, 0),
                "nvmlGpmSampleAlloc": self.alloc,
                "nvmlGpmSampleGet": self.take,
                "nvmlGpmMigSampleGet": self.take,
                "nvmlGpmMetricsGet": self.ask,
                "nvmlGpmSampleFree": self.freed.append,
                "c_nvmlGpmMetricsGet_t": lambda: SimpleNamespace(
                    metrics=[SimpleNamespace(metricId=0, nvmlReturn=0, value=0.0) for _ in range(9)]
                ),
                **other,
            }
        )
        for name in dir(pynvml):
            if name.startswith("NVML_GPM_"):
                setattr(made, name, getattr(pynvml, name))
        return made


ALL = {2: 45.0, 3: 30.0, 5: 20.0, 10: 15.0, 20: 100.0, 21: 700.0}


def opened(counters: Counters, device: Device = DEVICE, **other: Any) -> tuple[Gpm, Asker, Any]:
    asker = Asker(mig=device.mig)
    nvml = counters.nvml(**other)
    gpm = open_gpm(nvml, 0, device, asker)
    assert gpm is not None
    return gpm, asker, nvml


def test_each_reading_is_the_mean_since_the_one_before() -> None:
    counters = Counters(dict(ALL))
    gpm, asker, _ = opened(counters)
    assert gpm.read() == []
    first, second = gpm.read(), gpm.read()
    assert counters.compared == [(1, 2), (2, 3)]
    assert {one.metric: one.point.value for one in first} == {
        **dict(zip(OWN, (45, 30, 20, 15), strict=True)),
        "pcie_tx_bytes_per_s": 100 * MIB,
        "pcie_rx_bytes_per_s": 700 * MIB,
    }
    since, t = first[0].point.since, first[0].point.t
    assert since is not None
    assert since < t == second[0].point.since
    assert (asker.reasons, gpm.pcie) == ({}, True)


def test_a_metric_that_fails_is_missing_alone() -> None:
    gpm, asker, _ = opened(Counters({2: 45.0, 5: math.nan, 10: 15.0, 20: 1.0}))
    gpm.read()
    assert {one.metric for one in gpm.read()} == {
        "sm_active_percent", "dram_active_percent", "pcie_tx_bytes_per_s",
    }  # fmt: skip
    assert asker.reasons == dict.fromkeys(
        ("sm_occupancy_percent", "pcie_rx_bytes_per_s"), NOT_SUPPORTED
    )
    assert not gpm.pcie


def test_an_instance_is_asked_for_through_its_gpu() -> None:
    counters = Counters(dict(ALL))
    gpm, _, nvml = opened(counters, INSTANCE)
    gpm.read()
    assert nvml.calls[-1] == ("nvmlGpmMigSampleGet", "GPU", 7, 2)


def test_without_permission_all_is_missing_and_not_asked_again() -> None:
    counters = Counters(dict(ALL))
    refused = refuse(fake_nvml.NVMLError_NoPermission)
    gpm, asker, nvml = opened(counters, nvmlGpmSampleGet=refused)
    assert [gpm.read() for _ in range(3)] == [[], [], []]
    assert nvml.called("nvmlGpmSampleGet") == 1
    assert {asker.reasons[metric] for metric in OWN} == {NO_PERMISSION}
    assert not gpm.pcie


def test_the_samples_memory_is_given_back_once() -> None:
    counters = Counters(dict(ALL))
    gpm, _, _ = opened(counters)
    gpm.read()
    gpm.close()
    gpm.close()
    assert sorted(counters.freed) == [1, 2]
    assert gpm.read() == []


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (
            {
                "nvmlGpmQueryDeviceSupport": lambda h: SimpleNamespace(isSupportedDevice=0),
                "nvmlDeviceGetCudaComputeCapability": lambda h: (8, 6),
            },
            NOT_BEFORE_HOPPER,
        ),
        (
            {"nvmlGpmQueryDeviceSupport": lambda h: SimpleNamespace(isSupportedDevice=0)},
            NO_GPM,
        ),
        (
            {"nvmlGpmQueryDeviceSupport": refuse(fake_nvml.NVMLError_FunctionNotFound)},
            OLD_DRIVER,
        ),
        (
            {
                "nvmlGpmQueryDeviceSupport": refuse(fake_nvml.NVMLError_FunctionNotFound),
                "nvmlDeviceGetCudaComputeCapability": lambda h: (7, 0),
            },
            NOT_BEFORE_HOPPER,
        ),
    ],
)
def test_without_gpm_the_reason_is_the_card_s_or_the_driver_s(
    other: dict[str, Callable[..., Any]], reason: str
) -> None:
    asker = Asker()
    assert open_gpm(Counters({}).nvml(**other), 0, DEVICE, asker) is None
    assert {asker.reasons[metric] for metric in OWN} == {reason}
