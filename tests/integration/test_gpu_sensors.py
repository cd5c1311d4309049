"""What a scenario of the stand-in driver states is what the profile says of the GPUs.

Every scenario goes through the sensors, the sampler and the averages in a process of its own; a
few of them through a whole `gputune profile`, with TensorFlow on the CPU.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gputune.schema.gpu import Gpu, Throttle
from gputune.sensors.gpu_averages import LOST_BEFORE
from gputune.sensors.nvml_errors import LOST, NO_PERMISSION, NOT_ON_MIG, NOT_SUPPORTED, OLD_DRIVER
from tests.fakes import nvml
from tests.fakes.nvml import FakeGpu, FakeProcess, Lost, Scenario, Slow, scenarios
from tests.fakes.nvml.scenarios import A100, GIB, H100
from tests.integration.running import SCRIPTS, Ran, gputune, python, report

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not nvml.has_compiler(), reason=nvml.NO_COMPILER),
]

SENSE = Path(__file__).resolve().parent / "sense.py"
SCRIPT = SCRIPTS / "seeded.py"
STEPS, BATCH = 100, 8  # what sense.py says was trained in a window
MIB = 2**20
GPM = ("sm_active_percent", "sm_occupancy_percent", "tensor_active_percent", "dram_active_percent")
A_SECOND = "0.3:1.3"
MIXED = Scenario(
    (
        dataclasses.replace(A100, name="Slow", cores=640, max_clock_sm_mhz=1000),
        dataclasses.replace(A100, name="Fast", cores=6912, max_clock_sm_mhz=1410),
    )
)
SHARED = Scenario(
    (
        dataclasses.replace(
            H100,
            processes=(
                FakeProcess("self", 4 * GIB),
                # This process is no child of the one that it starts.
                FakeProcess(os.getpid(), 20 * GIB, from_s=1),
                FakeProcess(os.getppid(), GIB, graphics=True, from_s=1),
            ),
        ),
    )
)
HALF_LOST = Scenario((H100, A100), rules=(Lost(1, at_s=0.9),))
SLOW_LINK = Scenario((A100,), rules=(Slow("nvmlDeviceGetPcieThroughput", 0.4),))
RESET = Scenario((dataclasses.replace(H100, energy_reset_s=0.8, energy_update_s=0.02),))

# Name: scenario, windows, CUDA's variables.
CASES: dict[str, tuple[Scenario, tuple[str, ...], dict[str, str]]] = {
    **{name: (make(), (A_SECOND,), {}) for name, make in scenarios.ALL.items()},
    "throttled": (scenarios.throttled(), ("0.3:0.9", "1.1:1.6"), {}),
    "wrapping": (scenarios.wrapping(), ("0.4:1.6",), {}),
    "bursty": (scenarios.bursty(), ("0.4:1.4",), {}),
    "second": (scenarios.two_gpus(), ("0.3:0.6",), {"CUDA_VISIBLE_DEVICES": "1"}),
    "turned": (scenarios.two_gpus(), ("0.3:0.6",), {"CUDA_VISIBLE_DEVICES": "1,0"}),
    "hidden": (scenarios.two_gpus(), ("0.3:0.6",), {"CUDA_VISIBLE_DEVICES": "-1"}),
    "uuid": (scenarios.two_gpus(), ("0.3:0.6",), {"CUDA_VISIBLE_DEVICES": "GPU-00000001"}),
    "mig by name": (
        scenarios.mig(),
        ("0.3:0.6",),
        {"CUDA_VISIBLE_DEVICES": "MIG-00000003-0000-4000-8000-000000000000"},
    ),
    "mixed": (MIXED, ("0.3:0.6",), {}),
    "mixed by bus": (MIXED, ("0.3:0.6",), {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}),
    "shared": (SHARED, ("0.3:0.9", "1.1:1.7"), {}),
    "half lost": (HALF_LOST, ("0.3:1.3",), {}),
    "slow link": (SLOW_LINK, ("0.3:1.3",), {}),
    "reset": (RESET, ("0.3:1.3",), {}),
}
LOGGED = ("a100", "h100", "slow link")


@dataclasses.dataclass(frozen=True)
class Sensed:
    """What sense.py found: the GPUs and what is missing of them, for each window."""

    absent: str
    windows: list[tuple[list[Gpu], dict[str, str]]]

    @property
    def gpus(self) -> list[Gpu]:
        return self.windows[0][0]

    @property
    def why(self) -> dict[str, str]:
        return self.windows[0][1]


class Machines:
    """Every case, begun at once, two at a time."""

    def __init__(self, pool: ThreadPoolExecutor, top: Path) -> None:
        self._top = top
        self._runs = {name: pool.submit(self._run, name, *case) for name, case in CASES.items()}

    def log(self, name: str) -> Path:
        return self._top / f"{name}.log"

    def _run(
        self, name: str, scenario: Scenario, windows: tuple[str, ...], cuda: Mapping[str, str]
    ) -> Ran:
        if name in LOGGED:
            scenario = scenario.logging(self.log(name))
        env = nvml.environment(scenario, self._top / name)
        return python(SENSE, *windows, cwd=self._top, env={**env, **_without_hiding(cuda)})

    def __getitem__(self, name: str) -> Sensed:
        done = self._runs[name].result()
        assert (done.exit_code, done.stderr) == (0, "")
        said: dict[str, Any] = json.loads(done.stdout)
        assert said["failure"] == ""
        return Sensed(
            said["absent"],
            [([_gpu(one) for one in w["gpus"]], w["why"]) for w in said["windows"]],
        )


def _without_hiding(cuda: Mapping[str, str]) -> dict[str, str]:
    """running.environment hides all GPUs; here every one is shown unless the case says which."""
    return {"CUDA_VISIBLE_DEVICES": "0,1,2,3,4,5,6,7", **cuda}


def _gpu(fields: dict[str, Any]) -> Gpu:
    return Gpu(**{**fields, "throttled": tuple(Throttle(**t) for t in fields["throttled"])})


@pytest.fixture(scope="module")
def machines(pool: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory) -> Machines:
    return Machines(pool, tmp_path_factory.mktemp("machines"))


def stated(card: FakeGpu) -> dict[str, Any]:
    """What a steady card states, as fields of a Gpu."""
    assert isinstance(card.memory_used_bytes, int)
    assert isinstance(card.memory_reserved_bytes, int)
    return {
        "name": card.name,
        "utilization_percent": card.utilization_percent,
        "utilization_p5_percent": card.utilization_percent,
        "utilization_p95_percent": card.utilization_percent,
        "memory_used_bytes": card.memory_used_bytes + card.memory_reserved_bytes,
        "memory_total_bytes": card.memory_total_bytes,
        "power_w": card.power_w,
        "power_limit_w": card.power_limit_w,
        "temperature_c": card.temperature_c,
        "sm_clock_mhz": card.clock_sm_mhz,
        "sm_clock_max_mhz": card.max_clock_sm_mhz,
        "memory_clock_mhz": card.clock_memory_mhz,
        "compute_capability": f"{card.compute_major}.{card.compute_minor}",
        "pcie_generation": card.pcie_generation,
        "pcie_generation_max": card.pcie_max_generation,
        "pcie_width": card.pcie_width,
        "pcie_width_max": card.pcie_max_width,
        "throttled": (),
        "other_processes": 0,
        "other_processes_bytes": 0,
    }


def gpm(card: FakeGpu) -> dict[str, Any]:
    """What a card's GPM states."""
    return {
        "sm_active_percent": card.gpm[scenarios.SM_UTIL],
        "sm_occupancy_percent": card.gpm[scenarios.SM_OCCUPANCY],
        "tensor_active_percent": card.gpm[scenarios.ANY_TENSOR_UTIL],
        "dram_active_percent": card.gpm[scenarios.DRAM_BW_UTIL],
        "pcie_rx_bytes_per_s": card.gpm[scenarios.PCIE_RX_PER_SEC] * MIB,
        "pcie_tx_bytes_per_s": card.gpm[scenarios.PCIE_TX_PER_SEC] * MIB,
    }


