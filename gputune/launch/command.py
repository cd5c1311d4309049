"""What is started, and what is refused before anything is started."""

from __future__ import annotations

import difflib
import importlib.util
import itertools
import sys
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

_MOST_LISTED = 10_000
"""Look at this many files of a folder for a close match, and at no more."""


class BadTarget(Exception):
    """What was asked for cannot be run; `what` says why, `hint` what to do (may be empty).

    `exit_code` is 1 for source that does not compile, as Python ends with it, else 2.
    """

    def __init__(self, what: str, hint: str = "", *, exit_code: int = 2) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.exit_code = exit_code


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the user asked to run: a script or a module, with its arguments, all as typed."""

    script: str | None = None
    """A path: of a file, or of a folder or archive with a `__main__.py`."""
    module: str | None = None
    """The dotted name behind `-m`."""
    arguments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.script is None) == (self.module is None):
            raise ValueError("a target is either a script or a module")

    @classmethod
    def named(cls, name: str, *, module: bool, arguments: Sequence[str] = ()) -> Target:
        """What a command line names: a script, or with `-m` a module."""
        if module:
            return cls(module=name, arguments=tuple(arguments))
        return cls(script=name, arguments=tuple(arguments))

    @property
    def name(self) -> str:
        """A short name for reports: the script's without its folder and `.py`, or the module's."""
        return Path(self.script).stem if self.script is not None else str(self.module)


def command_line(target: Target, python: str = sys.executable) -> list[str]:
    """The command of the bare run, word by word, with `python` as its interpreter."""
    if target.script is not None:
        return [python, target.script, *target.arguments]
    return [python, "-m", str(target.module), *target.arguments]


def check_target(target: Target) -> Path | None:
    """The source file that will run as `__main__`; None where it is no plain source file.

    Nothing of the user's is imported or run. Raises BadTarget for a script or module that does not
    exist, cannot be read or does not compile, for a folder without `__main__.py`, and for `-`.
    """
    if target.script is not None:
        return _check_script(target.script)
    return _check_module(str(target.module))


def _check_script(script: str) -> Path | None:
    path = Path(script)
    if script == "-":
        raise BadTarget(
            "a script on standard input cannot be measured", "save it to a file and name that"
        )
    if script.startswith("-"):
        raise BadTarget(
            f"{script} looks like an option, not like a script",
            f"gputune's options go before the script; a file of this name is ./{script}",
        )
    if not path.exists():
        raise BadTarget(f"{script or 'the empty name'} does not exist", _suggestion(path))
    if path.is_dir():
        if not (path / "__main__.py").is_file():
            files = _python_files(path)
            raise BadTarget(f"{script} is a folder without a __main__.py", _listed(path, files))
        path = path / "__main__.py"
    elif path.suffix == ".ipynb":
        raise BadTarget(
            f"{script} is a notebook, not a script",
            f"convert it: jupyter nbconvert --to script {script!r}",
        )
    # A pipe can be read only once, and that is the script's turn; an archive has no one source.
    if not path.is_file() or zipfile.is_zipfile(path):
        return None
    return _compiles(path)


def _compiles(path: Path) -> Path | None:
    """The path, if its source compiles; None for compiled code."""
    try:
        source = path.read_bytes()
    except OSError as error:
        raise BadTarget(f"{path} cannot be read: {error.strerror}") from None
    if source.startswith(importlib.util.MAGIC_NUMBER):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the run itself will show them, once
        try:
            compile(source, str(path), "exec", dont_inherit=True)
        except SyntaxError as error:
            place = f"{path}:{error.lineno}" if error.lineno else str(path)
            line = (error.text or "").strip()
            what = f"{place}: {type(error).__name__}: {error.msg}"
            raise BadTarget(what, line, exit_code=1) from None
        except ValueError as error:
            raise BadTarget(f"{path} is no Python source: {error}", exit_code=1) from None
        except (MemoryError, RecursionError):
            pass  # the interpreter's limits are for the run itself to meet
    return path


def _python_files(folder: Path) -> list[str]:
    try:
        entries = list(itertools.islice(folder.iterdir(), _MOST_LISTED))
    except OSError:
        return []
    return sorted(entry.name for entry in entries if entry.suffix == ".py")


def _suggestion(path: Path) -> str:
    """A hint for a script that does not exist: what its folder has."""
    if path.name in {"python", "python3"}:
        return "leave out the interpreter: gputune starts it"
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist"
    names = {name.lower(): name for name in _python_files(path.parent)}
    close = difflib.get_close_matches(path.name.lower(), names, n=1)
    if close:
        return f"did you mean {path.with_name(names[close[0]])}?"
    return _listed(path.parent, list(names.values()))


def _listed(folder: Path, names: Sequence[str]) -> str:
    if not names:
        return f"there is no Python file in {folder.absolute()}"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"Python files there: {', '.join(names[:5])}{more}"


def _check_module(module: str) -> Path | None:
    if not all(part.isidentifier() for part in module.split(".")):
        dotted = module.removesuffix(".py").replace("/", ".")
        hint = f"-m takes a dotted name, such as {dotted}" if "/" in module else ""
        raise BadTarget(f"{module} is no module name", hint)
    spec = _find(module)
    if spec is None:
        return None
    if spec.submodule_search_locations is not None:
        main = PathFinder.find_spec("__main__", list(spec.submodule_search_locations))
        if main is None:
            raise BadTarget(
                f"{module} is a package without a __main__", f"name one of its modules: {module}.…"
            )
        spec = main
    if not spec.has_location or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return _compiles(Path(spec.origin))


def _find(module: str) -> ModuleSpec | None:
    """The module's spec, found without importing the packages that it lies in.

    None where that cannot be known: a package that makes its own `__path__` when it is imported.
    """
    search: list[str] = [str(Path.cwd()), *sys.path]
    found: ModuleSpec | None = None
    inside = ""
    for name in module.split("."):
        package = found
        # By its last name alone: for a dotted one the finder wants the package to be imported.
        found = PathFinder.find_spec(name, search)
        if found is None and package is None:
            found = _found_otherwise(name)
        if found is None and package is not None and _makes_its_path(package):
            return None
        if found is None:
            where = f"in {inside}" if inside else f"in {Path.cwd()} or on the Python path"
            raise BadTarget(f"no module {name} {where}", _close(name, inside, search))
        inside = f"{inside}.{name}" if inside else name
        search = list(found.submodule_search_locations or ())
    return found


def _makes_its_path(package: ModuleSpec) -> bool:
    """Whether the package's code mentions `__path__`, so that its folder is not all it has."""
    if package.origin is None or not package.origin.endswith(".py"):
        return False
    try:
        return b"__path__" in Path(package.origin).read_bytes()
    except OSError:
        return False


def _found_otherwise(name: str) -> ModuleSpec | None:
    """The spec of a top-level module that no path names: an editable install, a frozen module."""
    for finder in sys.meta_path:
        spec = finder.find_spec(name, None) if finder is not PathFinder else None
        if spec is not None:
            return spec
    return None


def _close(name: str, package: str, search: Sequence[str]) -> str:
    """A hint for a module that does not exist: what stands where it was looked for first."""
    if not search:
        return ""
    folder = Path(search[0])
    names = [file.removesuffix(".py") for file in _python_files(folder)]
    with_init = folder.glob("*/__init__.py")
    names += [init.parent.name for init in itertools.islice(with_init, _MOST_LISTED)]
    close = difflib.get_close_matches(name, names, n=1)
    if not close:
        return ""
    return f"did you mean {package + '.' if package else ''}{close[0]}?"
