"""Where callbacks write: folders that are not there, and names that the next run has too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gputune.checks.script.callbacks.files import findings, own_path, problem_with, writing


def callback(kind: str, **attributes: Any) -> Any:
    made = type(kind, (), {"__module__": "keras.src.callbacks"})()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def ids(one: Any, scratch: Path) -> list[tuple[str, str]]:
    found = writing(one, scratch, None)
    return [] if found is None else [(f.id, f.severity.value) for f in findings(found)]


def test_dry_modes_path_is_put_back(tmp_path: Path) -> None:
    assert own_path(f"{tmp_path}/files/home/me/best.keras", tmp_path) == "/home/me/best.keras"
    assert own_path("/home/me/best.keras", tmp_path) == "/home/me/best.keras"


def test_a_folder_that_is_not_there_matters_to_who_does_not_make_it(tmp_path: Path) -> None:
    assert problem_with(str(tmp_path / "new"), makes=True) == ""
    assert "does not exist" in problem_with(str(tmp_path / "new"), makes=False)
    (tmp_path / "file").touch()
    assert "is a file" in problem_with(str(tmp_path / "file" / "logs"), makes=True)
    assert "is a file" in problem_with(str(tmp_path / "file"), makes=True)
    assert problem_with(str(tmp_path), makes=False) == ""


def test_a_folder_that_is_not_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert "not writable" in problem_with(str(tmp_path / "new"), makes=True)


def test_a_log_in_a_missing_folder_is_a_problem(tmp_path: Path) -> None:
    log = callback("CSVLogger", filename=f"{tmp_path}/logs-20260101/log.csv", append=False)
    assert ids(log, tmp_path) == [("callback-folder", "problem")]
    (tmp_path / "logs-20260101").mkdir()
    assert ids(log, tmp_path) == []


def test_a_name_without_a_version_is_written_over_by_the_next_run(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "net" / "best"
    best = callback("ModelCheckpoint", filepath=f"{folder}/w-{{epoch:02d}}.keras")
    assert ids(best, tmp_path) == [("checkpoint-overwrites", "note")]
    folder.mkdir(parents=True)
    (folder / "w-07.keras").touch()
    assert ids(best, tmp_path) == [("checkpoint-overwrites", "warning")]


@pytest.mark.parametrize(
    "path",
    ["runs/20261128-101500/best.keras", "best_2026-11-28.keras", "run_3/best.keras",
     "gs://bucket/best.keras"],
)  # fmt: skip
def test_a_name_with_a_version_or_far_away_is_left_alone(path: str, tmp_path: Path) -> None:
    where = path if "://" in path else str(tmp_path / path)
    assert ids(callback("ModelCheckpoint", filepath=where), tmp_path / "s") == []


def test_a_log_that_is_added_to_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    path = f"{folder}/log.csv"
    assert ids(callback("CSVLogger", filename=path, append=True), tmp_path / "s") == []
    assert ids(callback("CSVLogger", filename=path, append=False), tmp_path / "s") == [
        ("log-overwrites", "note")
    ]


def test_a_callback_of_the_users_own_is_not_looked_at(tmp_path: Path) -> None:
    class ModelCheckpoint:
        filepath = "best.keras"

    assert ids(ModelCheckpoint(), tmp_path) == []
