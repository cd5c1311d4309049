"""A configuration written into the user's files, with a backup, and taken out again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gputune.launch.command import BadTarget, Target, check_target
from gputune.rewrite.patch.patch import FilePatch, Patch, make_patch, unified_diff
from gputune.rewrite.patch.source import Unreadable
from gputune.schema.config import Config

RECORD = ".gputune-applied.json"
"""What `apply` wrote, in the script's folder; `revert` reads it."""
BACKUP = ".gputune-backup"


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

    Raises ApplyFailed: what was written until then is restored.
    """
    record = _script(target).parent / RECORD
    known = _recorded(record)
    written: list[FilePatch] = []
    try:
        for file in patch.files:
            if _read(file.path) != file.before:
                raise ApplyFailed(f"{file.path.name} was changed meanwhile", "apply again")
            entry = known.get(str(file.path))
            # The first original stays, as long as nobody else has changed the file since.
            if entry is None or entry != _sha256(file.before):
                shutil.copy2(file.path, _backup(file.path))
            known[str(file.path)] = _sha256(file.after)
            written.append(file)
            _replace(file.path, file.after)
        _replace(record, json.dumps({"version": 1, "written": known}, indent=1).encode())
    except OSError as error:
        for file in written:
            with suppress(OSError):
                _replace(file.path, file.before)
        raise ApplyFailed(
            f"cannot write {error.filename}: {error.strerror}", "nothing has been changed"
        ) from error
    return record


def revert(target: Target) -> Reverted:
    """Restore, to the byte, what `write_patch` changed; raises ApplyFailed where nothing is known.

    A file that was edited since is left alone.
    """
    record = _script(target).parent / RECORD
    known = _recorded(record)
    if not known:
        raise ApplyFailed(f"nothing was applied in {record.parent}", "there is nothing to revert")
    restored: list[Path] = []
    kept: list[tuple[Path, str]] = []
    for name, written in list(known.items()):
        path = Path(name)
        now, before = _read(path), _read(_backup(path))
        if before is None:
            kept.append((path, f"its backup {_backup(path).name} is gone"))
        elif now is not None and _sha256(now) != written:
            kept.append((path, f"it was edited since; as it was it lies in {_backup(path).name}"))
        else:
            try:
                _replace(path, before)
                _backup(path).unlink()
            except OSError as error:
                kept.append((path, error.strerror or str(error)))
                continue
            restored.append(path)
            del known[name]
    with suppress(OSError):
        if known:
            _replace(record, json.dumps({"version": 1, "written": known}, indent=1).encode())
        else:
            record.unlink()
    return Reverted(tuple(restored), tuple(kept))


def _script(target: Target) -> Path:
    found = check_target(target)
    if found is None:
        raise BadTarget("the source of the script is not found", "give the path of a Python file")
    return Path(os.path.realpath(found))


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _backup(path: Path) -> Path:
    return path.with_name(path.name + BACKUP)


def _sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _recorded(path: Path) -> dict[str, str]:
    """The files that were written, each with the hash of what was written."""
    try:
        body = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    written = body.get("written") if isinstance(body, dict) else None
    items: Iterable[tuple[object, object]] = written.items() if isinstance(written, dict) else ()
    return {str(name): str(sha256) for name, sha256 in items}


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
