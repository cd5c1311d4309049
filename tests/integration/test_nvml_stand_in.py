"""The stand-in for NVIDIA's driver: the real pynvml, in a process of its own, reads it right.

What the other tests conclude from a scenario stands on this: that the scenario is what pynvml says.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pynvml
import pytest

from tests.fakes import nvml
from tests.fakes.nvml import Fail, FakeGpu, FakeProcess, Lost, Scenario, Slow, scenarios, steps
from tests.fakes.nvml.building import VARIABLE
from tests.fakes.nvml.scenario import FIGURES
from tests.fakes.nvml.scenarios import ALL, GIB, H100

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not nvml.has_compiler(), reason=nvml.NO_COMPILER),
]

TIMEOUT_S = 30
# What every question begins with. A moment is time.perf_counter(); `timed` says between which two
# the answer was given.
BEGIN = """
import json, os, sys, time
import pynvml as nv

def error(function, *arguments):
    try:
        function(*arguments)
    except (nv.NVMLError, nv.NVMLLibraryMismatchError) as problem:
        return type(problem).__name__
    return None

def timed(function, *arguments):
    before = time.perf_counter()
    answer = function(*arguments)
    return before, answer, time.perf_counter()

def gpm(gpu, metrics, seconds, take=nv.nvmlGpmSampleGet, *which):
    asked = nv.c_nvmlGpmMetricsGet_t()
    asked.version = nv.NVML_GPM_METRICS_GET_VERSION
    asked.sample1, asked.sample2 = nv.nvmlGpmSampleAlloc(), nv.nvmlGpmSampleAlloc()
    begun = timed(take, gpu, *which, asked.sample1)[::2]
    time.sleep(seconds)
    ended = timed(take, gpu, *which, asked.sample2)[::2]
    asked.numMetrics = len(metrics)
    for index, metric in enumerate(metrics):
        asked.metrics[index].metricId = metric
    nv.nvmlGpmMetricsGet(asked)
    nv.nvmlGpmSampleFree(asked.sample1)
    nv.nvmlGpmSampleFree(asked.sample2)
    got = asked.metrics[:len(metrics)]
    return {"values": [one.value for one in got], "errors": [one.nvmlReturn for one in got],
            "begun": begun, "ended": ended}

