"""Files that a command writes where the user said: for their owner alone, whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gputune.api.outputs import OutputFailed


def prove_new(path: Path, *, force: bool) -> None:
    """Raise OutputFailed where `path` is a folder, lies in none, or exists without `force`."""
    if path.is_dir():
        raise OutputFailed(f"{path} is a folder", "give the path of a file")
    if path.exists() and not force:
        raise OutputFailed(
            f"{path} exists already", "give another path, or --force to overwrite it"
        )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _failed(path, "", error) from error
    if not os.access(path.parent, os.W_OK):
        raise OutputFailed(f"cannot write to {path.parent}", "give another path")


@contextmanager
def create(path: Path, *, option: str, force: bool) -> Iterator[BinaryIO]:
    """Open `path` for writing bytes; what is left of it when writing fails is removed.

    Raises OutputFailed, which names `option`, for every error of the system inside the block.
    """
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    made = False
    try:
        # For the owner alone: a trace names the user's layers, functions and paths.
        with os.fdopen(os.open(path, flags, 0o600), "wb", buffering=2**20) as file:
            made = True
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                os.fchmod(file.fileno(), 0o600)  # also of a file that is overwritten
            yield file
    except OSError as error:
        _remove(path, made)
        raise _failed(path, option, error) from error
    except BaseException:  # also Ctrl-C: no half-written file stays
        _remove(path, made)
        raise


def write_text(path: Path, text: str, *, option: str, force: bool) -> None:
    """Write a text; raises OutputFailed as `create` does."""
    with create(path, option=option, force=force) as file:
        file.write(text.encode("utf-8"))


def _remove(path: Path, made: bool) -> None:
    if made and path.is_file():
        with suppress(OSError):
            path.unlink()


def _failed(path: Path, option: str, error: OSError) -> OutputFailed:
    if isinstance(error, FileExistsError):
        return OutputFailed(f"{path} exists already", "give --force to overwrite it")
    with_option = f" with {option}" if option else ""
    return OutputFailed(
        f"cannot write {path}: {error.strerror or error}", f"give another path{with_option}"
    )
