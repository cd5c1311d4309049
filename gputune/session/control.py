"""The control channel: the tuner asks a child that stays for one trial after another.

JSON lines over a socket pair, parent to child; what comes of a trial goes the other way through
the session's log. A parent that has died is the end of the file: the child then ends, too.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Mapping
from typing import Any


class Asking:
    """The parent's end, and until the child has started the child's as well."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()

    @property
    def fileno(self) -> int:
        """The file descriptor that the child is to inherit."""
        return self._theirs.fileno()

    def started(self) -> None:
        """The child has its end: let go of ours of it, or its death would not be noticed."""
        self._theirs.close()

    def ask(self, order: Mapping[str, Any]) -> bool:
        """Send one order; False where the child is gone."""
        try:
            self._ours.sendall(json.dumps(dict(order)).encode() + b"\n")
        except OSError:
            return False
        return True

    def close(self) -> None:
        """No more orders: the child ends once it has answered the last."""
        for end in (self._ours, self._theirs):
            with contextlib.suppress(OSError):
                end.close()


class Asked:
    """The child's end."""

    def __init__(self, fileno: int) -> None:
        self._lines = socket.socket(fileno=fileno).makefile("rb")

    def next(self) -> dict[str, Any] | None:
        """Wait for the next order; None where there are no more."""
        try:
            line = self._lines.readline()
        except OSError:
            return None
        if not line.endswith(b"\n"):
            return None
        order = json.loads(line)
        return order if isinstance(order, dict) else None
