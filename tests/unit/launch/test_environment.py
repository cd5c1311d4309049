from __future__ import annotations

import os
from pathlib import Path

import pytest

import gputune
from gputune.launch import environment as room
from gputune.launch.environment import BOOTSTRAP, child_environment, package_home
from gputune.session.folder import SessionFolder

SESSION = SessionFolder(Path("/s"))


def test_the_bootstrap_comes_first_and_the_users_path_travels_along() -> None:
    made = child_environment({"PYTHONPATH": "/a::b", "X": "1"}, SESSION)
    assert made["PYTHONPATH"] == os.pathsep.join([str(BOOTSTRAP), "/a::b"])
    assert made["GPUTUNE_PYTHONPATH"] == "/a::b"
    assert made["GPUTUNE_SESSION"] == "/s"
    assert made["X"] == "1"


def test_no_path_and_an_empty_one_add_no_working_folder_and_are_told_apart() -> None:
    unset = child_environment({"GPUTUNE_PYTHONPATH": "left over"}, SESSION)
    empty = child_environment({"PYTHONPATH": ""}, SESSION)
    assert unset["PYTHONPATH"] == empty["PYTHONPATH"] == str(BOOTSTRAP)
    assert "GPUTUNE_PYTHONPATH" not in unset
    assert empty["GPUTUNE_PYTHONPATH"] == ""


def test_what_the_script_shall_see_on_top_wins_also_for_its_path() -> None:
    made = child_environment({"A": "1", "PYTHONPATH": "/a"}, SESSION, extra={"PYTHONPATH": "/b"})
    assert made["A"] == "1"
    assert made["GPUTUNE_PYTHONPATH"] == "/b"


def test_the_given_environment_is_not_changed() -> None:
    environ = {"PYTHONPATH": "/a"}
    child_environment(environ, SESSION, extra={"B": "2"})
    assert environ == {"PYTHONPATH": "/a"}


def test_the_home_is_where_this_gputune_lies() -> None:
    assert package_home() == Path(gputune.__file__).resolve().parent.parent
    assert (BOOTSTRAP / "sitecustomize.py").is_file()


def test_a_folder_that_the_path_cannot_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "BOOTSTRAP", Path("/a:b/bootstrap"))
    with pytest.raises(ValueError, match="/a:b/bootstrap"):
        child_environment({}, SESSION)