def said(gpu: Gpu, wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: getattr(gpu, name) for name in wanted}


def steady(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The mean of equal floats may differ in the last bit."""
    return {
        name: pytest.approx(value, rel=1e-9) if isinstance(value, int | float) else value
        for name, value in wanted.items()
    }


def check(gpu: Gpu, card: FakeGpu, *, seconds: float, **other: Any) -> None:
    """A GPU's figures are the card's, and its energy what its power makes in the window."""
    wanted = {**stated(card), **other}
    assert said(gpu, wanted) == steady(wanted)
    joules = float(wanted["power_w"]) * seconds
    assert gpu.energy_j_per_step == pytest.approx(joules / STEPS, rel=0.05)
    assert gpu.energy_j_per_sample == pytest.approx(joules / STEPS / BATCH, rel=0.05)
    assert gpu.samples > 0


def test_an_a100_has_everything_but_gpm(machines: Machines) -> None:
    (gpu,), why = machines["a100"].windows[0]
    link = {"pcie_rx_bytes_per_s": 800e6, "pcie_tx_bytes_per_s": 200e6}
    check(gpu, A100, seconds=1, **link, **dict.fromkeys(GPM))
    assert set(why) == {f"gpus.{field}" for field in GPM}
    assert len({*why.values()}) == 1
    assert "9.0" in why["gpus.sm_active_percent"]


def test_an_h100_has_everything(machines: Machines) -> None:
    (gpu,), why = machines["h100"].windows[0]
    check(gpu, H100, seconds=1, **gpm(H100))
    assert (gpu.uuid, gpu.mig) == ("GPU-00000000-0000-4000-8000-000000000000", False)
    assert why == {}


def test_the_call_that_blocks_is_made_once_a_second_and_only_without_gpm(
    machines: Machines,
) -> None:
    assert machines["a100"].absent == machines["h100"].absent == ""
    looks = [c for c in nvml.read_log(machines.log("a100")) if "PcieThroughput" in c.function]
    # In 1.4 s: at the beginning and after a second, each in both directions.
    assert 2 <= len(looks) <= 4
    assert not [c for c in nvml.read_log(machines.log("h100")) if "Throughput" in c.function]


def test_a_call_that_blocks_holds_nothing_else_up(machines: Machines) -> None:
    (gpu,) = machines["slow link"].gpus
    assert gpu.utilization_percent == pytest.approx(60)
    calls = nvml.read_log(machines.log("slow link"))
    first, second = [c.at_s for c in calls if "PcieThroughput" in c.function][:2]
    meanwhile = [c for c in calls if first < c.at_s < second and "Utilization" in c.function]
    assert len(meanwhile) >= 2


def test_gpus_are_those_that_cuda_shows_in_its_order(machines: Machines) -> None:
    busy, idle = scenarios.two_gpus().gpus
    both = machines["two_gpus"].gpus
    check(both[0], busy, seconds=1, **gpm(busy))
    check(both[1], idle, seconds=1, **gpm(idle))
    assert [one.utilization_percent for one in machines["second"].gpus] == [0]
    assert [one.utilization_percent for one in machines["turned"].gpus] == [0, 60]
    assert [one.index for one in machines["turned"].gpus] == [0, 1]
    (by_name,) = machines["uuid"].gpus
    assert by_name.uuid == "GPU-00000001-0000-4000-8000-000000000000"
    assert "CUDA_VISIBLE_DEVICES=-1" in machines["hidden"].absent
    assert [one.name for one in machines["mixed"].gpus] == ["Fast", "Slow"]
    assert [one.name for one in machines["mixed by bus"].gpus] == ["Slow", "Fast"]


def test_eight_gpus(machines: Machines) -> None:
    gpus = machines["eight_gpus"].gpus
    assert [gpu.utilization_percent for gpu in gpus] == [pytest.approx(10 * n) for n in range(1, 9)]
    for gpu, card in zip(gpus, scenarios.eight_gpus().gpus, strict=True):
        check(gpu, card, seconds=1)


def test_a_mig_instance_has_its_own_figures_and_those_of_its_chip(machines: Machines) -> None:
    (parent,) = scenarios.mig().gpus
    for name, memory, active in (("mig", 4, 70), ("mig by name", 1, 10)):
        (gpu,), why = machines[name].windows[0]
        assert gpu.mig
        assert gpu.memory_used_bytes == memory * GIB
        assert gpu.memory_total_bytes == 40 * GIB
        assert gpu.sm_active_percent == pytest.approx(active)
        assert (gpu.sm_clock_mhz, gpu.temperature_c) == (parent.clock_sm_mhz, parent.temperature_c)
        absent = ("utilization_percent", "power_w", "energy_j_per_step", "pcie_rx_bytes_per_s")
        assert [getattr(gpu, field) for field in absent] == [None] * 4
        assert {why[f"gpus.{field}"] for field in absent} == {NOT_ON_MIG}


def test_an_old_driver_lacks_some_and_gives_the_rest(machines: Machines) -> None:
    (gpu,), why = machines["old_driver"].windows[0]
    (card,) = scenarios.old_driver().gpus
    check(gpu, card, seconds=1, other_processes=None, other_processes_bytes=None)
    assert why["gpus.other_processes"] == OLD_DRIVER
    assert set(why) == {f"gpus.{f}" for f in (*GPM, "other_processes", "other_processes_bytes")}


def test_what_a_card_does_not_support_is_missing_alone(machines: Machines) -> None:
    (gpu,), why = machines["not_supported"].windows[0]
    known = {"memory_used_bytes": GIB, "memory_total_bytes": 2 * GIB, "temperature_c": 55}
    assert said(gpu, known) == known
    missing = {f.name for f in dataclasses.fields(Gpu) if getattr(gpu, f.name) is None}
    assert {f"gpus.{field}" for field in missing | {"throttled"}} == set(why)
    assert why["gpus.power_w"] == why["gpus.throttled"] == NOT_SUPPORTED


def test_without_permission_the_reason_says_so(machines: Machines) -> None:
    (gpu,), why = machines["no_permission"].windows[0]
    refused = (*GPM, "utilization_percent", "energy_j_per_step", "pcie_tx_bytes_per_s")
    assert {why[f"gpus.{field}"] for field in (*refused, "other_processes")} == {NO_PERMISSION}
    assert [getattr(gpu, field) for field in refused] == [None] * len(refused)
    assert (gpu.power_w, gpu.sm_clock_mhz) == (pytest.approx(H100.power_w), H100.clock_sm_mhz)


def test_a_lost_gpu_keeps_what_was_measured_and_the_others_go_on(machines: Machines) -> None:
    (whole, half), why = machines["half lost"].windows[0]
    check(whole, H100, seconds=1, **gpm(H100))
    # The energy of the time until then stands for the whole window, as the other means do.
    check(half, A100, seconds=1)
    assert why["gpus[1]"] == LOST_BEFORE
    assert 0 < half.samples < whole.samples
    (first, second), why = machines["lost"].windows[0]
    check(first, H100, seconds=1, **gpm(H100))
    assert second.utilization_percent is None
    assert why["gpus.utilization_percent"] == f"{LOST} (GPU 1)"


def test_the_energy_counter_may_wrap_or_begin_again(machines: Machines) -> None:
    (gpu,) = machines["wrapping"].gpus
    assert gpu.energy_j_per_step == pytest.approx(500 * 1.2 / STEPS, rel=0.05)
    (gpu,) = machines["reset"].gpus
    assert gpu.energy_j_per_step == pytest.approx(400 * 1.0 / STEPS, rel=0.05)


def test_bursts_are_averaged_over_the_driver_s_own_periods(machines: Machines) -> None:
    (gpu,) = machines["bursty"].gpus
    assert gpu.utilization_percent == pytest.approx(25, abs=3)
    assert gpu.sm_active_percent == pytest.approx(96 / 4, abs=3)
    assert gpu.tensor_active_percent == pytest.approx(80 / 4, abs=3)
    assert gpu.power_w == pytest.approx((700 + 3 * 100) / 4, abs=25)
    assert gpu.energy_j_per_step == pytest.approx(250 * 1.0 / STEPS, rel=0.15)
    assert gpu.throttled == ()


def test_throttling_is_named_with_the_clocks_of_the_time(machines: Machines) -> None:
    (before,), (after,) = (gpus for gpus, _ in machines["throttled"].windows)
    power = Throttle(name="sw power cap", fraction=1.0)
    heat = Throttle(name="sw thermal slowdown", fraction=1.0)
    assert (before.throttled, before.sm_clock_mhz, before.temperature_c) == ((power,), 1500, 80)
    assert (after.throttled, after.sm_clock_mhz, after.temperature_c) == ((power, heat), 990, 90)


def test_processes_that_are_not_the_script_s_are_counted(machines: Machines) -> None:
    (alone,), (shared,) = (gpus for gpus, _ in machines["shared"].windows)
    assert (alone.other_processes, alone.other_processes_bytes) == (0, 0)
    assert (shared.other_processes, shared.other_processes_bytes) == (2, 21 * GIB)


def test_under_wsl2_there_is_little(machines: Machines) -> None:
    (gpu,), why = machines["wsl2"].windows[0]
    assert (gpu.power_w, gpu.temperature_c) == (pytest.approx(120), 48)
    assert why["gpus.utilization_percent"].startswith(NOT_SUPPORTED)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none_at_all", "lists no GPU"),
        ("not_loaded", "not loaded"),
        ("mismatch", "different versions"),
    ],
)
def test_where_the_driver_does_not_start_the_reason_is_said(
    machines: Machines, name: str, reason: str
) -> None:
    sensed = machines[name]
    assert reason in sensed.absent
    assert sensed.gpus == []


IDLE = scenarios.two_gpus().gpus[1]
# Name: the machine, and the variables of the run.
PROFILED = {
    "own choice": (
        Scenario((IDLE, H100)),
        {"CUDA_VISIBLE_DEVICES": "0,1", "OWN_CHOICE": "1"},
    ),
    "lost": (Scenario((H100, A100), rules=(Lost(1, 12),)), {"CUDA_VISIBLE_DEVICES": "0,1"}),
}


class Profiled:
    """The same script bare and under `gputune profile`, on a few machines."""

    def __init__(self, pool: ThreadPoolExecutor, top: Path) -> None:
        self.top = top
        self.bare = pool.submit(python, SCRIPT, cwd=top / "bare")
        self.runs: dict[str, Future[Ran]] = {}
        for name, (scenario, variables) in PROFILED.items():
            env = nvml.environment(scenario, top / f"driver-{name}")
            self.runs[name] = pool.submit(
                gputune, "profile", "--full", "--max-seconds", "1", SCRIPT,
                cwd=top / name, env={**env, **variables},
            )  # fmt: skip


@pytest.fixture(scope="module")
def profiled(
    pool: ThreadPoolExecutor, machines: Machines, tmp_path_factory: pytest.TempPathFactory
) -> Profiled:
    return Profiled(pool, tmp_path_factory.mktemp("profiled"))


@pytest.mark.parametrize("name", list(PROFILED))
def test_a_profile_has_the_machine_s_figures_and_the_script_runs_as_bare(
    profiled: Profiled, name: str
) -> None:
    ran, bare = profiled.runs[name].result(), profiled.bare.result()
    assert (ran.exit_code, bare.exit_code) == (0, 0), ran.stderr
    assert bare.losses
    assert ran.losses == bare.losses
    profile = report(profiled.top / name / "gputune-reports")
    reasons = {entry.metric: entry.reason for entry in profile.unavailable}
    gpu = profile.gpus[0]
    wanted = {**stated(H100), **gpm(H100)}
    assert said(gpu, wanted) == steady(wanted)
    assert profile.steps is not None
    assert profile.steps.mean_s is not None
    assert gpu.energy_j_per_step == pytest.approx(400 * profile.steps.mean_s, rel=0.2)
    assert gpu.energy_j_per_sample == pytest.approx(gpu.energy_j_per_step / 8)
    assert "H100" in ran.stderr + ran.stdout
    curves = {series.name: series for series in profile.series}
    for metric in ("utilization_percent", "sm_active_percent", "memory_used_bytes", "power_w"):
        curve = curves[f"gpus[0].{metric}"]
        assert list(curve.value) == pytest.approx(
            [getattr(gpu, metric)] * len(curve.value), rel=1e-4
        ), metric
        assert 0 <= curve.t_s[0] <= curve.t_s[-1] <= profile.command.duration_s
    if name == "lost":
        assert profile.gpus[1].name == A100.name
        assert profile.gpus[1].power_w is None
        assert reasons["gpus[1]"] == LOST_BEFORE
        assert reasons["gpus.power_w"] == f"{LOST} (GPU 1)"
    else:
        assert [one.uuid for one in profile.gpus] == ["GPU-00000001-0000-4000-8000-000000000000"]
        assert not [metric for metric in reasons if metric.startswith("gpus")]
