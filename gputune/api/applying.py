"""A configuration written into the user's files, with a backup, and taken out again."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gputune.api.applied import Entry, Record, new_backup, recorded, relative
from gputune.launch.command import BadTarget, Target, check_target
from gputune.rewrite.patch.patch import FilePatch, Patch, make_patch, unified_diff
from gputune.rewrite.patch.source import Unreadable
from gputune.schema.config import Config


class ApplyFailed(Exception):
    """Files that could not be changed or restored; `hint` says what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


@dataclass(frozen=True)
class Reverted:
    """The files that are as they were, and those that are not, each with its reason."""

    restored: tuple[Path, ...]
    kept: tuple[tuple[Path, str], ...]
    more: bool = False
    """Whether an earlier application to edited files is still in them."""


def plan_patch(target: Target, config: Config) -> Patch:
    """Find what a configuration changes in a script and in what it imports; writes nothing.

    Raises BadTarget for a script that is not there or is no Python.
    """
    script = _script(target)
    try:
        return make_patch(script, config.settings, _read)
    except Unreadable as error:
        raise BadTarget(str(error), "give a Python script that runs") from error


def diff(patch: Patch) -> bytes:
    """The patch as `git apply` takes it in the working directory."""
    return unified_diff(patch, Path.cwd())


def write_patch(target: Target, patch: Patch) -> Path:
    """Write all files of a patch, or none; returns where the backups are recorded.

    An application to files that are as the script's last one left them joins that one: its
    backups stay. To others it is one of its own, with backups of what it finds. Raises
    ApplyFailed: what was written until then is restored.
    """
    script = _script(target)
    known = recorded(script.parent, script.name)
    entries = _planned(known, script.name, patch)
    made: list[Path] = []
    written: list[FilePatch] = []
    try:
        for file, entry in zip(patch.files, entries, strict=True):
            if _read(file.path) != file.before:
                raise ApplyFailed(f"{file.path.name} was changed meanwhile", "apply again")
            backup = known.backup_of(entry)
            if not any(entry.backup == one.backup for one in known.entries):
                shutil.copy2(file.path, backup)
                made.append(backup)
            written.append(file)
            _replace(file.path, file.after)
        names = {(entry.file, entry.number) for entry in entries}
        others = [
            one for one in known.entries
            if one.script != script.name or (one.file, one.number) not in names
        ]  # fmt: skip
        now = replace(known, entries=(*others, *entries))
        _replace(now.path, now.text())
    except (OSError, ApplyFailed) as error:
        for file in written:
            with suppress(OSError):
                _replace(file.path, file.before)
        for backup in made:
            with suppress(OSError):
                backup.unlink()
        if isinstance(error, ApplyFailed):
            raise
        raise ApplyFailed(
            f"cannot write {error.filename}: {error.strerror}", "nothing has been changed"
        ) from error
    return now.path


def _planned(known: Record, script: str, patch: Patch) -> list[Entry]:
    """The entry of each file: that of the script's last application, or a new one."""
    last = {entry.file: entry for entry in known.last_application(script)}
    joins = all(_is_as_left(known, script, last, file) for file in patch.files)
    number = max((entry.number for entry in last.values()), default=0) + (not last or not joins)
    entries = []
    for file in patch.files:
        name = relative(known.folder, file.path)
        if joins and name in last:
            backup = last[name].backup
        else:
            backup = relative(known.folder, new_backup(file.path))
        entries.append(Entry(script, number, name, backup, _sha256(file.after)))
    return entries


def _is_as_left(known: Record, script: str, last: dict[str, Entry], file: FilePatch) -> bool:
    latest = known.latest(file.path)
    if latest is None:
        return True
    own = latest.script == script and latest in last.values()
    return own and (
        latest.written == _sha256(file.before) or _read(known.backup_of(latest)) == file.before
    )


def revert(target: Target) -> Reverted:
    """Restore, to the byte, what the script's last application changed.

    A file that was edited since, or by the application of another script, is left alone. Raises
    ApplyFailed where nothing is known of the script.
    """
    script = _script(target)
    known = recorded(script.parent, script.name)
    last = known.last_application(script.name)
    if not last:
        raise ApplyFailed(
            f"nothing was applied to {script.name} in {script.parent}",
            "there is nothing to revert",
        )
    restored: list[Path] = []
    kept: list[tuple[Path, str]] = []
    left = list(known.entries)
    for entry in last:
        path, backup = known.file_of(entry), known.backup_of(entry)
        reason = _not_restored(known, entry)
        if reason:
            kept.append((path, reason))
            continue
        try:
            _replace(path, backup.read_bytes())
            backup.unlink()
        except OSError as error:
            kept.append((path, error.strerror or str(error)))
            continue
        restored.append(path)
        left.remove(entry)
    now = replace(known, entries=tuple(left))
    with suppress(OSError):
        if left:
            _replace(now.path, now.text())
        else:
            now.path.unlink()
    return Reverted(tuple(restored), tuple(kept), bool(now.last_application(script.name)))


def _not_restored(known: Record, entry: Entry) -> str:
    """Why a file is left as it is; nothing where its backup can be put back."""
    path, backup = known.file_of(entry), known.backup_of(entry)
    now, before, latest = _read(path), _read(backup), known.latest(path)
    if before is None:
        return f"its backup {backup.name} is gone"
    if latest is not None and latest is not entry:
        return f"it was changed since for {latest.script}: revert that first"
    if now is not None and now != before and _sha256(now) != entry.written:
        return f"it was edited since; as it was it lies in {backup.name}"
    return ""


def _script(target: Target) -> Path:
    found = check_target(target)
    if found is None:
        raise BadTarget("the source of the script is not found", "give the path of a Python file")
    return Path(os.path.realpath(found))


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (OSError, ValueError):  # ValueError: a path with a null byte
        return None


def _sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _replace(path: Path, text: bytes) -> None:
    """Write a file whole or not at all, with the rights that it had."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, name)
        Path(name).replace(path)
    except BaseException:  # also Ctrl-C: no half-written file stays
        with suppress(OSError):
            Path(name).unlink()
        raise
