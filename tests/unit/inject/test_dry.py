"""Dry mode's two halves: paths to scratch, and arguments to paths."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gputune.inject.dry.redirecting import redirect_argument
from gputune.inject.dry.scratch import Scratch
from gputune.inject.watch import Watch
from gputune.session import events
from tests.unit.inject.watching import MemoryLog, watch_in


@pytest.fixture
def watched(tmp_path: Path) -> tuple[Watch, MemoryLog]:
    return watch_in(tmp_path / "session")


@pytest.fixture
def scratch(watched: tuple[Watch, MemoryLog]) -> Scratch:
    return Scratch(watched[0])


@pytest.fixture
def files(tmp_path: Path) -> str:
    return str(tmp_path / "session" / "scratch" / "files")


@pytest.mark.parametrize(
    ("path", "mirror"),
    [
        ("/data/run/model.keras", "/data/run/model.keras"),
        (b"/data/run/model.keras", "/data/run/model.keras"),
        (Path("/data/run/model.keras"), "/data/run/model.keras"),
        ("/data/../data/logs/", "/data/logs/"),
        ("gs://bucket/run/ckpt", "/gs/bucket/run/ckpt"),
        ("S3://bucket/x", "/S3/bucket/x"),
    ],
)
def test_a_path_is_mirrored_under_scratch(
    scratch: Scratch, files: str, path: Any, mirror: str
) -> None:
    found = scratch.for_writing(path)
    assert found == files + mirror
    assert Path(found).parent.is_dir()


def test_a_relative_path_is_mirrored_as_what_it_means_here(
    scratch: Scratch, files: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    assert scratch.for_writing("ckpt/best.h5") == f"{files}{work}/ckpt/best.h5"
    assert scratch.for_writing("../up.h5") == f"{files}{tmp_path}/up.h5"
    assert not (work / "ckpt").exists()


@pytest.mark.parametrize("value", [None, "", 7, io.BytesIO()])
def test_what_is_no_path_is_left_alone(scratch: Scratch, value: Any) -> None:
    assert scratch.for_writing(value) is value
    assert scratch.for_reading(value) is value


def test_a_path_in_the_session_is_where_it_should_be(scratch: Scratch, files: str) -> None:
    inside = scratch.for_writing("/data/model.h5")
    assert scratch.for_writing(inside) is inside
    assert scratch.for_reading(inside) is inside


def test_each_path_is_told_once(scratch: Scratch, watched: tuple[Watch, MemoryLog]) -> None:
    for _ in range(3):
        scratch.for_writing("/data/a")
    scratch.for_writing("/data/b")
    told = [event["path"] for event in watched[1].of(events.REDIRECTED)]
    assert told == ["/data/a", "/data/b"]


def test_what_was_written_is_read_back_from_scratch(scratch: Scratch) -> None:
    written = scratch.for_writing("/data/model.h5")
    assert scratch.for_reading("/data/model.h5") == "/data/model.h5"
    Path(written).write_text("x", encoding="utf-8")
    assert scratch.for_reading("/data/model.h5") == written
    assert scratch.for_reading(Path("/data/model.h5")) == written


def test_a_checkpoint_is_read_back_by_its_prefix(scratch: Scratch) -> None:
    written = scratch.for_writing("/data/ckpt[1]")
    Path(f"{written}.index").write_text("x", encoding="utf-8")
    assert scratch.for_reading("/data/ckpt[1]") == written
    assert scratch.for_reading("/data/ckpt[") == "/data/ckpt["


def test_what_this_run_did_not_write_is_read_from_its_own_place(
    scratch: Scratch, tmp_path: Path
) -> None:
    own = tmp_path / "pretrained.h5"
    own.write_text("x", encoding="utf-8")
    assert scratch.for_reading(own) is own


def test_data_that_a_script_prepares_stays_in_its_place_and_is_named_once(
    scratch: Scratch, watched: tuple[Watch, MemoryLog], tmp_path: Path
) -> None:
    own = tmp_path / "shards" / "train-00.tfrecord"
    for _ in range(2):
        assert scratch.left_in_place(own) is own
    assert [event["path"] for event in watched[1].of(events.OPENED)] == [str(own)]
    assert watched[1].of(events.REDIRECTED) == []
    assert not own.parent.exists()
    inside = scratch.for_writing("/data/model.h5")
    assert scratch.left_in_place(inside) is inside
    assert scratch.left_in_place(None) is None
    assert len(watched[1].of(events.OPENED)) == 1


class Model:
    def __init__(self, name: str = "model", log_dir: str | None = "logs") -> None:
        self.log_dir = log_dir

    def save(self, filepath: str, overwrite: bool = True, **kwargs: Any) -> tuple[Any, ...]:
        return filepath, overwrite, kwargs

    @staticmethod
    def load(path: str) -> str:
        return path


@pytest.fixture
def model() -> type[Any]:
    return type("Model", (), dict(vars(Model)))


def upper(path: Any) -> Any:
    return path.upper()


def test_the_argument_is_translated_by_position_and_by_keyword(
    model: type[Any], watched: tuple[Watch, MemoryLog]
) -> None:
    redirect_argument(watched[0], model, "save", "filepath", upper)
    assert model().save("a", False) == ("A", False, {})
    assert model().save(filepath="a", extra=1) == ("A", True, {"extra": 1})
    assert model().save(overwrite=False, filepath="a") == ("A", False, {})


def test_a_default_is_translated_where_nothing_is_given(
    model: type[Any], watched: tuple[Watch, MemoryLog]
) -> None:
    redirect_argument(watched[0], model, "__init__", "log_dir", upper)
    assert model().log_dir == "LOGS"
    assert model("name").log_dir == "LOGS"
    assert model("name", "mine").log_dir == "MINE"
    assert model(log_dir="mine").log_dir == "MINE"


def test_a_default_of_none_stays_none(watched: tuple[Watch, MemoryLog]) -> None:
    def cache(filename: str | None = None) -> str | None:
        return filename

    owner = SimpleNamespace(cache=cache)
    redirect_argument(watched[0], owner, "cache", "filename", upper)
    assert owner.cache() is None
    assert owner.cache("a") == "A"


def test_functions_and_static_methods_have_no_self(
    model: type[Any], watched: tuple[Watch, MemoryLog]
) -> None:
    redirect_argument(watched[0], model, "load", "path", upper)
    assert (model.load("a"), model().load("a"), model.load(path="a")) == ("A", "A", "A")


def test_a_missing_argument_is_the_scripts_own_error(
    model: type[Any], watched: tuple[Watch, MemoryLog]
) -> None:
    redirect_argument(watched[0], model, "save", "filepath", upper)
    with pytest.raises(TypeError, match="filepath"):
        model().save()


def test_what_this_version_does_not_have_is_not_hooked(
    model: type[Any], watched: tuple[Watch, MemoryLog]
) -> None:
    before = dict(vars(model))
    redirect_argument(watched[0], model, "export", "filepath", upper)
    redirect_argument(watched[0], model, "save", "path", upper)
    redirect_argument(watched[0], None, "save", "filepath", upper)
    assert dict(vars(model)) == before


def test_a_translation_that_fails_leaves_the_call_as_it_was(
    model: type[Any], watched: tuple[Watch, MemoryLog]
) -> None:
    watch, log = watched
    redirect_argument(watch, model, "save", "filepath", upper)
    assert model().save(7) == (7, True, {})
    assert model().save("a") == ("a", True, {})
    assert [event["hook"] for event in log.of(events.HOOK_DISABLED)] == ["dry:Model.save"]


def test_scratch_and_redirection_together_keep_the_users_file(
    model: type[Any], watched: tuple[Watch, MemoryLog], tmp_path: Path
) -> None:
    def save(self: Any, filepath: str) -> None:
        Path(filepath).write_text("new", encoding="utf-8")

    model.save = save
    scratch = Scratch(watched[0])
    redirect_argument(watched[0], model, "save", "filepath", scratch.for_writing)
    own = tmp_path / "model.h5"
    own.write_text("precious", encoding="utf-8")
    model().save(os.fspath(own))
    assert own.read_text(encoding="utf-8") == "precious"
    assert Path(scratch.for_reading(own)).read_text(encoding="utf-8") == "new"
