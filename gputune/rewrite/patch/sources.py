"""The files that a patch may concern: the script, and what it imports from beside it."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import libcst as cst

from gputune.rewrite.patch.source import Source, Unreadable, parse

Read = Callable[[Path], bytes | None]
"""The bytes of a file, or None where there is none."""
_MOST_FILES = 200
_PROJECT = ("pyproject.toml", "setup.py", "setup.cfg", ".git/HEAD", ".git")


class Sources:
    """Parses each file once. The script must be readable: raises Unreadable where it is not."""

    def __init__(self, script: Path, read: Read) -> None:
        self._read = read = cache(read)  # each import asks for many a file
        self._known: dict[Path, Source | str] = {}
        found = self.file(script)
        if isinstance(found, str):
            raise Unreadable(found)
        self.script = found
        self._roots = _roots(script, read)

    def file(self, path: Path) -> Source | str:
        """The file as a tree, or why there is none."""
        if path not in self._known:
            self._known[path] = self._parsed(path)
        return self._known[path]

    def _parsed(self, path: Path) -> Source | str:
        before = self._read(path)
        if before is None:
            return f"{path.name} cannot be read"
        try:
            source = parse(path, before)
        except Unreadable as error:
            return str(error)
        except SyntaxError as error:  # of its encoding, by libcst
            return f"{path.name} cannot be parsed: {error.msg}"
        why = not_python(before)
        return f"{path.name} {why}" if why else source

    def own(self) -> list[Source]:
        """The script, and the files beside it that it imports, directly or not."""
        found = {self.script.path: self.script}
        waiting = [self.script]
        while waiting and len(found) < _MOST_FILES:
            for path in self._imported(waiting.pop()):
                source = self.file(path)
                if path not in found and isinstance(source, Source):
                    found[path] = source
                    waiting.append(source)
        return list(found.values())

    def at(self, file: str) -> Source | str:
        """The file that a recorded site names: the script's, and never one of another project.

        A site of another machine, or of a copy of the project, is found by how its path ends.
        """
        parts = [part for part in re.split(r"[\\/]", file) if part not in ("", ".")]
        own = self.own()
        for source in own:
            if source.path == Path(file):
                return source
        most = max((_ending(source.path, parts) for source in own), default=0)
        same = [source for source in own if most and _ending(source.path, parts) == most]
        if len(same) == 1:
            return same[0]
        if same:
            return f"several files of the script could be {parts[-1]}"
        root = _project(self.script.path, self._read)
        for start in range(len(parts)):
            path = root.joinpath(*parts[start:])
            if self._read(path) is not None:
                return self.file(path)
        return (
            f"{file} is none of this script's: it is not below {root.name or root}, "
            "and the script does not import it"
        )

    def imported(self, source: Source, name: str) -> tuple[Source, str] | None:
        """The file that a name is imported from, and its name there."""
        for node in source.found(cst.ImportFrom):
            assert isinstance(node, cst.ImportFrom)
            if isinstance(node.names, cst.ImportStar):
                continue
            for alias in node.names:
                bound = alias.evaluated_alias or alias.evaluated_name
                if bound == name:
                    for path in self._paths(source, _dotted(node), len(node.relative)):
                        found = self.file(path)
                        if isinstance(found, Source):
                            return found, alias.evaluated_name
        return None

    def module(self, source: Source, name: str) -> Source | None:
        """The file of the module that a name of this file stands for."""
        for node in (*source.found(cst.Import), *source.found(cst.ImportFrom)):
            assert isinstance(node, cst.Import | cst.ImportFrom)
            if isinstance(node.names, cst.ImportStar):
                continue
            for alias in node.names:
                if (alias.evaluated_alias or alias.evaluated_name) != name:
                    continue
                dotted, level = alias.evaluated_name, 0
                if isinstance(node, cst.ImportFrom):
                    dotted = ".".join(part for part in (_dotted(node), dotted) if part)
                    level = len(node.relative)
                for path in self._paths(source, dotted, level):
                    found = self.file(path)
                    if isinstance(found, Source):
                        return found
        return None

    def imports(self, source: Source, node: cst.Import | cst.ImportFrom) -> list[Source]:
        """The files of the script's own that an import runs, its packages' among them."""
        found = [self.file(path) for path in self._of_import(source, node)]
        if isinstance(node, cst.Import):
            dotted, level = [alias.evaluated_name for alias in node.names], 0
        else:
            dotted, level = [_dotted(node)], len(node.relative)
        for name in dotted:
            while name := name.rpartition(".")[0]:
                found += [self.file(path) for path in self._paths(source, name, level)]
        return [one for one in found if isinstance(one, Source)]

    def _imported(self, source: Source) -> Iterator[Path]:
        for node in (*source.found(cst.Import), *source.found(cst.ImportFrom)):
            assert isinstance(node, cst.Import | cst.ImportFrom)
            yield from self._of_import(source, node)

    def _of_import(self, source: Source, node: cst.Import | cst.ImportFrom) -> Iterator[Path]:
        if isinstance(node, cst.Import):
            for alias in node.names:
                yield from self._paths(source, alias.evaluated_name, 0)
            return
        dotted, level = _dotted(node), len(node.relative)
        yield from self._paths(source, dotted, level)
        if not isinstance(node.names, cst.ImportStar):
            for alias in node.names:
                whole = ".".join(part for part in (dotted, alias.evaluated_name) if part)
                yield from self._paths(source, whole, level)

    def _paths(self, source: Source, dotted: str, level: int) -> Iterator[Path]:
        if not dotted:
            return
        parts = dotted.split(".")
        roots = self._roots
        if level:
            folder = source.path.parent
            for _ in range(level - 1):
                folder = folder.parent
            roots = (folder,)
        for root in roots:
            for path in (
                root.joinpath(*parts).with_suffix(".py"),
                root.joinpath(*parts, "__init__.py"),
            ):
                if self._read(path) is not None:
                    yield path
                    return


def _roots(script: Path, read: Read) -> tuple[Path, ...]:
    """Where the script's own modules are found: its folder, and that above its package."""
    folder = script.parent
    while read(folder / "__init__.py") is not None and folder != folder.parent:
        folder = folder.parent
    return tuple(dict.fromkeys((script.parent, folder)))


def _project(script: Path, read: Read) -> Path:
    """The folder of the project that the script belongs to; else its own folder."""
    for folder in script.parents:
        if any(read(folder / name) is not None for name in _PROJECT):
            return folder
    return script.parent


def _ending(path: Path, parts: list[str]) -> int:
    """How many parts of a path are the same, from its end."""
    same = 0
    for one, other in zip(reversed(path.parts), reversed(parts), strict=False):
        if one != other:
            break
        same += 1
    return same


def not_python(text: bytes) -> str:
    """Why this Python cannot run the text; nothing where it can."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an odd escape in the user's line
        try:
            ast.parse(text)
        except SyntaxError as error:
            this = f"{sys.version_info.major}.{sys.version_info.minor}"
            return f"is no Python {this} (line {error.lineno}: {error.msg})"
        except (ValueError, RecursionError, MemoryError) as error:
            return f"cannot be parsed: {error}"
    return ""


def _dotted(node: cst.ImportFrom) -> str:
    return cst.Module(body=[]).code_for_node(node.module) if node.module is not None else ""
