"""`gputune trace` as a user runs it: in a process of its own, which never loads TensorFlow."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.fixtures import gpu_traces
from tests.integration.running import ROOT, Ran, python

NO_TENSORFLOW = """
import sys
from gputune.cli import main
code = main(sys.argv[1:])
loaded = {name.partition(".")[0] for name in sys.modules} & {"tensorflow", "keras"}
print("LOADED", sorted(loaded), file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A trace of eight GPUs of which one did nothing."""
    path = tmp_path / "vm.xplane.pb"
    path.write_bytes(gpu_traces.eight_gpus().bytes())
    return path


def trace(*arguments: str, cwd: Path) -> Ran:
    return python("-c", NO_TENSORFLOW, "trace", *arguments, cwd=cwd, env={})


def test_tensorflow_is_never_loaded(file: Path, tmp_path: Path) -> None:
    options = ["--json", "-", "--html", "a.html", "--chrome", "a.json.gz"]
    ran = trace(file.name, *options, cwd=tmp_path)
    assert ran.exit_code == 0, ran.stderr
    assert "LOADED []" in ran.stderr
    report = json.loads(ran.stdout)
    assert [device["capture"]["kernel_count"] for device in report["devices"]] == [0] + [2] * 7
    assert {path.name for path in tmp_path.iterdir()} == {file.name, "a.html", "a.json.gz"}


def test_the_real_trace_from_the_command_line(shared: Path, tmp_path: Path) -> None:
    real = shared / "data" / "gpu_v100x8_bert.xplane.pb"
    if not real.is_file():
        pytest.skip(f"needs {real.name} of the shared material")
    ran = trace(str(real), "--json", "-", cwd=tmp_path)
    assert ran.exit_code == 0, ran.stderr
    device = json.loads(ran.stdout)["devices"][4]
    (step,) = device["steps"]
    assert round(step["idle_s"] * 1e9) == 4_994_507
    assert (device["capture"]["h2d_count"], device["capture"]["h2d_bytes"]) == (82, 37_447)


@pytest.mark.parametrize(
    ("content", "code"), [(b"", 1), (b"# text\n", 1), (gpu_traces.overlapped().bytes()[:-9], 1)]
)
def test_what_is_no_trace_is_two_lines(content: bytes, code: int, tmp_path: Path) -> None:
    (tmp_path / "x.xplane.pb").write_bytes(content)
    ran = python("-m", "gputune", "trace", "x.xplane.pb", cwd=tmp_path, env={})
    assert (ran.exit_code, ran.stdout) == (code, "")
    error, hint = ran.stderr.splitlines()
    assert error.startswith("error: ") and hint.startswith("hint: ")


PEAK = """
import resource, sys
from gputune.cli import main
assert main(["trace", sys.argv[1], "--json", sys.argv[2]]) == 0
print("PEAK", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def test_memory_grows_by_less_than_three_times_the_file(tmp_path: Path) -> None:
    builder = ROOT / "benchmarks" / "constructions" / "big_trace.py"
    peaks, sizes = [], []
    for megabytes in (1, 40):
        trace_, out = tmp_path / f"{megabytes}.xplane.pb", tmp_path / f"{megabytes}.json"
        made = python(builder, trace_, megabytes, cwd=tmp_path)
        truth = json.loads(made.stdout)
        ran = python("-c", PEAK, trace_, out, cwd=tmp_path)
        assert ran.exit_code == 0, ran.stderr
        report = json.loads(out.read_text())
        counts = [device["capture"]["kernel_count"] for device in report["devices"]]
        assert counts == [truth["kernels_per_gpu"]] * truth["gpus"]
        peaks.append(int(ran.stdout.rpartition("PEAK ")[2]))
        sizes.append(truth["bytes"])
    assert (peaks[1] - peaks[0]) / (sizes[1] - sizes[0]) < 3


def test_a_pipe_that_is_closed_is_no_traceback(file: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m gputune trace {file} --json - | head -c 1 > /dev/null"
    ran = python("-c", f"import os; os.system({command!r})", cwd=tmp_path, env={})
    assert "Traceback" not in ran.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_said(file: Path, tmp_path: Path) -> None:
    file.chmod(0)
    ran = python("-m", "gputune", "trace", file.name, cwd=tmp_path, env={})
    assert ran.exit_code == 1 and "Permission denied" in ran.stderr