"""
START = "started = timed(nv.nvmlInit)[::2]\ngpu = nv.nvmlDeviceGetHandleByIndex(0)\n"


def run(environment: dict[str, str], code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code that finds the stand-in."""
    return subprocess.run(
        [sys.executable, "-c", BEGIN + code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def ask(scenario: Scenario, folder: Path, code: str, start: str = START) -> Any:
    """What `answer` is in the end, after code that knows `nv`, which is pynvml, and `gpu`."""
    code = start + textwrap.dedent(code) + "\nprint(json.dumps(answer))"
    done = run(nvml.environment(scenario, folder), code)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def one(**figures: Any) -> Scenario:
    """A machine with one GPU. Its time begins when the process that asks calls nvmlInit."""
    return Scenario((FakeGpu(**figures),))


def begun(scenario: Scenario, ago_s: float) -> tuple[Scenario, float]:
    """A machine whose time began so many seconds ago, and when by time.perf_counter()."""
    start_s = time.perf_counter() - ago_s
    return dataclasses.replace(scenario, start_s=start_s), start_s


def test_every_function_is_one_that_pynvml_asks_for() -> None:
    asked = set(re.findall(r'_nvmlGetFunctionPointer\("(\w+)"\)', inspect.getsource(pynvml)))

    # nvml.h has these two, and pynvml goes by nvmlInitWithFlags.
    assert set(nvml.functions()) - asked == {"nvmlInit", "nvmlInit_v2"}


@pytest.mark.parametrize("name", sorted(ALL.keys() - {"not_loaded", "mismatch"}))
def test_every_ready_made_machine_is_understood(name: str, tmp_path: Path) -> None:
    scenario = ALL[name]()

    names = ask(
        scenario,
        tmp_path,
        "answer = [nv.nvmlDeviceGetName(nv.nvmlDeviceGetHandleByIndex(index))"
        " for index in range(nv.nvmlDeviceGetCount())]",
        start="nv.nvmlInit()\n",
    )

    assert names == [gpu.name for gpu in scenario.gpus]


def test_every_figure_can_be_stated(tmp_path: Path) -> None:
    figures: dict[str, Any] = dict.fromkeys(FIGURES, 1)
    everything = Scenario((FakeGpu(**figures),))

    assert ask(everything, tmp_path, "answer = nv.nvmlDeviceGetCount()") == 1


def test_a_card_is_what_the_scenario_says(tmp_path: Path) -> None:
    answer = ask(
        scenarios.h100(),
        tmp_path,
        """
        memory, second = nv.nvmlDeviceGetMemoryInfo(gpu), nv.nvmlDeviceGetMemoryInfo(
            gpu, version=nv.nvmlMemory_v2)
        pci = nv.nvmlDeviceGetPciInfo(gpu)
        rates = nv.nvmlDeviceGetUtilizationRates(gpu)
        uuid = nv.nvmlDeviceGetUUID(gpu)
        fields = nv.nvmlDeviceGetFieldValues(gpu, [82, 186, 190, 1])
        answer = {
            "driver": nv.nvmlSystemGetDriverVersion(),
            "nvml": nv.nvmlSystemGetNVMLVersion(),
            "cuda": [nv.nvmlSystemGetCudaDriverVersion(), nv.nvmlSystemGetCudaDriverVersion_v2()],
            "uuid": uuid,
            "by": [nv.nvmlDeviceGetIndex(nv.nvmlDeviceGetHandleByUUID(uuid)),
                   nv.nvmlDeviceGetIndex(nv.nvmlDeviceGetHandleByPciBusId("0000:1b:00.0"))],
            "pci": [pci.busId, pci.busIdLegacy, pci.bus],
            "capability": nv.nvmlDeviceGetCudaComputeCapability(gpu),
            "architecture": nv.nvmlDeviceGetArchitecture(gpu) == nv.NVML_DEVICE_ARCH_HOPPER,
            "cores": nv.nvmlDeviceGetNumGpuCores(gpu),
            "bus": nv.nvmlDeviceGetMemoryBusWidth(gpu),
            "modes": [nv.nvmlDeviceGetPersistenceMode(gpu), nv.nvmlDeviceGetComputeMode(gpu),
                      nv.nvmlDeviceGetPerformanceState(gpu)],
            "utilization": [rates.gpu, rates.memory],
            "memory": [memory.total, memory.used, memory.free],
            "memory2": [second.total, second.reserved, second.used, second.free],
            "power": [nv.nvmlDeviceGetPowerUsage(gpu), nv.nvmlDeviceGetEnforcedPowerLimit(gpu),
                      nv.nvmlDeviceGetPowerManagementDefaultLimit(gpu)],
            "clocks": [nv.nvmlDeviceGetClockInfo(gpu, kind) for kind in range(4)],
            "most": [nv.nvmlDeviceGetMaxClockInfo(gpu, kind) for kind in range(4)],
            "set": [nv.nvmlDeviceGetApplicationsClock(gpu, 0),
                    nv.nvmlDeviceGetDefaultApplicationsClock(gpu, 2)],
            "temperature": [nv.nvmlDeviceGetTemperature(gpu, 0),
                            nv.nvmlDeviceGetTemperatureV(gpu, 0)],
            "limits": [nv.nvmlDeviceGetTemperatureThreshold(gpu, kind) for kind in range(4)],
            "pcie": [nv.nvmlDeviceGetCurrPcieLinkGeneration(gpu),
                     nv.nvmlDeviceGetCurrPcieLinkWidth(gpu),
                     nv.nvmlDeviceGetMaxPcieLinkGeneration(gpu),
                     nv.nvmlDeviceGetMaxPcieLinkWidth(gpu)],
            "tx": timed(nv.nvmlDeviceGetPcieThroughput, gpu, nv.NVML_PCIE_UTIL_TX_BYTES),
            "rx": nv.nvmlDeviceGetPcieThroughput(gpu, nv.NVML_PCIE_UTIL_RX_BYTES),
            "reasons": [nv.nvmlDeviceGetCurrentClocksThrottleReasons(gpu),
                        nv.nvmlDeviceGetCurrentClocksEventReasons(gpu),
                        nv.nvmlDeviceGetSupportedClocksEventReasons(gpu)],
            "gpm": nv.nvmlGpmQueryDeviceSupport(gpu).isSupportedDevice,
            "mig": [nv.nvmlDeviceGetMigMode(gpu), nv.nvmlDeviceGetMaxMigDeviceCount(gpu)],
            "fields": [[field.nvmlReturn, field.value.uiVal] for field in fields],
            "clock_us": abs(fields[0].timestamp - time.time() * 1e6),
        }
        """,
    )

    before, tx, after = answer.pop("tx")
    assert tx == 200_000 and after - before >= 0.02
    assert answer.pop("clock_us") < 5e6
    assert answer == {
        "driver": "550.54.15",
        "nvml": "12.550.54.15",
        "cuda": [12040, 12040],
        "uuid": "GPU-00000000-0000-4000-8000-000000000000",
        "by": [0, 0],
        "pci": ["00000000:1B:00.0", "0000:1B:00.0", 0x1B],
        "capability": [9, 0],
        "architecture": True,
        "cores": 16896,
        "bus": 5120,
        "modes": [1, 0, 0],
        "utilization": [60, 30],
        "memory": [80 * GIB, 10.5 * GIB, 69.5 * GIB],
        "memory2": [80 * GIB, 0.5 * GIB, 10 * GIB, 69.5 * GIB],
        "power": [400_000, 700_000, 700_000],
        "clocks": [1980, 1980, 2619, 1545],
        "most": [1980, 1980, 2619, 1545],
        "set": [1980, 2619],
        "temperature": [52, 52],
        "limits": [92, 89, 95, 85],
        "pcie": [5, 16, 5, 16],
        "rx": 800_000,
        "reasons": [0, 0, 0x1FF],
        "gpm": 1,
        "mig": [[0, 0], 0],
        "fields": [[0, 60], [0, 400_000], [0, 700_000], [pynvml.NVML_ERROR_NOT_SUPPORTED, 0]],
    }


def test_utilisation_follows_its_steps(tmp_path: Path) -> None:
    scenario = one(utilization_percent=steps((0, 10), (0.2, 100), (0.4, 40)))

    answer = ask(
        scenario,
        tmp_path,
        """
        seen = []
        while time.perf_counter() < started[1] + 0.6:
            seen.append(timed(lambda: nv.nvmlDeviceGetUtilizationRates(gpu).gpu))
            time.sleep(0.01)
        answer = {"started": started, "seen": seen}
        """,
    )

    def stated(t: float) -> int:
        return 10 if t < 0.2 else 100 if t < 0.4 else 40

    earliest, latest = answer["started"]
    assert [value for _, value, _ in answer["seen"]][-1] == 40
    wrong = [
        (before, value, after)
        for before, value, after in answer["seen"]
        if value not in (stated(before - latest), stated(after - earliest))
    ]
    assert wrong == []


def test_a_window_averages_what_has_passed(tmp_path: Path) -> None:
    # Any 2 s of bursts of 1 in 4 are, to a part of a burst, a quarter.
    bursts = nvml.bursts(0.02, 0.005, 100)
    scenario = one(utilization_percent=bursts, utilization_window_s=2, power_w=100)

    assert ask(scenario, tmp_path, "answer = nv.nvmlDeviceGetUtilizationRates(gpu).gpu") == 25


ENERGY = "answer = timed(nv.nvmlDeviceGetTotalEnergyConsumption, gpu)"


def test_energy_is_the_integral_of_power(tmp_path: Path) -> None:
    power = steps((0, 100), (10, 300), (20, 50))
    scenario, start_s = begun(one(power_w=power, energy_offset_mj=7_000), 25)

    before, energy_mj, after = ask(scenario, tmp_path, ENERGY)

    # 100 W for 10 s, 300 W for 10 s and 50 W since: 7 J more at the start.
    def stated_mj(moment: float) -> float:
        return 7_000 + 1_000_000 + 3_000_000 + 50_000 * (moment - start_s - 20)

    assert stated_mj(before) - 1 <= energy_mj <= stated_mj(after) + 1


def test_energy_of_bursts_is_that_of_their_average(tmp_path: Path) -> None:
    # 700 W for a quarter of the time, else 100 W: 250 W. The 450 W above the average, in 50 ms,
    # are 22.5 J, and the rest of the period takes them back.
    scenario, start_s = begun(scenarios.bursty(), 1000)

    before, energy_mj, after = ask(scenario, tmp_path, ENERGY)

    assert 1_000_000 + 250_000 * (before - start_s) - 1 <= energy_mj
    assert energy_mj <= 1_000_000 + 250_000 * (after - start_s) + 22_500 + 1


def test_energy_wraps(tmp_path: Path) -> None:
    # 1500 J at the start and 500 W, of a counter of 2000 J: at 1.5 s it has begun again.
    scenario, start_s = begun(scenarios.wrapping(), 1.5)

    before, energy_mj, after = ask(scenario, tmp_path, ENERGY)

    since_asked = (energy_mj + 1 - (1_500_000 + 500_000 * (before - start_s))) % 2_000_000
    assert energy_mj < 2_000_000
    assert since_asked <= 500_000 * (after - before) + 2


def test_energy_is_reset(tmp_path: Path) -> None:
    scenario, start_s = begun(one(power_w=100, energy_offset_mj=10**9, energy_reset_s=5), 6)

    before, energy_mj, after = ask(scenario, tmp_path, ENERGY)

    assert 100_000 * (before - start_s - 5) - 1 <= energy_mj
    assert energy_mj <= 100_000 * (after - start_s - 5) + 1


def test_gpm_averages_between_two_samples(tmp_path: Path) -> None:
    # The SMs begin to work 0.3 s after the start, the tensor cores never stop.
    scenario = one(gpm_supported=1, gpm={2: steps((0, 0), (0.3, 100)), 5: 12.5})

    answer = ask(
        scenario,
        tmp_path,
        "answer = gpm(gpu, [2, 5, 12], 0.5) | {'started': started}",
    )

    # Each of the three moments is known to lie between two.
    (first, first_end), (second, second_end) = answer["begun"], answer["ended"]
    begins, begins_end = (moment + 0.3 for moment in answer["started"])
    assert first_end < begins and begins_end < second
    least = 100 * (second - begins_end) / (second - first)
    most = 100 * (second_end - begins) / (second_end - first_end)
    assert least - 0.01 <= answer["values"][0] <= most + 0.01
    assert most - least < 20
    assert answer["values"][1] == pytest.approx(12.5)
    assert answer["errors"] == [0, 0, pynvml.NVML_ERROR_NOT_SUPPORTED]


def test_gpm_is_refused_where_there_is_none(tmp_path: Path) -> None:
    answer = ask(
        scenarios.a100(),
        tmp_path,
        """
        sample = nv.nvmlGpmSampleAlloc()
        wrong = nv.c_nvmlGpmMetricsGet_t()
        wrong.version, wrong.sample1, wrong.sample2 = 7, sample, sample
        answer = [nv.nvmlGpmQueryDeviceSupport(gpu).isSupportedDevice,
                  error(nv.nvmlGpmSampleGet, gpu, sample), error(nv.nvmlGpmMetricsGet, wrong)]
        """,
    )

    assert answer == [0, "NVMLError_NotSupported", "NVMLError_ArgumentVersionMismatch"]


def test_kept_samples_lie_on_their_grid_and_are_given_once(tmp_path: Path) -> None:
    card = FakeGpu(
        utilization_percent=steps((-1000, 30), (-0.05, 80)),
        utilization_samples_period_s=0.1,
        utilization_samples_kept=100,
        power_w=321,
        clock_sm_mhz=1500,
    )
    scenario, start_s = begun(Scenario((card,)), 0)
    # Unix time and perf_counter, read together: what is kept has Unix time.
    unix_minus_clock_s = time.time() - time.perf_counter()

    answer = ask(
        scenario,
        tmp_path,
        """
        kind, some = nv.nvmlDeviceGetSamples(gpu, nv.NVML_GPU_UTILIZATION_SAMPLES, 0)
        last = some[-1].timeStamp
        time.sleep(0.25)
        more = nv.nvmlDeviceGetSamples(gpu, nv.NVML_GPU_UTILIZATION_SAMPLES, last)[1]
        answer = {
            "kind": kind,
            "some": [[one.timeStamp, one.sampleValue.uiVal] for one in some],
            "more": [one.timeStamp for one in more],
            "now": time.time(),
            "none": error(nv.nvmlDeviceGetSamples, gpu, 1, more[-1].timeStamp + 10**7),
            "power": error(nv.nvmlDeviceGetSamples, gpu, nv.NVML_TOTAL_POWER_SAMPLES, 0),
            "encoder": error(nv.nvmlDeviceGetSamples, gpu, nv.NVML_ENC_UTILIZATION_SAMPLES, 0),
        }
        """,
    )

    stamps = [stamp for stamp, _ in answer["some"]]
    origin_us = (start_s + unix_minus_clock_s) * 1e6
    ticks = [(stamp - origin_us) / 1e5 for stamp in stamps]
    assert answer["kind"] == pynvml.NVML_VALUE_TYPE_UNSIGNED_INT
    assert len(stamps) == 100
    assert ticks == pytest.approx([round(ticks[0]) + n for n in range(100)], abs=0.02)
    # Before the step 30 %, after it 80 %, and half of each in the period that the step divides.
    values = [value for _, value in answer["some"]]
    expected = [30 if round(tick) < 0 else 55 if round(tick) == 0 else 80 for tick in ticks]
    assert values == expected
    assert 55 in values
    assert answer["more"][0] > stamps[-1]
    assert 2 <= len(answer["more"]) < 100
    assert answer["more"][-1] / 1e6 == pytest.approx(answer["now"], abs=1)
    assert answer["none"] == "NVMLError_NotFound"
    assert answer["power"] == answer["encoder"] == "NVMLError_NotSupported"


def test_power_and_clocks_are_kept_too(tmp_path: Path) -> None:
    answer = ask(
        scenarios.h100(),
        tmp_path,
        "answer = [[one.sampleValue.uiVal for one in nv.nvmlDeviceGetSamples(gpu, kind, 0)[1]]"
        " for kind in (0, 2, 5, 6)]",
    )

    assert answer == [[400_000] * 120, [30] * 100, [1980] * 100, [2619] * 100]


def test_a_missing_function_is_not_there(tmp_path: Path) -> None:
    answer = ask(
        scenarios.old_driver(),
        tmp_path,
        """
        answer = [error(nv.nvmlDeviceGetCurrentClocksEventReasons, gpu),
                  error(nv.nvmlDeviceGetComputeRunningProcesses, gpu),
                  error(nv.nvmlGpmQueryDeviceSupport, gpu),
                  error(nv.nvmlDeviceGetMemoryInfo, gpu, nv.nvmlMemory_v2),
                  error(nv.nvmlDeviceGetMigMode, gpu),
                  error(nv.nvmlDeviceGetCurrentClocksThrottleReasons, gpu),
                  error(nv.nvmlDeviceGetMemoryInfo, gpu)]
        """,
    )

    assert answer == [
        "NVMLError_FunctionNotFound",
        # Where the release of pynvml and the driver do not fit; it is no NVMLError.
        "NVMLLibraryMismatchError",
        *["NVMLError_FunctionNotFound"] * 3,
        None,
        None,
    ]


def test_only_a_function_that_there_is_can_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nvmlDeviceGetFanSpeed"):
        nvml.build(tmp_path, missing=("nvmlDeviceGetFanSpeed",))


def test_what_is_not_stated_is_not_supported(tmp_path: Path) -> None:
    answer = ask(
        scenarios.not_supported(),
        tmp_path,
        """
        answer = [error(getattr(nv, name), gpu) for name in (
            "nvmlDeviceGetUtilizationRates", "nvmlDeviceGetPowerUsage",
            "nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetEnforcedPowerLimit",
            "nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrPcieLinkWidth",
            "nvmlDeviceGetMigMode", "nvmlDeviceGetAttributes")]
        answer += [error(nv.nvmlDeviceGetClockInfo, gpu, 1),
                   error(nv.nvmlDeviceGetPcieThroughput, gpu, 0),
                   error(nv.nvmlDeviceGetViolationStatus, gpu, 0),
                   nv.nvmlDeviceGetTemperature(gpu, 0)]
        """,
    )

    assert answer == ["NVMLError_NotSupported"] * 11 + [55]


def test_what_is_refused_is_refused(tmp_path: Path) -> None:
    answer = ask(
        scenarios.no_permission(),
        tmp_path,
        """
        answer = [error(nv.nvmlDeviceGetUtilizationRates, gpu),
                  error(nv.nvmlDeviceGetComputeRunningProcesses, gpu),
                  error(nv.nvmlDeviceGetTemperature, gpu, 0)]
        """,
    )

    assert answer == ["NVMLError_NoPermission"] * 2 + [None]


def test_a_gpu_is_lost_after_its_calls(tmp_path: Path) -> None:
    answer = ask(
        Scenario((H100, H100), rules=(Lost(1, after_calls=3),)),
        tmp_path,
        """
        other = nv.nvmlDeviceGetHandleByIndex(1)
        answer = [error(nv.nvmlDeviceGetTemperature, other, 0),
                  error(nv.nvmlDeviceGetName, other),
                  error(nv.nvmlDeviceGetName, other),
                  error(nv.nvmlDeviceGetUtilizationRates, other),
                  error(nv.nvmlDeviceGetHandleByIndex, 1),
                  error(nv.nvmlDeviceGetUtilizationRates, gpu)]
        """,
    )

    assert answer == [None] * 2 + ["NVMLError_GpuIsLost"] * 3 + [None]


def test_a_function_fails_for_a_while(tmp_path: Path) -> None:
    rules = (
        Fail("nvmlDeviceGetPowerUsage", "unknown", after_calls=1, calls=2),
        Fail("nvmlDeviceGetTemperature", "timeout", at_s=3600),
        Fail("nvmlDeviceGetName", "no_data", gpu=1),
        Fail("nvmlDeviceGetMemoryInfo", "in_use"),
    )
    answer = ask(
        Scenario((H100, H100), rules=rules),
        tmp_path,
        """
        other = nv.nvmlDeviceGetHandleByIndex(1)
        answer = [[error(nv.nvmlDeviceGetPowerUsage, gpu) for _ in range(4)],
                  error(nv.nvmlDeviceGetTemperature, gpu, 0),
                  [error(nv.nvmlDeviceGetName, one) for one in (gpu, other)],
                  [error(nv.nvmlDeviceGetMemoryInfo, gpu, version)
                   for version in (None, nv.nvmlMemory_v2)]]
        """,
    )

    assert answer == [
        [None, "NVMLError_Unknown", "NVMLError_Unknown", None],
        None,
        [None, "NVMLError_NoData"],
        ["NVMLError_InUse", "NVMLError_InUse"],
    ]


def test_instances_are_found_and_measured(tmp_path: Path) -> None:
    answer = ask(
        scenarios.mig(),
        tmp_path,
        """
        slots = range(nv.nvmlDeviceGetMaxMigDeviceCount(gpu))
        wrong = [error(nv.nvmlDeviceGetMigDeviceHandleByIndex, gpu, slot) for slot in slots]
        found = [nv.nvmlDeviceGetMigDeviceHandleByIndex(gpu, slot)
                 for slot in slots if wrong[slot] is None]
        back = nv.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(found[1])
        sizes = nv.nvmlDeviceGetAttributes(found[0])
        answer = {
            "mode": nv.nvmlDeviceGetMigMode(gpu),
            "count": nv.nvmlDeviceGetCount(),
            "wrong": wrong,
            "uuids": [nv.nvmlDeviceGetUUID(one) for one in found],
            "ids": [[nv.nvmlDeviceGetIndex(one), nv.nvmlDeviceGetGpuInstanceId(one),
                     nv.nvmlDeviceGetComputeInstanceId(one)] for one in found],
            "is": [nv.nvmlDeviceIsMigDeviceHandle(one).value for one in (gpu, *found)],
            "parent": nv.nvmlDeviceGetUUID(back) == nv.nvmlDeviceGetUUID(gpu),
            "used": [nv.nvmlDeviceGetMemoryInfo(one).used for one in found],
            "busy": [error(nv.nvmlDeviceGetUtilizationRates, one) for one in (gpu, *found)],
            "slices": [sizes.gpuInstanceSliceCount, sizes.multiprocessorCount, sizes.memorySizeMB],
            "gpm": [gpm(gpu, [1, 2], 0.01, nv.nvmlGpmMigSampleGet, instance)["values"]
                    for instance in (1, 2)],
            "none": error(nv.nvmlGpmMigSampleGet, gpu, 5, nv.nvmlGpmSampleAlloc()),
        }
        """,
    )

    assert answer == {
        "mode": [1, 1],
        "count": 1,
        "wrong": [None, "NVMLError_NotFound", None, *["NVMLError_NotFound"] * 4],
        "uuids": [f"MIG-0000000{slot}-0000-4000-8000-000000000000" for slot in (1, 3)],
        "ids": [[0, 1, 0], [2, 2, 0]],
        "is": [0, 1, 1],
        "parent": True,
        "used": [4 * GIB, GIB],
        "busy": ["NVMLError_NotSupported"] * 3,
        "slices": [3, 60, 40 * 1024],
        "gpm": [pytest.approx([80, 70]), pytest.approx([20, 10])],
        "none": "NVMLError_InvalidArgument",
    }


def test_processes_are_listed_while_they_are_there(tmp_path: Path) -> None:
    card = dataclasses.replace(
        H100,
        processes=(
            FakeProcess("self", GIB),
            FakeProcess("child", 2 * GIB),
            FakeProcess(4242, None),
            FakeProcess(4243, 5, from_s=3600),
            FakeProcess(4244, 6, to_s=-1),
            FakeProcess(4245, 7, graphics=True),
        ),
    )

    answer = ask(
        Scenario((card,)).starting(),
        tmp_path,
        """
        import subprocess
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        who = {os.getpid(): "self", child.pid: "child"}
        answer = [[who.get(one.pid, one.pid), one.usedGpuMemory]
                  for list in (nv.nvmlDeviceGetComputeRunningProcesses,
                               nv.nvmlDeviceGetGraphicsRunningProcesses)
                  for one in list(gpu)]
        child.communicate(b"")
        """,
    )

    assert answer == [["self", GIB], ["child", 2 * GIB], [4242, None], [4245, 7]]


def test_throttling_is_said_in_all_its_ways(tmp_path: Path) -> None:
    scenario, start_s = begun(scenarios.throttled(), 10)

    answer = ask(
        scenario,
        tmp_path,
        """
        before = time.perf_counter()
        held = [nv.nvmlDeviceGetViolationStatus(gpu, policy).violationTime / 1e9
                for policy in (nv.NVML_PERF_POLICY_POWER, nv.NVML_PERF_POLICY_THERMAL)]
        answer = {"reasons": nv.nvmlDeviceGetCurrentClocksEventReasons(gpu), "held": held,
                  "at": before, "clock": nv.nvmlDeviceGetClockInfo(gpu, nv.NVML_CLOCK_SM)}
        """,
    )

    elapsed_s = answer["at"] - start_s
    assert answer["reasons"] == scenarios.SW_POWER_CAP | scenarios.SW_THERMAL_SLOWDOWN
    assert answer["clock"] == 990
    assert answer["held"] == pytest.approx([elapsed_s, elapsed_s - 1], abs=0.1)


def test_byte_counters_are_integrals_and_wrap(tmp_path: Path) -> None:
    # 1 GB/s for 5 s is 5e9 bytes: once round 2**32.
    sending = one(pcie_tx_kb_per_s=steps((0, 10**6), (5, 0)), pcie_bytes_wrap=2**32)
    scenario, _ = begun(sending, 6)

    answer = ask(
        scenario,
        tmp_path,
        "sent = nv.nvmlDeviceGetFieldValues(gpu, [nv.NVML_FI_DEV_PCIE_COUNT_TX_BYTES])[0]\n"
        "answer = [sent.nvmlReturn, sent.value.ullVal, error(nv.nvmlDeviceGetPcieThroughput,"
        " gpu, nv.NVML_PCIE_UTIL_RX_BYTES)]",
    )

    assert answer == [0, 5 * 10**9 - 2**32, "NVMLError_NotSupported"]


def test_a_slow_function_is_slow(tmp_path: Path) -> None:
    scenario = Scenario((H100,), rules=(Slow("nvmlDeviceGetPowerUsage", 0.2),))

    before, _, after = ask(scenario, tmp_path, "answer = timed(nv.nvmlDeviceGetPowerUsage, gpu)")

    assert 0.2 <= after - before < 2


def test_calls_are_logged_with_their_process_and_time(tmp_path: Path) -> None:
    scenario = scenarios.two_gpus().starting().logging(tmp_path / "a folder" / "calls.txt")
    assert scenario.log is not None
    scenario.log.parent.mkdir()
    begun = time.perf_counter()

    # The child asks, and so does a child of its own, which finds the same start.
    pids = ask(
        scenario,
        tmp_path,
        """
        import subprocess
        nv.nvmlDeviceGetUtilizationRates(nv.nvmlDeviceGetHandleByIndex(1))
        code = "import os, pynvml; pynvml.nvmlInit(); print(os.getpid())"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        nv.nvmlShutdown()
        answer = [os.getpid(), int(done.stdout), error(nv.nvmlDeviceGetCount)]
        """,
    )

    assert pids.pop() == "NVMLError_Uninitialized"
    calls = nvml.read_log(scenario.log)
    assert [(call.pid, call.function, call.gpu) for call in calls] == [
        (pids[0], "nvmlInitWithFlags", None),
        (pids[0], "nvmlDeviceGetHandleByIndex_v2", 0),
        (pids[0], "nvmlDeviceGetHandleByIndex_v2", 1),
        (pids[0], "nvmlDeviceGetUtilizationRates", 1),
        (pids[1], "nvmlInitWithFlags", None),
        (pids[0], "nvmlShutdown", None),
    ]
    moments = [begun, *(call.at_s for call in calls), time.perf_counter()]
    assert moments == sorted(moments)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (scenarios.not_loaded, "NVMLError_DriverNotLoaded"),
        (scenarios.mismatch, "NVMLError_LibRmVersionMismatch"),
    ],
)
def test_a_driver_that_does_not_start_says_why(make: Any, expected: str, tmp_path: Path) -> None:
    assert ask(make(), tmp_path, "answer = error(nv.nvmlInit)", start="") == expected


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("fan 0 speed 40", "unknown directive"),
        ("gpu 0 utilisation_percent 40", "unknown field"),
        ("gpu 0 power_w 0:1 0:2", "times must rise"),
        ("gpu 0 power_w 0:1 x:2", "not a time"),
        ("gpu 0 power_w 0:1 2:2 every 1", "a step lies beyond the period"),
        ("fail nvmlDeviceGetFanSpeed unknown", "no such function"),
        ("fail nvmlDeviceGetName sunshine", "unknown error"),
        ("gpu 2 name x", "GPU 1 is missing"),
    ],
)
def test_a_line_that_is_not_understood_is_loud(line: str, why: str, tmp_path: Path) -> None:
    environment = nvml.environment(Scenario((FakeGpu(),)), tmp_path)
    with Path(environment[VARIABLE]).open("a") as file:
        file.write(f"# a comment\n{line}\n")

    done = run(environment, "print(error(nv.nvmlInit))")

    assert done.stdout == "NVMLError_Unknown\n"
    assert why in done.stderr
    assert "GPU 1" in why or line in done.stderr
