from __future__ import annotations

import json
import re
import stat
import tempfile
from pathlib import Path

import pytest

from gputune.api import outputs as module
from gputune.api.outputs import OutputFailed, Outputs
from gputune.schema.config import Config
from tests.unit.report import sample

PROFILE = sample.minimal_profile()
CONFIG = Config(script="train.py")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_by_default_all_go_to_the_folder_under_one_name(tmp_path: Path) -> None:
    outputs = Outputs(folder=tmp_path / "deep" / "reports")
    outputs.prepare()
    assert list((tmp_path / "deep" / "reports").iterdir()) == []
    written = outputs.write(PROFILE, CONFIG, "train.py")
    paths = [written.json, written.html, written.toml, written.snippet]
    names = [path.name for path in paths if path is not None]
    assert len(names) == 4
    assert {re.sub(r"(\.gputune\.toml|\.snippet\.py|\.html|\.json)$", "", n) for n in names} == {
        names[0].removesuffix(".json")
    }
    assert re.match(r"train-\d{8}T\d{6}Z-.+-\d+\.json$", names[0])
    assert {path.name for path in outputs.folder.iterdir()} == set(names)


def test_without_a_configuration_there_is_none_to_write(tmp_path: Path) -> None:
    written = Outputs(folder=tmp_path).write(PROFILE, None, "train.py")
    assert (written.toml, written.snippet) == (None, None)
    assert len(list(tmp_path.iterdir())) == 2


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    Outputs(folder=tmp_path).write(PROFILE, CONFIG, "train.py")
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}


def test_with_paths_only_those_are_written(tmp_path: Path) -> None:
    wanted = Outputs(
        folder=tmp_path / "never", json=tmp_path / "a" / "p.json", html=tmp_path / "p.html"
    )
    wanted.prepare()
    written = wanted.write(PROFILE, CONFIG, "train.py")
    assert (written.json, written.html, written.toml) == (wanted.json, wanted.html, None)
    assert json.loads((tmp_path / "a" / "p.json").read_text())["schema"] == "gputune.profile"
    assert "<html" in (tmp_path / "p.html").read_text().lower()
    assert not (tmp_path / "never").exists()
    assert mode(tmp_path / "p.html") == 0o600


def test_to_standard_output_writes_no_file(tmp_path: Path) -> None:
    outputs = Outputs(folder=tmp_path / "never", to_stdout=True)
    outputs.prepare()
    written = outputs.write(PROFILE, CONFIG, "train.py")
    assert (written.json, written.html) == (None, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["json", "html"])
def test_a_file_that_exists_is_refused_before_the_run_and_kept(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "old"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(OutputFailed, match="exists already") as caught:
        (Outputs(json=path) if kind == "json" else Outputs(html=path)).prepare()
    assert "--force" in caught.value.hint
    assert path.read_text(encoding="utf-8") == "old"


def test_force_overwrites_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text("x" * 10**6, encoding="utf-8")
    outputs = Outputs(json=path, force=True)
    outputs.prepare()
    outputs.write(PROFILE, None, "train.py")
    assert json.loads(path.read_text(encoding="utf-8"))["schema"] == "gputune.profile"


def test_a_folder_is_no_file_even_with_force(tmp_path: Path) -> None:
    with pytest.raises(OutputFailed, match="is a folder"):
        Outputs(json=tmp_path, force=True).prepare()


def test_a_folder_that_cannot_be_made_is_told_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputFailed, match="cannot write to") as caught:
        Outputs(folder=tmp_path / "file" / "reports").prepare()
    assert "-o" in caught.value.hint


def test_a_file_that_appeared_meanwhile_is_not_overwritten_and_nothing_measured_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rescued = tmp_path / "tmp"
    rescued.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(rescued))
    path = tmp_path / "p.json"
    outputs = Outputs(json=path)
    outputs.prepare()
    path.write_text("somebody else's", encoding="utf-8")
    with pytest.raises(OutputFailed, match="could not be written") as caught:
        outputs.write(PROFILE, None, "train.py")
    assert path.read_text(encoding="utf-8") == "somebody else's"
    (saved,) = rescued.iterdir()
    assert str(saved) in caught.value.hint
    assert json.loads(saved.read_text(encoding="utf-8"))["schema"] == "gputune.profile"
    assert mode(saved) == 0o600


def test_two_ranks_with_one_name_do_not_overwrite_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "report_name", lambda *_, suffix, **__: f"same{suffix}")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    outputs = Outputs(folder=tmp_path / "reports")
    outputs.prepare()
    outputs.write(PROFILE, None, "train.py")
    before = {path: path.read_bytes() for path in outputs.folder.iterdir()}
    with pytest.raises(OutputFailed):
        outputs.write(PROFILE, None, "train.py")
    assert {path: path.read_bytes() for path in outputs.folder.iterdir()} == before


def test_where_nothing_can_be_written_at_all_the_hint_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_file", full)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    with pytest.raises(OutputFailed, match="No space left on device") as caught:
        Outputs(folder=tmp_path).write(PROFILE, None, "train.py")
    assert "make room" in caught.value.hint
