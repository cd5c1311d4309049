"""`gputune doctor` with real child processes: TensorFlow itself once, made-up machines otherwise.

On those the driver is the stand-in of `tests/fakes`, asked by the real pynvml and through ctypes;
TensorFlow is a package of a few lines; CUDA's libraries are empty ones that the real loader loads.
Only what the kernel shows below /dev, /proc and /sys is handed in.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gputune.cli.main import main
from gputune.doctor import gather as gathering
from gputune.doctor.cuda import library_names
from gputune.doctor.diagnose import diagnose
from gputune.doctor.facts import driver as asked
from gputune.doctor.machine import DeviceFile, Hardware, Machine, PciCard, Place
from gputune.schema.finding import Severity
from gputune.schema.publish import FOLDER
from tests.fakes import cuda, nvml
from tests.fakes import tensorflow as fake
from tests.fakes.nvml import FakeProcess, Scenario, Slow, scenarios
from tests.fakes.nvml.scenarios import GIB, H100
from tests.integration.running import ROOT, gputune
from tests.unit.report.hostile import NASTY
from tests.unit.report.reading import Page, one_script

pytestmark = pytest.mark.integration
needs_compiler = pytest.mark.skipif(not nvml.has_compiler(), reason=nvml.NO_COMPILER)

FILES = tuple(DeviceFile(path=f"/dev/{name}") for name in ("nvidia0", "nvidiactl", "nvidia-uvm"))
HARDWARE = Hardware(
    cards=(PciCard(address="0000:1b:00.0", driver="nvidia"),),
    files=FILES,
    module_version="560.35.03",
)
IDLE = dataclasses.replace(H100, memory_used_bytes=GIB, memory_reserved_bytes=0)
WELL = Scenario((IDLE,), driver="560.35.03", cuda=12060)
NAMES = library_names("12.5.1", "9")


def test_this_machine_as_it_is(tmp_path: Path) -> None:
    """The one real import of TensorFlow in this file."""
    ran = gputune(
        "doctor", "--timeout", "120", "--json", "-", "--html", "d.html", "--data", tmp_path,
        cwd=tmp_path,
        env={"KERAS_HOME": str(tmp_path)},
    )  # fmt: skip
    body = json.loads(ran.stdout)
    jsonschema.validate(body, json.loads((FOLDER / "doctor.schema.json").read_text()))
    found = {one["id"]: one for section in body["sections"] for one in section["findings"]}
    problems = [name for name, one in found.items() if one["severity"] == "problem"]
    assert ran.exit_code == (1 if problems else 0), ran.stderr
    assert body["unavailable"] == []
    assert body["environment"]["tensorflow"] == version("tensorflow")
    assert body["environment"]["keras"] == version("keras")
    assert f"TensorFlow {version('tensorflow')} imports in" in found["tensorflow"]["title"]
    assert found["build"]["title"].startswith("Built for ")
    assert found["keras"]["severity"] == "good"
    assert ("no-gpu" in found) is ("gpus-hidden" not in found), "CUDA_VISIBLE_DEVICES is empty"
    assert {"versions", "host", "disk"} <= set(found)
    page = (tmp_path / "d.html").read_text()
    assert "gputune-doctor" in page and "://" not in page
    assert body["verdict"] in ran.stderr.replace("\n", " ")


@dataclasses.dataclass
class MadeUp:
    """A machine in a folder of its own; `examine` gathers it with real processes."""

    folder: Path
    hardware: Hardware = HARDWARE
    place: Place = dataclasses.field(default_factory=Place)
    scenario: Scenario = WELL
    cuinit: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    libraries: tuple[str, ...] = NAMES
    cudnn: int = 90300
    tensorflow: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def examine(self, monkeypatch: pytest.MonkeyPatch) -> Machine:
        site = fake.packages(self.folder / "site", **self.tensorflow)
        if self.libraries:
            cuda.libraries(site / "nvidia" / "all" / "lib", self.libraries, cudnn=self.cudnn)
        environ = nvml.environment(self.scenario, self.folder)
        cuda.libcuda(Path(environ["LD_LIBRARY_PATH"].split(os.pathsep)[0]), **self.cuinit)
        monkeypatch.setattr(gathering, "hardware", lambda: self.hardware)
        monkeypatch.setattr(gathering, "place", lambda environ: self.place)
        paths = os.pathsep.join([str(site), str(ROOT)])
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return gathering.gather(
            timeout_s=100,
            environ={**kept, **environ, "PYTHONPATH": paths, **self.variables},
        )


SEEN = {"gpus": ["NVIDIA H100 80GB HBM3"]}
MISMATCH = dataclasses.replace(WELL, rules=scenarios.mismatch().rules)
OLD = dataclasses.replace(scenarios.old_driver(), driver="470.82.01", cuda=11040)
HELD = dataclasses.replace(
    WELL,
    gpus=(
        dataclasses.replace(
            IDLE, memory_used_bytes=78 * GIB, processes=(FakeProcess(os.getpid(), 77 * GIB),)
        ),
    ),
)
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "well": ({"tensorflow": SEEN}, []),
    "hidden": ({"variables": {"CUDA_VISIBLE_DEVICES": ""}, "cuinit": {"init": 100}},
               ["gpus-hidden"]),
    "wrong number": ({"variables": {"CUDA_VISIBLE_DEVICES": "3"}, "cuinit": {"init": 100}},
                     ["visible-devices-wrong"]),
    "MIG, and a name that is none": (
        {"scenario": scenarios.mig(), "variables": {"CUDA_VISIBLE_DEVICES": "MIG-nobody"},
         "cuinit": {"init": 100}},
        ["visible-devices-wrong"],
    ),
    "driver too old": ({"scenario": OLD, "cuinit": {"version": 11040}}, ["driver-too-old"]),
    "no restart": ({"scenario": MISMATCH, "cuinit": {"init": 803}}, ["driver-mismatch"]),
    "not loaded": (
        {"scenario": scenarios.not_loaded(), "hardware": Hardware(cards=HARDWARE.cards),
         "cuinit": {"init": 100}},
        ["driver-not-loaded"],
    ),
    "container": (
        {"hardware": dataclasses.replace(HARDWARE, files=()), "cuinit": {"init": 100},
         "scenario": scenarios.not_loaded(), "place": Place(container="docker")},
        ["container-without-gpu"],
    ),
    "fabric manager": ({"cuinit": {"init": 802}}, ["cuda-does-not-start"]),
    "CPU build": ({"tensorflow": {"build": fake.CPU_BUILD}}, ["cpu-only-build"]),
    "a library gone": (
        {"libraries": tuple(name for name in NAMES if not name.startswith("libcufft"))},
        ["library-missing"],
    ),
    "cuDNN too old": ({"cudnn": 90100, "tensorflow": SEEN}, ["library-wrong"]),
    "memory held": ({"scenario": HELD, "tensorflow": SEEN}, ["gpu-memory-held"]),
}  # fmt: skip


@needs_compiler
@pytest.mark.parametrize("name", CASES)
def test_a_made_up_machine_s_cause_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, expected = CASES[name]
    machine = MadeUp(tmp_path, **parts).examine(monkeypatch)
    diagnosis = diagnose(machine)
    assert diagnosis.unavailable == ()
    found = [one for section in diagnosis.sections for one in section.findings]
    assert [one.id for one in found if one.severity is Severity.PROBLEM] == expected
    text = " ".join(" ".join([one.title, *one.evidence]) for one in found)
    if name == "well":
        assert machine.libraries is not None and [one.name for one in machine.libraries] == [*NAMES]
        assert {one.by for one in machine.libraries} == {"packages"}
        assert machine.cuda.init_code == 0 and machine.cuda.version == (12, 6)
        assert "NVIDIA driver 560.35.03, for CUDA up to 12.6." in text
    elif name == "a library gone":
        assert "libcufft.so.11: of the package nvidia-cufft-cu12" in text
    elif name == "memory held":
        assert f"process {os.getpid()} (" in text and "holds 77 GiB" in text
    elif name.startswith("MIG"):
        assert "MIG-nobody names no GPU" in text and "is divided into" in text


@needs_compiler
def test_libraries_are_looked_for_as_the_loader_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LD_LIBRARY_PATH goes before the packages: what stands there, and is none, is the cause."""
    before = tmp_path / "before"
    before.mkdir()
    (before / "libcudnn.so.9").write_bytes(b"no library")
    made = MadeUp(tmp_path / "machine")
    made.folder.mkdir()
    monkeypatch.setenv("LD_LIBRARY_PATH", str(before))  # nvml.environment puts its own before it
    machine = made.examine(monkeypatch)
    (library,) = [one for one in machine.libraries or () if one.name == "libcudnn.so.9"]
    assert (library.by, library.path) == ("LD_LIBRARY_PATH", str(before / "libcudnn.so.9"))
    assert library.error
    found = [one for section in diagnose(machine).sections for one in section.findings]
    (wrong,) = [one for one in found if one.severity is Severity.PROBLEM]
    assert wrong.id == "library-wrong" and "LD_LIBRARY_PATH" in wrong.remedy


