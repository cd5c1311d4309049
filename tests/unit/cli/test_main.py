"""The command line, with `api.profile` replaced: nothing is started here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gputune import api
from gputune.api import OutputFailed, Outputs, Result, Target, Written
from gputune.cli.main import main
from gputune.launch.command import BadTarget
from gputune.session.folder import Options
from tests.unit.report import sample


class Api:
    """Takes the place of `api.profile`, and keeps what it was asked for."""

    def __init__(self) -> None:
        self.target: Target | None = None
        self.options: Options | None = None
        self.outputs: Outputs | None = None
        self.error: BaseException | None = None
        self.phases: tuple[str, ...] = ()

    def __call__(
        self, target: Target, *, options: Options, outputs: Outputs,
        on_phase: Callable[[str], None], **more: Any,
    ) -> Result:  # fmt: skip
        self.target, self.options, self.outputs = target, options, outputs
        for name in self.phases:
            on_phase(name)
        if self.error is not None:
            raise self.error
        return Result(sample.minimal_profile(), None, Written())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Api:
    found = Api()
    monkeypatch.setattr(api, "profile", found)
    return found


@pytest.mark.parametrize(
    ("typed", "arguments"),
    [
        (["train.py"], ()),
        (["train.py", "--help"], ("--help",)),
        (["train.py", "-h", "--version"], ("-h", "--version")),
        (["train.py", "-o", "Y", "--json", "--full"], ("-o", "Y", "--json", "--full")),
        (["train.py", "--", "-x"], ("--", "-x")),
        (["train.py", "other.py", "", "a b"], ("other.py", "", "a b")),
        (["--", "train.py", "--full"], ("--full",)),
    ],
)
def test_everything_behind_the_script_is_the_scripts_verbatim(
    asked: Api, typed: list[str], arguments: tuple[str, ...]
) -> None:
    expected = sample.minimal_profile().command.exit_code
    assert main(["profile", "-o", "X", *typed]) == expected
    assert asked.target == Target(script="train.py", arguments=arguments)
    assert asked.outputs == Outputs(folder=Path("X"))
    assert asked.options == Options()


def test_a_module_is_run_with_what_stands_behind_its_name(asked: Api) -> None:
    main(["profile", "--full", "-m", "package.train", "a", "-b", "-m", "c"])
    assert asked.target == Target(module="package.train", arguments=("a", "-b", "-m", "c"))
    assert asked.options is not None and asked.options.full


def test_the_options_arrive(asked: Api) -> None:
    main(
        ["profile", "--fit", "2", "--steps", "50", "--max-seconds", "7.5", "--json", "a.json",
         "--html", "b.html", "--force", "--chrome", "c.json", "--tensorboard", "logs", "train.py"]
    )  # fmt: skip
    assert asked.options == Options(fit=2, steps=50, max_s=7.5)
    assert asked.outputs == Outputs(
        json=Path("a.json"), html=Path("b.html"), force=True, chrome=Path("c.json"),
        tensorboard=Path("logs"),
    )  # fmt: skip


def test_with_json_to_standard_output_it_holds_the_json_alone(
    asked: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["profile", "--json", "-", "train.py"])
    assert asked.outputs == Outputs(to_stdout=True)
    out = capsys.readouterr().out
    assert out.startswith("{") and out.rstrip().endswith("}")


def test_without_it_standard_output_is_the_scripts_own(
    asked: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.phases = ("warmup", "clean", "a phase of the future")
    main(["profile", "train.py"])
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "warm-up" in shown.err and "of the future" not in shown.err


@pytest.mark.parametrize(
    "typed",
    [
        ["profile"],
        ["profile", "--no-such-option", "train.py"],
        ["profile", "--steps", "0", "train.py"],
        ["profile", "--fit", "one", "train.py"],
        ["profile", "--color", "pink", "train.py"],
        ["profile", "--json"],
        ["report"],
        ["no-such-command"],
    ],
)
def test_a_wrong_command_line_is_two_and_says_what_is_wrong(
    asked: Api, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed) == 2
    shown = capsys.readouterr().err
    assert "Error: " in shown and "Traceback" not in shown
    assert asked.target is None


def test_a_mistyped_command_is_answered_with_the_right_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["profle", "train.py"]) == 2
    assert "Did you mean 'profile'?" in capsys.readouterr().err


def test_a_script_that_cannot_be_run_is_two_lines(
    asked: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.error = BadTarget("trian.py does not\nexist", "did you mean train.py?")
    assert main(["profile", "trian.py"]) == 2
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "error: trian.py does not exist",
        "hint: did you mean train.py?",
    ]


def test_a_report_that_cannot_be_written_is_our_failure(
    asked: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.error = OutputFailed("the disk is full", "what was measured is in /tmp/x.json")
    assert main(["profile", "train.py"]) == 125
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "error: the disk is full",
        "hint: what was measured is in /tmp/x.json",
    ]


@pytest.mark.parametrize("verbose", [False, True])
def test_a_crash_of_ours_is_125_and_its_traceback_only_where_asked_for(
    asked: Api, verbose: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.error = ZeroDivisionError("a bug")
    assert main(["profile", *(["--verbose"] if verbose else []), "train.py"]) == 125
    shown = capsys.readouterr().err
    assert "error: gputune failed: ZeroDivisionError: a bug" in shown
    assert ("Traceback" in shown) is verbose
    assert ("--verbose" in shown.splitlines()[-1]) is not verbose


def test_ctrl_c_is_130(asked: Api) -> None:
    asked.error = KeyboardInterrupt()
    assert main(["profile", "train.py"]) == 130


@pytest.mark.parametrize("typed", [["--version"], ["--help"], ["profile", "--help"]])
def test_help_and_version_are_a_success_on_standard_output(
    typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed) == 0
    shown = capsys.readouterr()
    assert "gputune" in shown.out and shown.err == ""


def test_a_file_that_is_no_report_is_one_with_a_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path / "missing.json")]) == 1
    error, *_ = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ") and "missing.json" in error


def test_repeated_runs_are_reports_in_one_new_folder(
    asked: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = []

    def measured(target: Target, *, outputs: Outputs, **more: Any) -> Result:
        folders.append(outputs.folder)
        return Result(sample.cpu_profile(), None, Written())

    monkeypatch.setattr(api, "profile", measured)
    assert main(["profile", "--runs", "3", "-o", "X", "train.py"]) == 0
    assert len(folders) == 3
    assert len(set(folders)) == 1
    assert folders[0].parent == Path("X")
    shown = capsys.readouterr().err
    assert "over 3 processes" in shown
    assert f"gputune compare {folders[0]} AFTER" in shown
    assert main(["profile", "--runs", "3", "--json", "a.json", "train.py"]) == 2


def test_repeated_runs_end_with_the_one_that_fails(
    asked: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = iter([0, 7, 0])

    def measured(*_: Any, **more: Any) -> Result:
        profile = replace(sample.cpu_profile(), command=sample.command(exit_code=next(ended)))
        return Result(profile, None, Written())

    monkeypatch.setattr(api, "profile", measured)
    assert main(["profile", "--runs", "3", "train.py"]) == 7
    assert next(ended) == 0
