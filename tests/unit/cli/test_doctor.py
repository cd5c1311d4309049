"""`gputune doctor` over made-up machines, and `gputune report` of its JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import gputune
from gputune.api import doctoring
from gputune.cli.main import main
from gputune.doctor.machine import Machine
from gputune.schema.doctor import DoctorReport
from gputune.schema.publish import FOLDER
from tests.unit.doctor.machines import blind, laptop, workstation

HIDDEN = {"CUDA_VISIBLE_DEVICES": "", "TF_GPU_ALLOCATOR": "x"}


class Machines:
    """Takes the place of `gather`, and keeps what it was asked for."""

    def __init__(self) -> None:
        self.machine: Machine = laptop()
        self.asked: dict[str, Any] = {}
        self.error: BaseException | None = None

    def __call__(self, **asked: Any) -> Machine:
        self.asked = asked
        if self.error is not None:
            raise self.error
        return self.machine


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Machines:
    found = Machines()
    monkeypatch.setattr(doctoring, "gather", found)
    return found


def test_the_exit_code_is_whether_there_is_a_problem(
    here: Machines, capsys: pytest.CaptureFixture[str]
) -> None:
    for machine, code in (
        (laptop(), 0),
        (workstation(), 0),
        (workstation(variables={"TF_GPU_ALLOCATOR": "x"}), 0),
        (blind(variables=HIDDEN), 1),
    ):
        here.machine = machine
        assert main(["doctor"]) == code
        out, err = capsys.readouterr()
        assert err == "" and out.splitlines()[0].startswith("No problem") is (code == 0)


def test_with_json_to_standard_output_it_holds_the_json_alone(
    here: Machines, capsys: pytest.CaptureFixture[str]
) -> None:
    here.machine = blind(variables=HIDDEN)
    assert main(["doctor", "--json", "-"]) == 1
    out, err = capsys.readouterr()
    body = json.loads(out)
    jsonschema.validate(body, json.loads((FOLDER / "doctor.schema.json").read_text()))
    assert body["schema"] == "gputune.doctor"
    assert body["environment"]["variables"] == [[name, HIDDEN[name]] for name in sorted(HIDDEN)]
    assert "it hides every GPU" in err


def test_files_are_written_and_shown_again(
    here: Machines, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here.machine = blind(variables=HIDDEN)
    saved, page = tmp_path / "d.json", tmp_path / "d.html"
    typed = ["doctor", "--json", str(saved), "--html", str(page)]
    assert main(typed) == 1
    first, err = capsys.readouterr()
    assert err == f"JSON: {saved}\npage: {page}\n"
    assert (saved.stat().st_mode | page.stat().st_mode) & 0o777 == 0o600
    assert "gputune-doctor" in page.read_text()
    record = gputune.load(saved)
    assert isinstance(record, DoctorReport) and record.problems
    again = tmp_path / "again.html"
    assert main(["report", str(saved), "--html", str(again)]) == 0
    assert capsys.readouterr().out == first
    assert again.read_text() == page.read_text()
    # What exists is not overwritten unasked, and nothing is examined before that is known.
    here.asked = {}
    assert main(typed) == 1
    assert "exists already" in capsys.readouterr().err and here.asked == {}
    assert main([*typed, "--force"]) == 1
    assert here.asked


def test_folders_and_time_are_handed_on(here: Machines, tmp_path: Path) -> None:
    assert main(["doctor", "--data", str(tmp_path), "--data", "x", "--timeout", "5"]) == 0
    assert here.asked == {"folders": [tmp_path, Path("x")], "timeout_s": 5.0}


@pytest.mark.parametrize(
    "typed", [["train.py"], ["--timeout", "0"], ["--timeout", "x"], ["--no-such"], ["--json"]]
)
def test_a_wrong_command_line_is_two(here: Machines, typed: list[str]) -> None:
    assert main(["doctor", *typed]) == 2
    assert here.asked == {}


def test_one_file_cannot_be_two(here: Machines, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json", "x", "--html", "x"]) == 1
    assert "same file" in capsys.readouterr().err


def test_ctrl_c_and_a_failure_of_our_own(
    here: Machines, capsys: pytest.CaptureFixture[str]
) -> None:
    here.error = KeyboardInterrupt()
    assert main(["doctor"]) == 130
    here.error = ValueError("of our own")
    assert main(["doctor"]) == 125
    error, hint = capsys.readouterr().err.splitlines()
    assert "of our own" in error and "--verbose" in hint
