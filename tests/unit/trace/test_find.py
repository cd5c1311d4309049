"""Which file a path means."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gputune.trace.find import choose
from gputune.trace.xplane import UnreadableTrace


def put(path: Path, *, age: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    os.utime(path, ns=(10**18 - age, 10**18 - age))
    return path


def test_a_file_is_itself(tmp_path: Path) -> None:
    file = put(tmp_path / "anything.pb")
    assert (choose(file).file, choose(file).notes) == (file, ())


@pytest.mark.parametrize("below", ["", "train/"])
def test_of_a_logdir_the_newest_run_is_taken(tmp_path: Path, below: str) -> None:
    put(tmp_path / f"{below}plugins/profile/b/vm.xplane.pb", age=5)
    newest = put(tmp_path / f"{below}plugins/profile/a/vm.xplane.pb")
    chosen = choose(tmp_path)
    assert chosen.file == newest
    assert chosen.notes == ("the newest of 2 runs was read: a",)


def test_of_several_hosts_the_first_is_taken_and_the_others_are_named(tmp_path: Path) -> None:
    for name in ("host_b", "host_a", "host_c"):
        put(tmp_path / f"{name}.xplane.pb")
    chosen = choose(tmp_path)
    assert chosen.file.name == "host_a.xplane.pb"
    (note,) = chosen.notes
    assert "3 hosts" in note and "host_b.xplane.pb, host_c.xplane.pb not" in note


@pytest.mark.parametrize("folder", ["", "plugins", "plugins/profile", "plugins/profile/a"])
def test_any_folder_on_the_way_to_a_run_will_do(tmp_path: Path, folder: str) -> None:
    file = put(tmp_path / "plugins/profile/a/vm.xplane.pb")
    assert choose(tmp_path / folder).file == file


@pytest.mark.parametrize("path", ["missing", "null\0byte"])
def test_what_is_not_there_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(UnreadableTrace) as caught:
        choose(tmp_path / path)
    assert caught.value.hint


def test_a_folder_without_a_trace_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTrace, match=r"holds no \.xplane\.pb"):
        choose(tmp_path)
    put(tmp_path / "plugins/profile/a/vm.trace.json.gz")
    with pytest.raises(UnreadableTrace) as caught:
        choose(tmp_path)
    assert "vm.trace.json.gz is no XPlane file" in caught.value.hint
