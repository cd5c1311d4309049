"""What is asked wrongly, and what goes wrong: said in words, with the right exit code."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from gputune import api
from tests.integration.running import (
    SCRIPTS,
    WORKLOADS,
    Popen,
    gputune,
    hashes,
    python,
    report,
    start,
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def said(stderr: str) -> tuple[str, str]:
    """The words behind `error:` and `hint:`."""
    lines = stderr.splitlines()
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    hints = [line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")]
    assert len(errors) == 1, stderr
    assert "Traceback" not in stderr
    return errors[0], hints[0] if hints else ""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "train.py").write_text("print('ran')\n")
    return folder


# Wrong command lines: nothing is run.


def test_a_missing_script(work: Path) -> None:
    ran = gputune("profile", "trian.py", cwd=work)
    error, hint = said(ran.stderr)
    assert ran.exit_code == 2
    assert "trian.py does not exist" in error
    assert "train.py" in hint
    assert not (work / "gputune-reports").exists()


def test_a_folder(work: Path) -> None:
    ran = gputune("profile", ".", cwd=work)
    assert ran.exit_code == 2
    assert "folder" in said(ran.stderr)[0]


def test_a_script_that_does_not_compile(work: Path) -> None:
    (work / "broken.py").write_text("x = 1\nif x\n    pass\n")
    ran = gputune("profile", "broken.py", cwd=work)
    error, hint = said(ran.stderr)
    assert ran.exit_code == python("broken.py", cwd=work).exit_code == 1
    assert "broken.py:2: SyntaxError" in error
    assert hint == "if x"


def test_an_unknown_option(work: Path) -> None:
    ran = gputune("profile", "--fulll", "train.py", cwd=work)
    assert ran.exit_code == 2
    assert "--full" in ran.stderr
    assert "ran" not in ran.stdout


def test_no_script_at_all(work: Path) -> None:
    assert gputune("profile", cwd=work).exit_code == 2


# Reports that cannot be written: known before the script has run, where that can be.


@pytest.mark.parametrize(
    "options",
    [
        ("-o", "train.py/reports"),
        ("-o", "train.py"),
        ("-o", "/proc/reports"),
        ("--json", "/proc/report.json"),
        ("--json", "train.py/report.json"),
        ("--json", "."),
        ("--json", "train.py"),
        ("--html", "train.py"),
    ],
    ids=" ".join,
)
def test_output_that_cannot_be_written(options: tuple[str, ...], work: Path) -> None:
    ran = gputune("profile", *options, "train.py", cwd=work)
    error, hint = said(ran.stderr)
    assert ran.exit_code == 125
    assert options[1].removesuffix("/report.json") in error
    assert hint
    assert ran.stdout == ""
    assert (work / "train.py").read_text() == "print('ran')\n"


def test_what_was_measured_is_saved_where_the_disk_is_full_afterwards(work: Path) -> None:
    ran = gputune("profile", "--force", "--json", "/dev/full", "train.py", cwd=work)
    error, hint = said(ran.stderr)
    assert ran.exit_code == 125
    assert "No space left" in error
    rescued = Path(hint.rpartition(" ")[2])
    try:
        assert api.load(rescued).command.exit_code == 0
    finally:
        rescued.unlink()


def test_force_overwrites(work: Path) -> None:
    (work / "old.json").write_text("old")
    assert gputune("profile", "--force", "--json", "old.json", "train.py", cwd=work).exit_code == 0
    assert api.load(work / "old.json").script == "train.py"


# `gputune report`.


@pytest.mark.parametrize(
    "content",
    [None, b"", b"{", b"[]", b'{"a": 1}', b'{"schema": "gputune.profile", "version": 99}',
     b'{"schema": "gputune.profile", "version": 1}', b"\xff\xfe\x00", b"null", b"[" * 100_000],
)  # fmt: skip
def test_a_file_that_is_no_report(content: bytes | None, work: Path) -> None:
    if content is not None:
        (work / "report.json").write_bytes(content)
    ran = gputune("report", "report.json", cwd=work)
    error, hint = said(ran.stderr)
    assert ran.exit_code == 1
    assert "report.json" in error
    assert hint


def test_a_report_that_is_a_folder(work: Path) -> None:
    ran = gputune("report", ".", cwd=work)
    said(ran.stderr)
    assert ran.exit_code == 1


def test_a_report_is_shown_again(work: Path) -> None:
    gputune("profile", "--json", "report.json", "train.py", cwd=work)
    ran = gputune("report", "report.json", "--html", "page.html", cwd=work)
    assert ran.exit_code == 0
    assert "train.py" in ran.stdout
    assert "<html" in (work / "page.html").read_text()
    again = gputune("report", "report.json", "--html", "page.html", cwd=work)
    assert again.exit_code == 1
    assert "exists already" in said(again.stderr)[0]


# Scripts without training, and scripts that fail.


def test_a_script_that_never_imports_tensorflow(work: Path) -> None:
    ran = gputune("profile", "-o", "reports", "train.py", cwd=work)
    assert ran.exit_code == 0
    assert ran.stdout == "ran\n"
    found = report(work / "reports")
    assert found.style is None
    assert found.steps is None
    assert "no training" in found.verdict.lower()
    assert found.environment.tensorflow is None


def test_a_script_that_never_trains(work: Path) -> None:
    ran = gputune("profile", "-o", "reports", SCRIPTS / "looks.py", cwd=work)
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout == "predicted (10, 1)\n"
    found = report(work / "reports")
    assert found.fits == ()
    assert found.steps is None
    assert found.environment.tensorflow is not None
    assert "no training" in found.verdict.lower()
    assert any(missing.metric == "steps" for missing in found.unavailable)


@pytest.mark.parametrize(
    ("source", "code"),
    [("import sys; sys.exit(3)", 3), ("import os; os._exit(4)", 4), ("raise SystemExit('no')", 1)],
)
def test_its_exit_code_is_passed_on(source: str, code: int, work: Path) -> None:
    (work / "exits.py").write_text(source + "\n")
    ran = gputune("profile", "-o", "reports", "exits.py", cwd=work)
    assert ran.exit_code == code
    assert report(work / "reports").command.exit_code == code


@pytest.mark.parametrize("mode", [(), ("--full",)])
def test_an_exception_looks_as_it_does_bare(mode: tuple[str, ...], work: Path) -> None:
    def traceback(stderr: str) -> list[str]:
        lines = stderr.splitlines()
        begin = lines.index("Traceback (most recent call last):")
        end = next(n for n, line in enumerate(lines) if line == "RuntimeError: the user's own")
        return lines[begin : end + 1]

    script = SCRIPTS / "raises.py"
    bare = python(script, cwd=work)
    ran = gputune("profile", *mode, "-o", "reports", script, cwd=work)
    assert ran.exit_code == bare.exit_code == 1
    assert traceback(ran.stderr) == traceback(bare.stderr)
    assert not any("gputune/inject" in line for line in ran.stderr.splitlines())
    found = report(work / "reports")
    assert found.fits[0].steps == 4
    assert not found.command.stopped_by_gputune


# The command line, and the standard streams.


def test_json_on_standard_output_is_pure(work: Path) -> None:
    ran = gputune("profile", "--json", "-", "train.py", cwd=work)
    assert ran.exit_code == 0
    assert json.loads(ran.stdout)["schema"] == "gputune.profile"
    assert "ran" in ran.stderr.splitlines()
    assert not (work / "gputune-reports").exists()


def test_the_script_gets_its_own_arguments(work: Path) -> None:
    script = WORKLOADS / "cli_args.py"
    own = ("-o", "model.keras", "--json", "history.json", "--epochs", "2", "--help")
    bare = python(script, *own, cwd=work)
    for dashes in ((), ("--",)):
        ran = gputune("profile", "-o", f"reports{len(dashes)}", *dashes, script, *own, cwd=work)
        assert ran.exit_code == 0, ran.stderr
        assert ran.stdout == bare.stdout
        assert report(work / f"reports{len(dashes)}").command.argv[2:] == own


def test_dashes_of_the_scripts_own(work: Path) -> None:
    (work / "args.py").write_text("import sys\nprint(sys.argv[1:])\n")
    own = ("-x", "--", "--json", "-", "a b", "")
    ran = gputune("profile", "-o", "reports", "args.py", *own, cwd=work)
    assert ran.stdout == f"{list(own)}\n"


def test_a_module(work: Path) -> None:
    package = work / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "module.py").write_text("import sys\nprint(__name__, __package__, sys.argv[1:])\n")
    ran = gputune("profile", "-o", "reports", "-m", "package.module", "-m", "--full", cwd=work)
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout == "__main__ package ['-m', '--full']\n"
    found = report(work / "reports")
    assert found.command.argv == ("python", "-m", "package.module", "-m", "--full")
    missing = gputune("profile", "-m", "package.modul", cwd=work)
    assert missing.exit_code == 2
    assert "package.module" in said(missing.stderr)[1]


# Signals, amid training.


def training(running: Popen) -> psutil.Process:
    """The script's process, once it says that it trains."""
    assert running.stdout is not None
    line = running.stdout.readline()
    assert line == "training\n", line
    time.sleep(1.0)  # some measured steps more
    children = psutil.Process(running.pid).children()
    return next(child for child in children if child.cmdline()[1:] == [str(SCRIPTS / "long.py")])


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_signal_leaves_a_report_and_no_lock(
    number: signal.Signals, full: bool, work: Path
) -> None:
    mode = ["--full"] if full else []
    command = ["profile", *mode, "--max-seconds", "100", "-o", "reports", SCRIPTS / "long.py"]
    running = start(*command, cwd=work)
    before = hashes(work)
    try:
        child = training(running)
        if number == signal.SIGINT:
            os.kill(running.pid, number)
        else:
            child.send_signal(number)
        _, stderr = running.communicate(timeout=60)
    except BaseException:
        os.killpg(running.pid, signal.SIGKILL)
        raise
    assert running.returncode == (130 if number == signal.SIGINT else 137), stderr
    found = report(work / "reports")
    assert found.command.exit_code == running.returncode
    assert found.command.interrupted == (number == signal.SIGINT)
    assert found.steps is not None
    assert found.steps.count >= 400
    assert found.steps.mean_s is not None
    left = {path: h for path, h in hashes(work).items() if "/reports/" not in path}
    assert left == before
