"""The scratch folder: a mirror of the paths that the script meant to write."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.watch import Watch

_REMOTE = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class Scratch:
    """Turns the script's output paths into paths under the scratch folder."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._said: set[str] = set()

    def for_writing(self, path: Any) -> Any:
        """The scratch path that stands for `path`; its folder exists afterwards.

        Takes and returns `str`, `bytes` or `os.PathLike` (returned as `str`). Paths that already
        lie in the session, and values that are no path (None, a file object), come back as they
        are; a remote path (`gs://…`) is written to scratch as well.
        """
        text = _text(path)
        if text is None or self._inside(text):
            return path
        mirrored = self._mirror(text)
        Path(mirrored).parent.mkdir(parents=True, exist_ok=True)
        if text not in self._said:
            self._said.add(text)
            self._watch.log.write(events.REDIRECTED, path=text, to=mirrored)
        return mirrored + "/" if text.endswith("/") else mirrored

    def for_reading(self, path: Any) -> Any:
        """The scratch path where this run wrote `path` before, otherwise `path` itself."""
        text = _text(path)
        if text is None or self._inside(text):
            return path
        mirrored = Path(self._mirror(text))
        if mirrored.exists():
            return str(mirrored)
        # A checkpoint's path is a prefix of its files' names.
        if mirrored.parent.is_dir() and any(mirrored.parent.glob(f"{_quoted(mirrored.name)}.*")):
            return str(mirrored)
        return path

    def left_in_place(self, path: Any) -> Any:
        """`path` itself, which the report names among the files that the script opened.

        For what prepares data. A script that makes its data once, and puts the finished folder
        into its place, would otherwise find an empty one for ever.
        """
        text = _text(path)
        if text is not None and not self._inside(text) and text not in self._said:
            self._said.add(text)
            self._watch.log.write(events.OPENED, path=os.path.abspath(text))
        return path

    def _mirror(self, text: str) -> str:
        absolute = os.path.abspath("/" + text.replace("://", "/") if _REMOTE.match(text) else text)
        return str(self._watch.folder.scratch / "files" / absolute.lstrip("/"))

    def _inside(self, text: str) -> bool:
        return os.path.abspath(text).startswith(str(self._watch.folder.root) + os.sep)


def _text(path: Any) -> str | None:
    if isinstance(path, bytes):
        return os.fsdecode(path)
    if isinstance(path, (str, os.PathLike)):
        text = os.fspath(path)
        return os.fsdecode(text) if isinstance(text, bytes) else text or None
    return None


def _quoted(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)
