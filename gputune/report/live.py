"""A study while it runs: a live table on a terminal, elsewhere a line for each trial."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Final, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gputune.report import figures
from gputune.report import study_rows as rows
from gputune.report.literal import literal
from gputune.schema.config import Value
from gputune.schema.study import Budget, Trial

_LAST: Final = 8
_STYLE: Final = {"complete": "", "pruned": "dim", "infeasible": "yellow", "failed": "red"}


class LiveStudy:
    """Shows the trials of a study as they come; as a context manager it leaves a clean terminal.

    Whatever goes wrong with the stream is its own affair: a closed terminal ends no study.
    `clock` gives seconds.
    """

    def __init__(
        self, stream: TextIO, *, color: bool, ascii_only: bool, total_trials: int, budget_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._stream = stream
        self._ascii = ascii_only
        self._total = total_trials
        self._budget_s = budget_s
        self._clock = clock
        self._began = clock()
        self._trials: deque[Trial] = deque(maxlen=_LAST)
        self._count = 0
        self._own: Mapping[str, Value] = {}
        self._baseline: float | None = None
        self._best: Trial | None = None
        self._now = ""
        self._live: Live | None = None
        if stream.isatty():
            console = Console(
                file=stream, color_system="standard" if color else None, markup=False,
                emoji=False, highlight=False,
            )  # fmt: skip
            self._live = Live(
                get_renderable=self._table, console=console, transient=True,
                refresh_per_second=2, redirect_stdout=False, redirect_stderr=False,
            )  # fmt: skip

    def __enter__(self) -> LiveStudy:
        if self._live is not None:
            with suppress(OSError, ValueError):
                self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            with suppress(OSError, ValueError):
                self._live.stop()

    def on_space(self, budget: Budget, own: Mapping[str, Value], spent_s: float) -> None:
        """The study begins, or goes on after `spent_s` seconds of earlier sessions."""
        self._own = dict(own)
        self._budget_s = budget.total_s
        self._began = self._clock() - spent_s

    def on_kept(self, trial: Trial) -> None:
        """A trial of an earlier session: it counts, and is not told again."""
        self._note(trial)

    def on_begin(self, number: int, knobs: Mapping[str, Value], why: str) -> None:
        """A trial begins."""
        if not self._own:
            self._own = dict(knobs)
        self._now = f"trial {number}: {rows.settings_text(knobs, self._own)} ({why})"

    def on_trial(self, trial: Trial) -> None:
        """A trial has ended."""
        self._note(trial)
        self._now = ""
        if self._live is None:
            self._print(self._line(trial))

    def _note(self, trial: Trial) -> None:
        self._trials.append(trial)
        self._count = trial.number + 1
        if not self._own or trial.number == 0:
            self._own = dict(trial.knobs)
        if trial.state == "complete" and trial.samples_per_s is not None:
            if self._baseline is None:
                self._baseline = trial.samples_per_s
            best = self._best.samples_per_s if self._best is not None else None
            if best is None or trial.samples_per_s > best:
                self._best = trial

    def on_note(self, text: str) -> None:
        """Something that stays on the screen."""
        if self._live is None:
            self._print(f"gputune: {text}")
            return
        self._now = ""
        with suppress(OSError, ValueError):
            self._live.console.print(Text(self._safe(f"gputune: {text}"), overflow="fold"))

    def _print(self, text: str) -> None:
        with suppress(OSError, ValueError):
            encoding = self._stream.encoding or "utf-8"
            line = self._safe(text).encode(encoding, "replace").decode(encoding)
            print(line, file=self._stream, flush=True)

    def _line(self, trial: Trial) -> str:
        what = rows.settings_text(trial.knobs, self._own)
        if trial.samples_per_s is None:
            return f"trial {trial.number}: {what}: {trial.state}: {trial.reason}"
        gain = rows.gain(trial, self._baseline)
        rate = figures.rate(trial.samples_per_s, "samples")
        return f"trial {trial.number}: {what}: {rate}, {gain}, {figures.seconds(trial.duration_s)}"

    def _table(self) -> RenderableType:
        table = Table(box=None, pad_edge=False)
        table.add_column("trial", justify="right")
        table.add_column("samples/s", justify="right", no_wrap=True)
        table.add_column("gain", justify="right", no_wrap=True)
        table.add_column("settings", overflow="ellipsis", no_wrap=True)
        for trial in self._trials:
            what = rows.settings_text(trial.knobs, self._own)
            if trial.state != "complete":
                what = f"{trial.state}: {trial.reason} ({what})"
            cells = (
                str(trial.number),
                "" if trial.samples_per_s is None else figures.number(trial.samples_per_s),
                rows.gain(trial, self._baseline),
                what,
            )
            style = _STYLE.get(trial.state, "")
            table.add_row(*(Text(self._safe(cell)) for cell in cells), style=style)
        return Group(table, *(Text(self._safe(line), overflow="fold") for line in self._status()))

    def _status(self) -> list[str]:
        left_s = max(self._budget_s - (self._clock() - self._began), 0.0)
        status = f"{self._count} of at most {self._total} trials, {figures.seconds(left_s)} left"
        if self._best is not None:
            best = figures.rate(self._best.samples_per_s, "samples")
            status += (
                f"; best so far {best} ({rows.gain(self._best, self._baseline)}, not confirmed)"
            )
        return [status, *([self._now] if self._now else [])]

    def _safe(self, text: str) -> str:
        return literal(text, ascii_only=self._ascii)
