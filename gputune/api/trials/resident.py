"""Trials in a process that stays: its `fit` is made again and again, each time as it is told."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from gputune.analysis.run import choose_fit, read_run
from gputune.api.configuring import outcome as notes_of
from gputune.api.recording import record_of_events
from gputune.api.trials.process import (
    ERROR_BYTES,
    fill_rate,
    loss_of,
    measured_s,
    pruned_at,
    sorted_notes,
    ticking,
)
from gputune.api.trials.script import Script
from gputune.api.watching import Watching
from gputune.knobs.registry import environment_of
from gputune.launch.child import Ended
from gputune.launch.dry import dry_environment
from gputune.launch.trial import TrialEnded, TrialProcess, tail
from gputune.schema.config import Setting
from gputune.search.outcomes import RunSeen, outcome_of
from gputune.search.trying import Outcome
from gputune.sensors.resources import usable_memory_bytes
from gputune.session import events as names
from gputune.session.control import Asking
from gputune.session.folder import Options, SessionFolder
from gputune.session.log import EventTail

MEMORY_FRACTION = 0.6
"""Ours: a child that has grown beyond this share of the machine's memory is replaced."""


class ResidentTrials:
    """Keeps one child for trials; `reason` says why there is none for this script, once known."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._child: _Child | None = None
        memory = usable_memory_bytes()
        self._most_rss_bytes = None if memory is None else MEMORY_FRACTION * memory
        self.reason = ""

    def measure(
        self, settings: Sequence[Setting], *, process_settings: Sequence[Setting], options: Options
    ) -> Outcome | None:
        """One trial of a configuration; None where it takes a new process.

        `process_settings` are those that a process has from its beginning: another child begins
        where they are others. `options` are the orders of the trial.
        """
        if self.reason:
            return None
        began = time.monotonic()
        child = self._child_with(tuple(process_settings))
        if child is None:
            return None
        seen, child_stays = child.trial(tuple(settings), options, began)
        if not child_stays or self._has_grown(child):
            self.close()
        if seen.not_in_force:
            return None  # a place that only a new process can reach
        return outcome_of(seen)

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def _child_with(self, settings: tuple[Setting, ...]) -> _Child | None:
        if self._child is not None and self._child.settings == settings:
            return self._child
        self.close()
        child = _Child(self._script, settings)
        ready, why = child.ready()
        if ready:
            self._child = child
            return child
        child.close()
        self.reason = why
        return None

    def _has_grown(self, child: _Child) -> bool:
        rss = child.rss_bytes
        return rss is not None and self._most_rss_bytes is not None and rss > self._most_rss_bytes


class _Child:
    """One process that serves trials."""

    def __init__(self, script: Script, settings: tuple[Setting, ...]) -> None:
        self._script = script
        self.settings = settings
        self.rss_bytes: int | None = None
        self._numbers = itertools.count(1)
        self._session = SessionFolder(Path(tempfile.mkdtemp(prefix="gputune-")))
        self._asking = Asking()
        self._before: list[dict[str, Any]] = []
        self._new: list[dict[str, Any]] = []
        try:
            self._session.create(Options(
                trial=True, fit=script.fit, settings=settings, control_fd=self._asking.fileno,
                batch_size=script.batch_size,
            ))  # fmt: skip
            self._tail = EventTail(self._session.events)
            self._watching = Watching(self._session, lambda _: None)
            self._tick = ticking(self._watching, [])
            self._log = self._session.root / "script"
            self._process = TrialProcess(
                script.target, self._session, log=self._log, pass_fds=(self._asking.fileno,),
                extra_environment={
                    **dry_environment(self._session.scratch), **environment_of(settings)
                },
            )  # fmt: skip
        except BaseException:  # also Ctrl-C: the session folder goes
            shutil.rmtree(self._session.root, ignore_errors=True)
            raise
        self._asking.started()

    def ready(self) -> tuple[bool, str]:
        """Wait until the script's `fit` serves; False and the reason where it does not."""
        ended = self._wait_for(names.RESIDENT)
        said = next((e for e in self._new if e["event"] == names.RESIDENT), None)
        self._before, self._new = self._new, []
        if said is not None:
            return not said["reason"], str(said["reason"])
        how = "in time" if ended is not None and ended.timed_out else "before the script ended"
        return False, f"no training of Keras' fit began {how}"

    def trial(
        self, settings: tuple[Setting, ...], options: Options, began: float
    ) -> tuple[RunSeen, bool]:
        """Ask for one trial; what was seen of it, and whether the child can serve another."""
        number = next(self._numbers)
        started, read_before = datetime.now(UTC), self._read_bytes()
        self._asking.ask({
            "trial": number, "settings": [asdict(s) for s in settings], "max_s": options.max_s,
            "warm_epochs": options.warm_epochs,
            "incumbent_samples_per_s": options.incumbent_samples_per_s,
        })  # fmt: skip
        ended = self._wait_for(names.TRIAL_END)
        last = next((e for e in self._new if e["event"] == names.TRIAL_END), None)
        events, self._new = [*self._before, *self._new], []
        duration_s = time.monotonic() - began
        how = ended if last is None and ended is not None else _ended_well(duration_s)
        # Each trial is one more fit to the process, whichever number the script's own has.
        its_own = replace(options, fit=None)
        profile = record_of_events(
            self._script.target, self._script.source, events, its_own, self._watching, how, started
        )  # fmt: skip
        fit = choose_fit(read_run(events).fits, None)
        error = str(last["error"]) if last is not None else tail(_errors(self._log), ERROR_BYTES)
        self.rss_bytes = last.get("rss_bytes") if last is not None else None
        read_after = self._read_bytes()
        missing, noted = sorted_notes(notes_of(settings, events))
        seen = RunSeen(
            profile=profile,
            exit_code=1 if last is not None and error else how.exit_code,
            signal=how.signal,
            timed_out=last is None and ended is not None and ended.timed_out,
            duration_s=duration_s,
            measured_s=measured_s(fit),
            error_text=error,
            peak_rss_bytes=self.rss_bytes,
            read_bytes=None
            if read_before is None or read_after is None
            else float(read_after - read_before),
            loss=loss_of(fit),
            fill_samples_per_s=fill_rate(fit, profile) if options.warm_epochs else None,
            pruned_at=pruned_at(fit),
            not_in_force=missing,
            noted=noted,
            in_process=True,
        )
        return seen, last is not None and not error and ended is None

    def close(self) -> None:
        """End the process and remove its folder."""
        self._asking.close()
        self._process.kill()
        self._watching.stop()
        shutil.rmtree(self._session.root, ignore_errors=True)

    def _wait_for(self, event: str) -> TrialEnded | None:
        def seen() -> bool:
            self._new += self._tail.new()
            return any(e["event"] == event for e in self._new)

        ended = self._process.wait(
            timeout_s=self._script.timeout_s, until=seen, on_tick=self._tick
        )  # fmt: skip
        seen()
        return ended

    def _read_bytes(self) -> int | None:
        with suppress(psutil.Error, AttributeError, OSError):
            return int(psutil.Process(self._process.pid).io_counters().read_bytes)
        return None


def _errors(log: Path) -> Path:
    return log.with_suffix(".err")


def _ended_well(duration_s: float) -> Ended:
    """What the record of a run wants to know of a process that has not ended."""
    return Ended(
        exit_code=0, signal=None, interrupted=False, forced=False, duration_s=duration_s,
        cpu_s=0.0, max_rss_bytes=0, storage_read_bytes=0,
    )  # fmt: skip
