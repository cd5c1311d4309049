from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest

from gputune.inject import sites
from gputune.inject.sites import call_site, is_user_file


def module(folder: Path, name: str, text: str) -> ModuleType:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.py"
    file.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def here() -> dict[str, Any] | None:
    """The site of whoever calls: this frame stands for the hook and is left out."""
    frame: FrameType | None = sys._getframe(1)
    return call_site(frame)


USER = "def build(get):\n    return get()\n\ndef main(get):\n    return build(get)\n"


def test_the_users_line_is_found_with_the_lines_that_led_there(tmp_path: Path) -> None:
    user = module(tmp_path, "train", USER)
    frame = user.main(lambda: sys._getframe(1))
    # A frame that has returned keeps its line.
    found = call_site(frame)
    assert found is not None
    assert (found["file"], found["line"]) == (str(tmp_path / "train.py"), 2)
    assert (found["function"], found["code"]) == ("build", "return get()")
    assert found["direct"] is True


def test_one_helper_called_from_two_lines_is_two_sites(tmp_path: Path) -> None:
    user = module(tmp_path, "train", USER + "\ndef other(get):\n    x = 1\n    return build(get)\n")
    first, second = user.main(lambda: here()), user.other(lambda: here())
    lines = [[via["line"] for via in site["via"] if via["file"].endswith("train.py")]
             for site in (first, second)]  # fmt: skip
    # The lambda of this test is the innermost frame of "the user".
    assert lines == [[2, 5], [2, 9]]


def test_a_call_that_a_library_makes_is_at_the_users_line_and_not_direct(tmp_path: Path) -> None:
    library = module(tmp_path / "lib", "library", "def run(get):\n    return get(1)\n")
    user = module(tmp_path, "train", "def main(run, get):\n    return run(get)\n")
    folder = str(tmp_path / "lib") + os.sep
    folders = sites._library_folders()
    is_user_file.cache_clear()
    original, sites._library_folders = sites._library_folders, lambda: (*folders, folder)  # type: ignore[assignment]
    try:
        found = user.main(library.run, lambda depth: call_site(sys._getframe(depth)))
    finally:
        sites._library_folders = original
        is_user_file.cache_clear()
    assert found is not None
    assert (Path(found["file"]).name, found["line"]) == ("train.py", 2)
    assert found["direct"] is False


def test_no_more_than_seven_frames_are_kept(tmp_path: Path) -> None:
    user = module(
        tmp_path, "train", "def deep(n, get):\n    return get() if n == 0 else deep(n - 1, get)\n"
    )
    found = user.deep(30, here)
    assert len(found["via"]) == 6
    assert json.loads(json.dumps(found)) == found


def test_without_a_frame_of_the_user_there_is_no_site() -> None:
    assert call_site(None) is None


@pytest.mark.parametrize(
    "file",
    [
        os.__file__,
        json.__file__,
        pytest.__file__,
        sites.__file__,
        "<frozen importlib._bootstrap>",
        "<stdin>",
        "<string>",
        "/tmp/__autograph_generated_fileabc.py",
    ],
)
def test_libraries_gputune_and_generated_code_are_not_the_users(file: str) -> None:
    assert not is_user_file(file)


@pytest.mark.parametrize("file", [__file__, "/work/train.py", "<ipython-input-3-abc>"])
def test_everything_else_is_the_users(file: str) -> None:
    assert is_user_file(file)
