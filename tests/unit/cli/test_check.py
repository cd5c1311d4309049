"""`gputune check` on the command line, with nothing started."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gputune import api
from gputune.api import Checked, Target
from gputune.api.check_outputs import CheckWritten
from gputune.checks.registry import names
from gputune.cli.main import main
from gputune.schema.check import CheckReport
from tests.unit.report.test_check_report import report


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    found: dict[str, Any] = {"report": report()}

    def check(target: Target, **more: Any) -> Checked:
        found.update(more, target=target)
        return Checked(found["report"], CheckWritten())

    monkeypatch.setattr(api, "check", check)
    return found


def test_a_problem_is_exit_code_one_and_none_is_zero(asked: dict[str, Any]) -> None:
    assert main(["check", "train.py", "--lr", "3"]) == 1
    assert asked["target"] == Target(script="train.py", arguments=("--lr", "3"))
    asked["report"] = replace(asked["report"], findings=())
    assert main(["check", "-m", "package.train"]) == 0
    assert asked["target"] == Target(module="package.train")
    command = replace(asked["report"].command, interrupted=True)
    asked["report"] = replace(asked["report"], command=command)
    assert main(["check", "train.py"]) == 130


def test_json_on_standard_output_is_the_json_alone(asked, capsys) -> None:
    main(["check", "--json", "-", "train.py"])
    shown = capsys.readouterr()
    record = api.load(_saved(shown.out))
    assert isinstance(record, CheckReport) and record == asked["report"]
    assert "It is wrong." in shown.err
    assert asked["outputs"].to_stdout


def _saved(text: str) -> Path:
    import tempfile

    path = Path(tempfile.mkdtemp()) / "check.json"
    path.write_text(text, encoding="utf-8")
    return path


def test_list_names_every_check_and_needs_no_script(capsys) -> None:
    assert main(["check", "--list"]) == 0
    shown = capsys.readouterr().out
    starts = [line.split()[0] for line in shown.splitlines() if not line.startswith(" ")]
    assert starts == list(names())


@pytest.mark.parametrize("option", ["--only", "--skip"])
def test_an_unknown_check_is_a_wrong_command_line(option: str, capsys, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.touch()
    assert main(["check", option, "runs,callback", str(script)]) == 2
    assert "did you mean callbacks?" in capsys.readouterr().err


def test_no_script_and_a_missing_one_are_wrong_command_lines(capsys) -> None:
    assert main(["check"]) == 2
    assert "--list" in capsys.readouterr().err
    assert main(["check", "missing.py"]) == 2


def test_a_failure_of_gputune_is_125(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*args: Any, **more: Any) -> Checked:
        raise RuntimeError("by design")

    monkeypatch.setattr(api, "check", breaks)
    assert main(["check", "train.py"]) == 125


def test_a_saved_report_is_shown_again(asked, tmp_path: Path, capsys) -> None:
    main(["check", "--json", "-", "train.py"])
    path = tmp_path / "check.json"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["report", str(path), "--html", str(tmp_path / "page.html")]) == 0
    assert "It is wrong." in capsys.readouterr().out
    assert "gputune check" in (tmp_path / "page.html").read_text(encoding="utf-8")
