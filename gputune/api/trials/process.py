"""Trials in processes of their own: the script is started with the settings, and ended."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from gputune.analysis.cache_fill import fill_step_s
from gputune.analysis.run import FitRun, choose_fit, read_run
from gputune.api.configuring import outcome as notes_of
from gputune.api.recording import record_of
from gputune.api.watching import Watching
from gputune.knobs.registry import environment_of
from gputune.launch.command import Target
from gputune.launch.dry import dry_environment
from gputune.launch.trial import TrialEnded, TrialProcess, tail
from gputune.schema.profile import Profile
from gputune.search.outcomes import RunSeen
from gputune.session import events as names
from gputune.session.folder import Options, SessionFolder
from gputune.session.log import read_events

ERROR_BYTES = 256 * 1024
"""So much of standard error is looked through: TensorFlow's allocator says first what it could
not give, and then, at length, what it holds."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """One run of the script under measurement, for the search alone: nothing is written."""

    profile: Profile
    ended: TrialEnded
    loss: float | None
    not_in_force: tuple[str, ...]
    noted: tuple[str, ...]
    error_text: str
    fill_samples_per_s: float | None = None
    pruned_at: float | None = None
    measured_s: float | None = None

    def seen(self) -> RunSeen:
        """What the search judges."""
        return RunSeen(
            profile=self.profile,
            exit_code=self.ended.exit_code,
            signal=self.ended.signal,
            timed_out=self.ended.timed_out,
            duration_s=self.ended.duration_s,
            measured_s=self.measured_s,
            error_text=self.error_text,
            peak_rss_bytes=self.ended.max_rss_bytes,
            read_bytes=float(self.ended.storage_read_bytes),
            loss=self.loss,
            fill_samples_per_s=self.fill_samples_per_s,
            pruned_at=self.pruned_at,
            not_in_force=self.not_in_force,
            noted=self.noted,
        )


def observe(
    target: Target,
    source: Path | None,
    options: Options,
    *,
    timeout_s: float,
    on_phase: Callable[[str], None] = lambda _: None,
) -> Observed:
    """Run the script once as `options` say, in dry mode, and read what was seen.

    Its output goes to a file, its Ctrl-C is not ours. Raises OSError where no process can be
    started, or the session cannot be written.
    """
    with _session() as session:
        session.create(options)
        started = datetime.now(UTC)
        watching = Watching(session, on_phase)
        log = session.root / "script"
        failed: list[str] = []
        try:
            environment = {**dry_environment(session.scratch), **environment_of(options.settings)}
            with TrialProcess(
                target, session, log=log, extra_environment=environment
            ) as process:  # fmt: skip
                ended = process.wait(timeout_s=timeout_s, on_tick=ticking(watching, failed))
        finally:
            watching.stop()
        assert ended is not None  # it waits for the end
        ended = replace(ended, tick_error=failed[0] if failed else None)
        profile = record_of(target, source, session, options, watching, ended, started)
        events = list(read_events(session.events))
        fit = choose_fit(read_run(events).fits, options.fit)
        missing, noted = sorted_notes(notes_of(options.settings, events))
        return Observed(
            profile=profile,
            ended=ended,
            loss=loss_of(fit),
            fill_samples_per_s=fill_rate(fit, profile) if options.warm_epochs else None,
            pruned_at=pruned_at(fit),
            measured_s=measured_s(fit),
            not_in_force=missing,
            noted=noted,
            error_text=tail(log.with_suffix(".err"), ERROR_BYTES),
        )


def is_not_in_force(note: str) -> bool:
    """Whether a note about a setting says that the run did not have it."""
    return ": not in force: " in note or ": no place found: " in note


def sorted_notes(notes: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Notes about settings: of those that the run did not have, and of those that it had."""
    missing = tuple(note for note in notes if is_not_in_force(note))
    return missing, tuple(note for note in notes if note not in missing)


@contextmanager
def _session() -> Iterator[SessionFolder]:
    root = Path(tempfile.mkdtemp(prefix="gputune-"))
    try:
        yield SessionFolder(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def ticking(watching: Watching, failed: list[str]) -> Callable[[], None]:
    """The watcher's tick, until it fails: a sensor must not cost the trial."""

    def tick() -> None:
        if failed:
            return
        try:
            watching.tick()
        except Exception as error:
            failed.append(f"{type(error).__name__}: {error}")

    return tick


def fill_rate(fit: FitRun | None, profile: Profile) -> float | None:
    """Samples/s of the first epoch."""
    batch_size = profile.steps.batch_size if profile.steps is not None else None
    step_s = fill_step_s(fit.rows) if fit is not None and fit.rows else None
    return batch_size / step_s if batch_size and step_s else None


def pruned_at(fit: FitRun | None) -> float | None:
    """Samples/s at which a trial was ended early, None where it was not."""
    return float(fit.pruned["samples_per_s"]) if fit is not None and fit.pruned else None


def measured_s(fit: FitRun | None) -> float | None:
    """Seconds under measurement: of the clean phase, from its first step to its last."""
    clean = [row for row in fit.rows if row.phase == names.CLEAN] if fit is not None else []
    return clean[-1].t_end - clean[0].t_enter if clean else None


def loss_of(fit: FitRun | None) -> float | None:
    """The loss that the trial came to, None where nobody knows it."""
    value = fit.loss.get("value") if fit is not None and fit.loss is not None else None
    return float(value) if value is not None else None
