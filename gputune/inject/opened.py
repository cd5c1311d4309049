"""The files that the script opens for writing, from Python's audit events.

What C++ writes (TensorFlow's own files) raises no audit event; dry mode redirects that by its
own hooks and reports it as redirected.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any

from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.watch import Watch

_MOST = 50
_WRITING = os.O_WRONLY | os.O_RDWR
_BYTECODE = re.compile(r"__pycache__|\.py[co](\.\d+)?$")
"""Python writes bytecode under a name with a number first (PYTHONPYCACHEPREFIX: in any folder)."""
_NO_FILES = ("/dev/", "/proc/", "/sys/")


def watch_opened_files(watch: Watch) -> None:
    """Write an `opened` event for each new path, at most fifty."""
    seen: set[str] = set()
    session = str(watch.folder.root)
    busy = False

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal busy
        if event != "open" or busy or len(seen) >= _MOST:
            return
        path, _, flags = arguments
        if not isinstance(flags, int) or not flags & _WRITING or not isinstance(path, str):
            return
        if not watch.guard.enabled("opened"):
            return
        busy = True
        try:
            watch.guard.run("opened", note, os.path.abspath(path))
        finally:
            busy = False

    def note(path: str) -> None:
        if path in seen or path.startswith((session, *_NO_FILES)):
            return
        if _BYTECODE.search(path):
            return
        if "__autograph_generated_file" in path:
            # AutoGraph's own, for each function that it converts; the script opened none of it.
            return
        # A broken pipe's or a socket's descriptor has no path; what is left is a file.
        seen.add(path)
        watch.log.write(events.OPENED, path=path)

    sys.addaudithook(audit)