@needs_compiler
def test_a_driver_that_hangs_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = dataclasses.replace(WELL, rules=(Slow("nvmlInit", 600),))
    ask_driver = asked.ask_driver
    monkeypatch.setattr(gathering, "ask_driver", lambda environ: ask_driver(environ, timeout_s=2))
    begun = time.monotonic()
    machine = MadeUp(tmp_path, scenario=hanging).examine(monkeypatch)
    assert time.monotonic() - begun < 100, "it sleeps for ten minutes"
    found = [one for section in diagnose(machine).sections for one in section.findings]
    assert [one.id for one in found if one.severity is Severity.PROBLEM] == ["driver-hangs"]


@pytest.mark.parametrize(
    ("first", "expected", "says"),
    [
        (fake.ABORTS, "tensorflow-crashes", "SIGABRT"),
        (fake.HANGS, "tensorflow-hangs", "did not come to an end in 6 s: it was imported"),
        (fake.ABSENT, "tensorflow-absent", "TensorFlow is not installed in this Python"),
        ("raise SystemExit('no')", "tensorflow-does-not-import", "SystemExit: no"),
        (f"raise ValueError({NASTY!r})", "tensorflow-does-not-import", "</script>"),
    ],
    ids=["aborts", "hangs", "absent", "exits", "hostile"],
)
def test_an_import_that_fails_is_a_finding(
    first: str, expected: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    site = fake.packages(tmp_path / "site", first=first)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(ROOT)]))
    monkeypatch.chdir(tmp_path)
    timeout = "6" if first == fake.HANGS else "100"
    assert main(["doctor", "--timeout", timeout, "--json", "d.json", "--html", "d.html"]) == 1
    out, err = capfd.readouterr()
    assert err == "JSON: d.json\npage: d.html\n"
    assert all(char.isprintable() or char == "\n" for char in out)
    body = json.loads((tmp_path / "d.json").read_text())
    problems = [
        one for section in body["sections"] for one in section["findings"]
        if one["severity"] == "problem" and one["id"].startswith("tensorflow-")
    ]  # fmt: skip
    assert [one["id"] for one in problems] == [expected]
    assert says in " ".join([problems[0]["title"], *problems[0]["evidence"]])
    page = (tmp_path / "d.html").read_text()
    assert "://" not in page
    one_script(Page(page))


def test_a_file_called_tensorflow_in_the_folder_is_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tensorflow.py").write_text("x = 1\n")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 1
    out = " ".join(capfd.readouterr().out.split())
    assert "Something else than TensorFlow is imported under its name." in out
    # A long path is broken where the terminal ends.
    assert f"itis{tmp_path / 'tensorflow.py'}" in out.replace(" ", "")


def test_a_file_that_keeps_python_from_starting_is_not_tensorflow_s_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "json.py").write_text("raise RuntimeError('mine')\n")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 1
    out = " ".join(capfd.readouterr().out.split())
    assert "Python does not start here" in out and "RuntimeError: mine" in out


def test_with_a_numpy_that_does_not_import_the_doctor_still_speaks(tmp_path: Path) -> None:
    """gputune's other commands stand on NumPy, too: this one must not."""
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text(
        "raise ImportError('numpy.core.multiarray failed to import')\n"
    )
    paths = f"{tmp_path}{os.pathsep}{ROOT}"
    ran = gputune("doctor", cwd=tmp_path, env={"PYTHONPATH": paths})
    assert ran.exit_code == 1 and ran.stderr == ""
    verdict = ran.stdout.splitlines()[0]
    assert verdict == "TensorFlow does not import. It was built for another major version of NumPy."
