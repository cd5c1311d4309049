"""The patch of a configuration: each file before and after, and what is said of each setting."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gputune.rewrite.patch.changes import changed
from gputune.rewrite.patch.edits import plan
from gputune.rewrite.patch.plan import REFUSED, Told
from gputune.rewrite.patch.sources import Read, Sources, not_python
from gputune.schema.config import Setting


@dataclass(frozen=True)
class FilePatch:
    """One file, as it is and as it is to be."""

    path: Path
    before: bytes
    after: bytes


@dataclass(frozen=True)
class Patch:
    """The files that change, and what became of each setting."""

    files: tuple[FilePatch, ...]
    told: tuple[Told, ...]


def make_patch(script: Path, settings: Sequence[Setting], read: Read) -> Patch:
    """Write the settings into the source that `read` gives. Nothing is written to any file.

    The result always parses: a file that would not is left as it is, and its settings are
    refused. Raises Unreadable for a script that is no Python.
    """
    made = plan(Sources(script, read), settings)
    files, told = [], list(made.told)
    for source, changes in made.changes.items():
        after = changed(source, changes)
        if after == source.before:
            continue
        if not_python(after):
            what = "the changed file would be no Python: left as it is"
            told.append(Told(knob="", how=REFUSED, where=source.path.name, what=what))
            continue
        files.append(FilePatch(source.path, source.before, after))
    return Patch(tuple(files), tuple(told))


def unified_diff(patch: Patch, base: Path) -> bytes:
    """The patch as `git apply` takes it in the folder `base`."""
    return b"".join(part for file in patch.files for part in _of_file(file, base))


def _of_file(file: FilePatch, base: Path) -> Iterator[bytes]:
    name = file.path.relative_to(base) if file.path.is_relative_to(base) else file.path
    label = str(name).lstrip("/").encode()
    lines = difflib.diff_bytes(
        difflib.unified_diff, _lines(file.before), _lines(file.after), b"a/" + label, b"b/" + label
    )
    for line in lines:
        yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"


def _lines(text: bytes) -> list[bytes]:
    """Lines as git counts them, each with its end."""
    parts = text.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
