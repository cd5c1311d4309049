from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gputune.api.outputs import OutputFailed
from gputune.api.studies import StudyFiles, newest_profile
from gputune.api.study_outputs import StudyOutputs
from gputune.schema.profile import Profile
from gputune.schema.study import Configuration, Payoff, Study
from gputune.schema.write import to_json
from tests.unit.report import sample
from tests.unit.search.spaces import IDENTITY


def profiled(*arguments: str) -> Profile:
    found = sample.cpu_profile()
    argv = ("python", "train.py", *arguments)
    return replace(found, command=replace(found.command, argv=argv, script_sha256="a" * 64))


def test_a_profile_of_other_arguments_is_another(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(to_json(profiled("--batch-size", "512")))
    assert newest_profile(tmp_path, "a" * 64, ("--batch-size", "512")) is not None
    assert newest_profile(tmp_path, "a" * 64, ()) is None
    files = StudyFiles(tmp_path, "train.py")
    files.write_profile(profiled("--batch-size", "512"))
    assert files.read_profile(replace(IDENTITY, arguments=())) is None
    assert files.read_profile(replace(IDENTITY, arguments=("--batch-size", "512"))) is not None


def answer() -> Study:
    return Study(
        script="train.py", verdict="Not decided.", baseline=Configuration(knobs={}), fixed={},
        identity=IDENTITY, payoff=Payoff(hours_saved_per_run=None, break_even_runs=None),
    )  # fmt: skip


def test_the_same_study_writes_over_its_earlier_answer_and_no_other_does(tmp_path: Path) -> None:
    outputs = StudyOutputs(folder=tmp_path, json=tmp_path / "s.json", html=tmp_path / "s.html")
    outputs.prepare(IDENTITY).write(answer(), None, "train.py")
    outputs.prepare(IDENTITY).write(answer(), None, "train.py")
    for other in (replace(IDENTITY, arguments=("--more",)), None):
        with pytest.raises(OutputFailed, match="exists already"):
            outputs.prepare(other)
    page = replace(outputs, json=None)
    assert page.prepare(IDENTITY).may_overwrite
    (tmp_path / "s.html").write_text("my own")
    for wanted in (outputs, page):
        with pytest.raises(OutputFailed, match="exists already"):
            wanted.prepare(IDENTITY)
