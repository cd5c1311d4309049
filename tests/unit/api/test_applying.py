"""Patches written to files, with a backup, and taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from gputune.api import applying
from gputune.launch.command import Target
from gputune.schema.config import Config, Setting

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
    script.write_text("from models import build\n" + TEXT)
    before = {path: path.read_bytes() for path in script.parent.iterdir()}
    target = Target(script=str(script))
    both = Config(script="train.py", policy=(Setting(knob="steps_per_execution", value=8),))
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
    (script.parent / applying.RECORD).write_text("{broken")
    with pytest.raises(applying.ApplyFailed, match="nothing was applied"):
        revert(script)
