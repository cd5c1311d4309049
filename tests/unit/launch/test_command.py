from __future__ import annotations

import py_compile
import sys
import zipfile
from pathlib import Path

import pytest

from gputune.launch.command import BadTarget, Target, check_target, command_line


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(target: Target) -> BadTarget:
    with pytest.raises(BadTarget) as caught:
        check_target(target)
    return caught.value


def script(name: str, source: str = "print(1)\n") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return path


def test_the_command_is_the_bare_run_word_by_word() -> None:
    target = Target(script="my scripts/train.py", arguments=("--lr", "1e-3", "-m", ""))
    assert command_line(target, "/py") == [
        "/py", "my scripts/train.py", "--lr", "1e-3", "-m", "",
    ]  # fmt: skip
    assert command_line(Target(module="pkg.train", arguments=("x",)), "/py") == [
        "/py", "-m", "pkg.train", "x",
    ]  # fmt: skip


def test_a_target_is_a_script_or_a_module_and_not_both() -> None:
    for wrong in ({}, {"script": "a.py", "module": "a"}):
        with pytest.raises(ValueError, match="script or a module"):
            Target(**wrong)


def test_a_script_that_compiles_is_accepted_with_its_source() -> None:
    path = script("dir with spaces/train.py")
    assert check_target(Target(script=str(path))) == path


def test_a_script_is_not_run_by_the_check() -> None:
    script("train.py", "raise SystemExit('it ran')\n")
    check_target(Target(script="train.py"))


def test_a_typo_is_answered_with_the_closest_file_of_that_folder() -> None:
    script("jobs/train.py")
    script("jobs/evaluate.py")
    error = refused(Target(script="jobs/trian.py"))
    assert "jobs/trian.py does not exist" in error.what
    assert error.hint == "did you mean jobs/train.py?"
    assert refused(Target(script="jobs/Train")).hint == "did you mean jobs/train.py?"


def test_a_missing_folder_and_a_folder_without_python_are_said() -> None:
    assert refused(Target(script="nowhere/train.py")).hint == "the folder nowhere does not exist"
    assert "no Python file" in refused(Target(script="train.py")).hint


def test_an_interpreter_typed_before_the_script_is_named_as_the_mistake() -> None:
    error = refused(Target(script="python", arguments=("train.py",)))
    assert "leave out the interpreter" in error.hint


@pytest.mark.parametrize("name", ["-", "--epochs", "-x.py"])
def test_standard_input_and_options_are_no_scripts(name: str) -> None:
    assert refused(Target(script=name)).hint


def test_a_syntax_error_is_told_with_file_line_and_message() -> None:
    script("train.py", "x = 1\nfor i in range(3)\n    pass\n")
    error = refused(Target(script="train.py"))
    assert error.what.startswith("train.py:2: SyntaxError: expected ':'")
    assert error.hint == "for i in range(3)"


def test_a_wrong_indentation_and_a_null_byte_are_refused_too() -> None:
    script("train.py", "if 1:\nprint(1)\n")
    assert "train.py:2: IndentationError" in refused(Target(script="train.py")).what
    script("null.py", "x = '\0'\n")
    assert "null.py" in refused(Target(script="null.py")).what


def test_the_source_is_decoded_as_python_does() -> None:
    Path("latin.py").write_bytes("# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"))
    check_target(Target(script="latin.py"))
    Path("broken.py").write_bytes("x = 'é'\n".encode("latin-1"))
    assert "broken.py" in refused(Target(script="broken.py")).what


def test_warnings_of_the_compiler_are_left_to_the_run(recwarn: pytest.WarningsRecorder) -> None:
    script("train.py", "x = '\\d'\nif x is 'y': pass\n")
    check_target(Target(script="train.py"))
    assert not recwarn.list


def test_a_folder_runs_by_its_main_file_only() -> None:
    main = script("app/__main__.py")
    assert check_target(Target(script="app")) == main
    script("lib/train.py")
    error = refused(Target(script="lib"))
    assert "folder without a __main__.py" in error.what
    assert "train.py" in error.hint


def test_an_archive_and_compiled_code_are_left_to_the_interpreter() -> None:
    with zipfile.ZipFile("app.zip", "w") as archive:
        archive.writestr("__main__.py", "print(1)")
    assert check_target(Target(script="app.zip")) is None
    py_compile.compile(str(script("train.py")), "train.pyc")
    assert check_target(Target(script="train.pyc")) is None


def test_a_notebook_is_answered_with_how_to_convert_it() -> None:
    script("train.ipynb", "{}")
    assert "nbconvert" in refused(Target(script="train.ipynb")).hint


def test_a_module_is_found_without_importing_its_packages() -> None:
    script("shop/__init__.py", "raise SystemExit('it was imported')\n")
    source = script("shop/jobs/train.py")  # a namespace package inside
    assert check_target(Target(module="shop.jobs.train")) == source.absolute()
    assert "shop" not in sys.modules


def test_a_package_runs_by_its_main_module_only() -> None:
    script("shop/__init__.py")
    assert "package without a __main__" in refused(Target(module="shop")).what
    main = script("shop/__main__.py")
    assert check_target(Target(module="shop")) == main.absolute()


def test_a_typo_in_a_module_is_answered_with_the_closest_one() -> None:
    script("shop/__init__.py")
    script("shop/train.py")
    assert refused(Target(module="shop.trian")).hint == "did you mean shop.train?"
    assert refused(Target(module="shp.train")).hint == "did you mean shop?"


def test_a_path_behind_m_is_answered_with_the_dotted_name() -> None:
    error = refused(Target(module="shop/train.py"))
    assert "shop.train" in error.hint


def test_a_syntax_error_in_a_module_is_told() -> None:
    script("shop/__init__.py")
    script("shop/train.py", "x = (\n")
    assert "SyntaxError" in refused(Target(module="shop.train")).what


def test_modules_of_the_library_and_packages_that_extend_their_path_are_let_through() -> None:
    assert check_target(Target(module="timeit")) is not None
    script("spread/__init__.py", "__path__.append('/elsewhere')\n")
    assert check_target(Target(module="spread.train")) is None
