"""`gputune tune` on a real script, in real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from gputune import api
from gputune.schema.study import Study
from tests.integration.running import SCRIPTS, environment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]
SERVED = SCRIPTS / "served.py"
STUDY = ("--knobs", "prefetch,steps_per_execution", "--budget", "60s", "--trials", "3")


def command(folder: Path, *options: str, script: Path = SERVED) -> list[str]:
    return [
        sys.executable, "-m", "gputune", "tune", "-o", str(folder / "reports"),
        "--toml", str(folder / "gputune.toml"), *options, str(script),
    ]  # fmt: skip


def environ(folder: Path, **extra: str) -> dict[str, str]:
    return {
        **os.environ, "PYTHONPATH": environment()["PYTHONPATH"], "SEEN": str(folder / "seen.jsonl"),
        "TF_CPP_MIN_LOG_LEVEL": "2", **extra,
    }  # fmt: skip


def tuned(
    folder: Path, *options: str, script: Path = SERVED, **extra: str
) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        command(folder, *options, script=script), cwd=folder, env=environ(folder, **extra),
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def study_of(folder: Path) -> Study:
    (path,) = (folder / "reports").glob("*.study.json")
    found = api.load(path)
    assert isinstance(found, Study)
    return found


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tune")


@pytest.fixture(scope="module")
def study(top: Path) -> tuple[str, ...]:
    """The options of a study that begins with a profile made once for all of these tests."""
    made = top / "profile.json"
    ran = subprocess.run(
        [
            sys.executable, "-m", "gputune", "profile", "--max-seconds", "3",
            "-o", str(top / "profiled"),
            "--json", str(made), str(SERVED),
        ],
        cwd=top, env=environ(top), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return (*STUDY, "--profile", str(made))


@pytest.fixture(scope="module")
def whole(top: Path, study: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return tuned(top / "whole", *study)


def test_a_study_has_its_answer_and_its_files(
    whole: subprocess.CompletedProcess[str], top: Path
) -> None:
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout == ""
    assert "Traceback" not in whole.stderr
    made = study_of(top / "whole")
    assert {k.knob for k in made.knobs_searched} == {"prefetch", "steps_per_execution"}
    assert made.trials[0].knobs == made.baseline.knobs
    states = [trial.state for trial in made.trials]
    assert set(states) <= {"complete", "pruned"}, made.trials
    assert all(trial.in_process for trial in made.trials), made.notes
    left_out = {one.knob for one in made.knobs_left_out}
    assert {"memory_growth", "mixed_precision", "batch_size"} <= left_out
    for one in made.confirmation:
        assert one.verdict in ("faster", "slower", "same", "inconclusive")
    assert made.verdict.splitlines()[0] in " ".join(whole.stderr.split())
    recommended = made.best or made.best_same_batch
    assert (top / "whole" / "gputune.toml").is_file() == (recommended is not None)
    assert list((top / "whole" / "reports").glob("*.study.html"))


def test_the_same_command_goes_on_with_what_is_there(
    whole: subprocess.CompletedProcess[str], top: Path, study: tuple[str, ...]
) -> None:
    """All its trials were made: none is made again, and the confirmation is not either."""
    before = study_of(top / "whole")
    again = tuned(top / "whole", *study, "--json", str(top / "again.json"))
    assert again.returncode == 0, again.stderr
    after = api.load(top / "again.json")
    assert isinstance(after, Study)
    first = len(before.trials)
    assert after.trials[:first] == before.trials
    assert "round 1" not in again.stderr and "trial 0" not in again.stderr
    other = tuned(top / "whole", *study, "--objective", "memory")
    assert other.returncode == 2
    assert "another objective" in other.stderr and "--fresh" in other.stderr


def test_the_journal_tells_a_cut_off_last_line(
    whole: subprocess.CompletedProcess[str], top: Path, study: tuple[str, ...]
) -> None:
    (journal,) = (top / "whole" / "reports").glob("*.study.jsonl")
    with journal.open("a") as file:
        file.write('{"op_code": 5, "work')
    again = tuned(top / "whole", *study, "--json", str(top / "repaired.json"))
    assert again.returncode == 0, again.stderr
    assert "last line" in again.stderr
    assert isinstance(api.load(top / "repaired.json"), Study)


CASES: dict[str, tuple[dict[str, str], str, int, str]] = {
    "a loss that is no number": ({"RATE": "1e30"}, "", 1, "the loss is"),
    "an error in the baseline": ({}, "raise KeyError('no data')\n", 1, "KeyError: 'no data'"),
    "no training at all": ({}, "raise SystemExit(0)\n", 1, "no training was seen"),
}


@pytest.fixture(scope="module")
def failing(
    top: Path, study: tuple[str, ...]
) -> dict[str, Future[subprocess.CompletedProcess[str]]]:
    pool = ThreadPoolExecutor(2)
    runs = {}
    for number, (name, (extra, first, _, _)) in enumerate(CASES.items()):
        options, script = study, SERVED
        if first:
            options, script = STUDY, top / f"case{number}.py"
            script.write_text(first + SERVED.read_text())
        runs[name] = pool.submit(tuned, top / str(number), *options, script=script, **extra)
    return runs


@pytest.mark.parametrize("name", CASES)
def test_a_script_that_fails_as_it_is(
    name: str, failing: dict[str, Future[subprocess.CompletedProcess[str]]]
) -> None:
    _, _, code, said = CASES[name]
    ran = failing[name].result()
    assert ran.returncode == code, ran.stderr
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


def children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def begun(folder: Path, *options: str) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        command(folder, *options), cwd=folder, env=environ(folder), stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def wait_for(process: subprocess.Popen[str], text: str) -> list[str]:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if text in line:
            return said
    raise AssertionError(f"{text!r} was never said: {said}")


def test_killed_amid_a_trial_it_loses_that_trial_alone(top: Path, study: tuple[str, ...]) -> None:
    folder = top / "killed"
    process = begun(folder, *study)
    said = wait_for(process, "trial 1:")
    time.sleep(0.5)
    orphans = children(process.pid)
    process.kill()
    process.communicate(timeout=20)
    gone, alive = psutil.wait_procs(orphans, timeout=20)
    assert not alive, "a trial outlives its tuner"
    assert gone
    after = tuned(folder, *study)
    assert after.returncode == 0, after.stderr
    made = study_of(folder).trials
    told = [line for line in said if line.startswith("trial ")]
    assert len(made) >= len(told)
    for line, trial in zip(told, made, strict=False):
        assert line.startswith(f"trial {trial.number}:")
        assert line not in after.stderr, "it was made a second time"


def test_one_ctrl_c_keeps_everything_and_a_second_ends_at_once(
    top: Path, study: tuple[str, ...]
) -> None:
    folder = top / "interrupted"
    process = begun(folder, *study)
    wait_for(process, "trial 0:")
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=100)
    assert process.returncode == 130, rest
    assert "goes on with what was measured" in " ".join(rest.split())
    assert len(study_of(folder).trials) >= 1
    process = begun(folder, *STUDY, "--fresh")
    wait_for(process, "profiling")
    time.sleep(2)
    orphans = children(process.pid)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=20)
    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    _, alive = psutil.wait_procs(orphans, timeout=10)
    assert not alive


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for a study's beginning."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small file system")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_disk_that_fills_up_ends_the_study_and_keeps_what_was_measured(
    small_disk: Path, study: tuple[str, ...]
) -> None:
    process = begun(small_disk, *study)
    wait_for(process, "trial 0:")
    with (small_disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
        while True:
            ballast.write(b"x" * 512)
    _, said = process.communicate(timeout=100)
    assert process.returncode == 125, said
    assert "cannot be written: No space left on device" in " ".join(said.split())
    assert "make room" in said
    assert "Traceback" not in said
    (journal,) = (small_disk / "reports").glob("*.study.jsonl")
    whole = [json.loads(line) for line in journal.read_text().splitlines()[:-1]]
    assert any("samples_per_s" in json.dumps(entry) for entry in whole), "the first trial is kept"


def test_a_plan_runs_nothing(
    whole: subprocess.CompletedProcess[str], top: Path
) -> None:  # fmt: skip
    ran = tuned(top / "whole", "--plan", "--knobs", "prefetch,batch_size", "--max-batch-size", "64")
    assert ran.returncode == 0, ran.stderr
    assert "batch_size: " in ran.stdout and "128" not in ran.stdout.split("batch_size: ")[1][:40]
    assert "trials of" in ran.stdout and "minutes" in ran.stdout
    nowhere = tuned(top / "planless", "--plan")
    assert nowhere.returncode == 2
    assert "--profile" in nowhere.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--knobs", "prefetsch"], "prefetch"),
        (["--fix", "batch_size"], "--fix batch_size=64"),
        (["--budget", "soon"], "10m"),
        (["--budget", "0s"], "10m"),
        (["--trials", "0"], "trials"),
        (["--config", "absent.toml"], "absent.toml"),
        (["--profile", "absent.json"], "absent.json"),
    ],
)
def test_a_wrong_command_is_told_before_anything_runs(
    options: list[str], said: str, top: Path, whole: subprocess.CompletedProcess[str]
) -> None:
    ran = tuned(top / "whole", *options)
    assert ran.returncode == 2, ran.stderr
    assert said in ran.stderr
    assert "profiling" not in ran.stderr
    assert "Traceback" not in ran.stderr
