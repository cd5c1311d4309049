"""What `apply` wrote, by script and by application: the record in a folder, and its backups."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RECORD = ".gputune-applied.json"
"""In the script's folder."""
BACKUP = ".gputune-backup"
_VERSION = 2


@dataclass(frozen=True)
class Entry:
    """One file that an application changed: `file` and `backup` are relative to the folder."""

    script: str
    number: int
    """Of the script's applications, from 1."""
    file: str
    backup: str
    written: str
    """SHA-256 of what was written."""


@dataclass(frozen=True)
class Record:
    """The entries of a folder, the earliest first."""

    folder: Path
    entries: tuple[Entry, ...]

    @property
    def path(self) -> Path:
        """The file of the record."""
        return self.folder / RECORD

    def text(self) -> bytes:
        """The record as it is stored."""
        entries = [asdict(entry) for entry in self.entries]
        return json.dumps({"version": _VERSION, "written": entries}, indent=1).encode()

    def latest(self, path: Path) -> Entry | None:
        """What was last written to a file."""
        name = relative(self.folder, path)
        return next((one for one in reversed(self.entries) if one.file == name), None)

    def last_application(self, script: str) -> tuple[Entry, ...]:
        """The entries of a script's last application that was not reverted."""
        own = [one for one in self.entries if one.script == script]
        return tuple(one for one in own if one.number == max(e.number for e in own))

    def file_of(self, entry: Entry) -> Path:
        """The path of an entry's file."""
        return Path(os.path.normpath(self.folder / entry.file))

    def backup_of(self, entry: Entry) -> Path:
        """The path of an entry's backup."""
        return Path(os.path.normpath(self.folder / entry.backup))


def recorded(folder: Path, script: str) -> Record:
    """The record of a folder: empty where there is none, or one that cannot be read."""
    try:
        body = json.loads((folder / RECORD).read_bytes())
    except (OSError, ValueError):
        return Record(folder, ())
    written = body.get("written") if isinstance(body, dict) else None
    if isinstance(written, dict):  # version 1: of one application, by whole paths
        found = [_older(folder, script, str(name), text) for name, text in written.items()]
    else:
        found = [_entry(one) for one in written] if isinstance(written, list) else []
    return Record(folder, tuple(one for one in found if one is not None))


def _older(folder: Path, script: str, name: str, written: Any) -> Entry | None:
    if not Path(name).is_relative_to(folder):
        return None  # the folder was copied: that file is another's
    file = relative(folder, Path(name))
    return Entry(script, 1, file, file + BACKUP, str(written))


def _entry(body: Any) -> Entry | None:
    try:
        entry = Entry(**body)
    except TypeError:
        return None
    texts = (entry.script, entry.file, entry.backup, entry.written)
    sound = all(isinstance(text, str) for text in texts) and isinstance(entry.number, int)
    return entry if sound else None


def relative(folder: Path, path: Path) -> str:
    """A path as the record names it: a copy of the folder has a record of its own files."""
    return os.path.relpath(path, folder)


def new_backup(path: Path) -> Path:
    """A name for a backup that no file has: none is ever written over."""
    number = 1
    while True:
        suffix = BACKUP if number == 1 else f"{BACKUP}.{number}"
        found = path.with_name(path.name + suffix)
        if not os.path.lexists(found):
            return found
        number += 1
