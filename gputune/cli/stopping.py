"""Ctrl-C during a study: the first lets the running trial end, the second ends at once."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

_SAID = "ending after the running trial; everything is kept (Ctrl-C again: at once)"


class Stopping:
    """As a context manager it takes SIGINT, and gives it back; SIGTERM and SIGHUP end at once.

    Whoever ends a study runs into the same `KeyboardInterrupt`, so that no child is left behind.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._before: dict[signal.Signals, Any] = {}
        self.asked = False
        """Whether the study is to end after the running trial."""

    def __enter__(self) -> Stopping:
        for number, handler in (
            (signal.SIGINT, self._interrupt), (signal.SIGTERM, self._end),
            (signal.SIGHUP, self._end),
        ):  # fmt: skip
            # `nohup` has SIGHUP ignored: that is the user's word.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, handler)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        self._say(_SAID)

    def _end(self, number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt
