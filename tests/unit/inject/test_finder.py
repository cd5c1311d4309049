from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from gputune.inject.finder import PostImportFinder

NAME = "gputune_test_module"


class Seen:
    def __init__(self) -> None:
        self.values: list[object] = []

    def __call__(self, module: ModuleType) -> None:
        self.values.append(module.VALUE)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of an importable module; it is not imported before and forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    file = tmp_path / f"{NAME}.py"
    file.write_text("VALUE = 0\nVALUE = 42\n", encoding="utf-8")
    importlib.invalidate_caches()
    yield file
    sys.modules.pop(NAME, None)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """The callback of a finder that stands first, as in a watched process."""
    found = Seen()
    monkeypatch.setattr(sys, "meta_path", [PostImportFinder({NAME: found}), *sys.meta_path])
    return found


def test_the_callback_gets_the_module_after_its_code_has_run_once(module: Path, seen: Seen) -> None:
    imported = importlib.import_module(NAME)
    assert seen.values == [42]
    importlib.import_module(NAME)
    assert seen.values == [42]
    assert sys.modules[NAME] is imported


def test_the_modules_loader_is_the_one_that_python_chose_and_whole(
    module: Path, seen: Seen
) -> None:
    loader = importlib.import_module(NAME).__loader__
    assert type(loader) is SourceFileLoader
    assert "exec_module" not in vars(loader)


def test_asking_whether_a_module_is_installed_does_not_use_up_the_callback(
    module: Path, seen: Seen
) -> None:
    assert importlib.util.find_spec(NAME) is not None
    assert importlib.util.find_spec(NAME) is not None
    assert seen.values == []
    importlib.import_module(NAME)
    assert seen.values == [42]


def test_a_failing_import_is_the_scripts_own_error(module: Path, seen: Seen) -> None:
    module.write_text("VALUE = 1\nraise LookupError('mine')\n", encoding="utf-8")
    with pytest.raises(LookupError, match="mine") as caught:
        importlib.import_module(NAME)
    assert caught.value.__cause__ is None and caught.value.__context__ is None
    assert seen.values == []
    assert NAME not in sys.modules


def test_an_import_that_works_at_the_second_try_calls_back(module: Path, seen: Seen) -> None:
    text = module.read_text(encoding="utf-8")
    module.write_text("import gputune_missing_module\n", encoding="utf-8")
    with pytest.raises(ModuleNotFoundError, match="gputune_missing_module"):
        importlib.import_module(NAME)
    module.write_text(text, encoding="utf-8")
    importlib.invalidate_caches()
    importlib.import_module(NAME)
    assert seen.values == [42]


def test_a_reload_works_and_does_not_call_back_again(module: Path, seen: Seen) -> None:
    imported = importlib.import_module(NAME)
    module.write_text("VALUE = 'changed'\n", encoding="utf-8")
    importlib.reload(imported)
    assert imported.VALUE == "changed"
    assert seen.values == [42]


def test_a_module_that_does_not_exist_is_missing_as_ever(
    seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModuleNotFoundError, match=NAME):
        importlib.import_module(NAME)
    assert importlib.util.find_spec(NAME) is None


def test_other_modules_are_not_touched(module: Path, tmp_path: Path, seen: Seen) -> None:
    other = "gputune_other_module"
    (tmp_path / f"{other}.py").write_text("VALUE = 7\n", encoding="utf-8")
    try:
        importlib.import_module(other)
    finally:
        sys.modules.pop(other, None)
    assert seen.values == []


def test_a_module_that_replaces_itself_is_given_as_what_it_became(module: Path, seen: Seen) -> None:
    module.write_text(
        "import sys, types\n"
        "new = types.ModuleType(__name__)\n"
        "new.VALUE = 'replaced'\n"
        "sys.modules[__name__] = new\n",
        encoding="utf-8",
    )
    importlib.import_module(NAME)
    assert seen.values == ["replaced"]
