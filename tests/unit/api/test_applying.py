"""Patches written to files, with a backup, and taken back."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gputune.api import applying
from gputune.api.applied import RECORD
from gputune.launch.command import BadTarget, Target
from gputune.schema.config import Config, Setting
from gputune.schema.site import Site

TEXT = "import keras\nmodel.compile('adam')\nmodel.fit(x, y, batch_size=16)\n"


def config(value: int = 64) -> Config:
    return Config(script="train.py", tf_data=(Setting(knob="batch_size", value=value),))


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(TEXT)
    return path


def apply(path: Path, value: int = 64) -> None:
    target = Target(script=str(path))
    applying.write_patch(target, applying.plan_patch(target, config(value)))


def revert(path: Path) -> applying.Reverted:
    return applying.revert(Target(script=str(path)))


def test_it_comes_back_to_the_byte(script: Path) -> None:
    apply(script)
    assert "batch_size=64" in script.read_text()
    assert revert(script).restored == (script,)
    assert script.read_text() == TEXT
    assert [one.name for one in script.parent.iterdir()] == ["train.py"]


def test_of_two_applications_the_first_original_comes_back(script: Path) -> None:
    apply(script, 64)
    apply(script, 128)
    assert "batch_size=128" in script.read_text()
    revert(script)
    assert script.read_text() == TEXT


def test_an_edit_between_two_applications_is_not_lost(script: Path) -> None:
    apply(script, 64)
    script.write_text(script.read_text() + "print('mine')\n")
    apply(script, 128)
    revert(script)
    assert "print('mine')" in script.read_text() and "batch_size=64" in script.read_text()


def test_what_was_edited_since_is_left_alone(script: Path) -> None:
    apply(script)
    edited = script.read_text() + "print('mine')\n"
    script.write_text(edited)
    reverted = revert(script)
    assert not reverted.restored
    assert "edited since" in reverted.kept[0][1]
    assert script.read_text() == edited
    assert script.with_name("train.py.gputune-backup").read_text() == TEXT


def test_a_link_stays_a_link(script: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.py"
    link.symlink_to(script)
    apply(link)
    assert link.is_symlink()
    assert "batch_size=64" in script.read_text()


def test_a_file_that_changed_meanwhile_is_not_written(script: Path) -> None:
    target = Target(script=str(script))
    patch = applying.plan_patch(target, config())
    script.write_text("x = 1\n")
    with pytest.raises(applying.ApplyFailed, match="changed meanwhile"):
        applying.write_patch(target, patch)
    assert script.read_text() == "x = 1\n"


def test_all_files_or_none(
    script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """The second file cannot be written: the first is as it was."""
    (script.parent / "models.py").write_text("def build(m):\n    m.compile('adam')\n")
    script.write_text("from models import build\nmodel.fit(x, y, batch_size=16)\n")
    before = {path: path.read_bytes() for path in script.parent.iterdir()}
    target = Target(script=str(script))
    both = replace(config(), policy=(Setting(knob="steps_per_execution", value=8),))
    patch = applying.plan_patch(target, both)
    assert len(patch.files) == 2
    real, written = applying._replace, []

    def failing(path: Path, text: bytes) -> None:
        if len(written) == 1:
            written.append(path)
            raise OSError(28, "No space left on device", str(path))
        written.append(path)
        real(path, text)

    monkeypatch.setattr(applying, "_replace", failing)
    with pytest.raises(applying.ApplyFailed, match="No space left"):
        applying.write_patch(target, patch)
    assert {path: path.read_bytes() for path in before} == before


def test_nothing_applied_nothing_reverted(script: Path) -> None:
    with pytest.raises(applying.ApplyFailed, match="nothing was applied"):
        revert(script)
    (script.parent / RECORD).write_text("{broken")
    with pytest.raises(applying.ApplyFailed, match="nothing was applied"):
        revert(script)


def test_revert_after_an_edit_goes_back_step_by_step(script: Path) -> None:
    """The first original is kept as long as the first patch is in."""
    apply(script, 64)
    edited = script.read_text() + "print('mine')\n"
    script.write_text(edited)
    apply(script, 128)
    first = revert(script)
    assert first.restored == (script,) and first.more
    assert script.read_text() == edited
    second = revert(script)
    assert not second.restored and "as it was it lies in" in second.kept[0][1]
    assert script.with_name("train.py.gputune-backup").read_text() == TEXT
    script.write_text(edited.removesuffix("print('mine')\n"))
    third = revert(script)
    assert third.restored == (script,) and not third.more
    assert [one.name for one in script.parent.iterdir()] == ["train.py"]
    assert script.read_text() == TEXT


def test_what_another_tool_has_restored_is_no_edit(script: Path) -> None:
    apply(script, 64)
    script.write_text(TEXT)  # `git checkout train.py`
    apply(script, 128)
    reverted = revert(script)
    assert reverted.restored == (script,) and not reverted.more
    assert [one.name for one in script.parent.iterdir()] == ["train.py"]


def test_a_backup_is_never_written_over(script: Path) -> None:
    mine = script.with_name("train.py.gputune-backup")
    mine.write_text("mine\n")
    apply(script)
    assert revert(script).restored == (script,)
    assert mine.read_text() == "mine\n" and script.read_text() == TEXT


def test_only_the_files_of_the_script_are_reverted(script: Path) -> None:
    other = script.with_name("other.py")
    other.write_text(TEXT)
    apply(script)
    apply(other)
    patched = other.read_text()
    assert revert(script).restored == (script,)
    assert script.read_text() == TEXT and other.read_text() == patched
    assert revert(other).restored == (other,)
    assert other.read_text() == TEXT


def test_a_file_of_two_scripts_goes_back_in_order(script: Path) -> None:
    shared = script.with_name("models.py")
    shared.write_text("SIZE = 16\n")
    texts = "import keras\nfrom models import SIZE\nmodel.compile('adam')\n"
    other = script.with_name("other.py")
    for path in (script, other):
        path.write_text(texts + "model.fit(x, y, batch_size=SIZE)\n")
    apply(script, 64)
    apply(other, 128)
    assert shared.read_text() == "SIZE = 128\n"
    assert "changed since for other.py" in revert(script).kept[0][1]
    assert revert(other).restored == (shared,) and shared.read_text() == "SIZE = 64\n"
    assert revert(script).restored == (shared,) and shared.read_text() == "SIZE = 16\n"


def test_what_an_older_version_recorded_is_reverted(script: Path) -> None:
    apply(script)
    record = script.with_name(RECORD)
    written = json.loads(record.read_text())["written"][0]["written"]
    elsewhere = "/elsewhere/train.py"
    record.write_text(json.dumps({"version": 1, "written": {
        str(script): written, elsewhere: written,
    }}))  # fmt: skip
    reverted = revert(script)
    assert reverted.restored == (script,) and not reverted.kept
    assert script.read_text() == TEXT


def test_a_copy_of_the_project_is_what_is_changed_and_reverted(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        (folder / "train.py").write_text(TEXT)
    site = Site(file=str(first / "train.py"), line=3, code=TEXT.splitlines()[2])
    recorded = Config(
        script="train.py", tf_data=(Setting(knob="batch_size", value=64, site=site),)
    )  # fmt: skip
    target = Target(script=str(second / "train.py"))
    patch = applying.plan_patch(target, recorded)
    assert [file.path for file in patch.files] == [second / "train.py"]
    applying.write_patch(target, patch)
    shutil.copytree(second, tmp_path / "c")
    assert revert(tmp_path / "c" / "train.py").restored == (tmp_path / "c" / "train.py",)
    assert (first / "train.py").read_text() == TEXT
    assert "batch_size=64" in (second / "train.py").read_text()


def test_a_file_of_another_project_is_not_changed(tmp_path: Path) -> None:
    other = tmp_path / "a" / "data.py"
    other.parent.mkdir()
    other.write_text("ds = ds.batch(16)\n")
    script = tmp_path / "b" / "train.py"
    script.parent.mkdir()
    script.write_text("import keras\n")
    site = Site(file=str(other), line=1, code="ds = ds.batch(16)")
    elsewhere = Config(
        script="train.py", tf_data=(Setting(knob="batch_size", value=64, site=site),)
    )  # fmt: skip
    patch = applying.plan_patch(Target(script=str(script)), elsewhere)
    assert not patch.files
    assert "is none of this script's" in patch.told[0].what


def test_a_path_with_a_null_byte_is_told(script: Path) -> None:
    site = Site(file="a\0b", line=1)
    odd = Config(script="train.py", tf_data=(Setting(knob="batch_size", value=64, site=site),))
    patch = applying.plan_patch(Target(script=str(script)), odd)
    assert [one.how for one in patch.told] == ["refused"]


@pytest.mark.parametrize(
    "text", [b"# Gr\xf6\xdfe\nx = 1\n", b"# coding: foo\nx = 1\n", "x = 1\n".encode("utf-16")]
)
def test_an_encoding_that_is_none_is_told(script: Path, text: bytes) -> None:
    """Of the script as an error, of what it imports by leaving it out."""
    script.with_name("old.py").write_bytes(text)
    script.write_text("try:\n    import old\nexcept ImportError:\n    old = None\n" + TEXT)
    apply(script)
    assert "batch_size=64" in script.read_text()
    script.write_bytes(text)
    with pytest.raises(BadTarget, match=r"train\.py"):
        applying.plan_patch(Target(script=str(script)), config())
