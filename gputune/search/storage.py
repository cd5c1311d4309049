"""Where a study is kept: Optuna's journal beside the reports, held by one tuner at a time."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from gputune.schema.study import Identity
from gputune.search.propose import Proposal
from gputune.search.sampler import constraints, distributions, params, quiet, state_of
from gputune.search.space import Space
from gputune.search.trying import Outcome, Tried

NAME: Final = "gputune"
BROKEN_OFF: Final = "the trial was broken off"
DIED: Final = "the tuner's process died while this trial ran"
_BUSY: Final = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})
"""What flock says where another process has the lock; anything else is no such answer."""
MOST_DEATHS: Final = 3
"""Ours: so many deaths during the same configuration are no chance: it may be the reason."""


class StudyUnusable(Exception):
    """A study that cannot be gone on with; `hint` says what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class StudyBusy(StudyUnusable):
    """Another tuner is at work on this study."""


class OtherStudy(StudyUnusable):
    """The file holds the study of something else; `differs` names what differs."""

    def __init__(self, differs: tuple[str, ...], path: Path) -> None:
        self.differs = differs
        super().__init__(
            f"{path} holds a study of another {_listed(differs)}",
            "give --fresh to begin anew (the old study is kept beside it), or another folder",
        )


class DamagedStudy(StudyUnusable):
    """The journal cannot be read, beyond a last line that was cut off."""


class Store:
    """One study on disk. Use as a context manager; `open_store` makes one.

    Every change is on the disk before the next begins. Whatever is running when the process is
    killed is lost, nothing else: when the study is opened again, a trial whose result was written
    is finished, and one without is closed.
    """

    def __init__(
        self, path: Path, space: Space, lock: IO[bytes], notes: list[str], most_deaths: int
    ) -> None:
        self._space = space
        self._most_deaths = most_deaths
        self._lock = lock
        self._set_aside: set[int] = set()
        self.path = path
        self.notes = notes
        """What had to be repaired, for the report."""
        with quiet():
            storage = JournalStorage(JournalFileBackend(str(path)))
            self._study = optuna.create_study(
                study_name=NAME,
                storage=storage,
                direction="maximize",
                load_if_exists=True,
                sampler=optuna.samplers.RandomSampler(seed=0),
            )

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let another tuner have the study."""
        self._lock.close()

    def tried(self) -> tuple[Tried, ...]:
        """The finished trials in order, numbered from 0.

        A trial that was broken off, or during which the tuner died, is none of them, and will be
        made again. A configuration during which it died three times counts as a failure, since it
        may be the reason; the script as it is never does. A failure of the script as it is counts
        in the session that saw it: what was wrong (a GPU that others held) may be over.
        """
        found: list[Tried] = []
        deaths: dict[str, int] = {}
        for trial in self._study.get_trials(deepcopy=False):
            one = self._tried(trial, len(found))
            if one is None or one.outcome.reason == BROKEN_OFF or trial.number in self._set_aside:
                continue
            if one.outcome.reason == DIED:
                key = json.dumps(dict(one.knobs), sort_keys=True)
                deaths[key] = deaths.get(key, 0) + 1
                if one.source == "baseline" or deaths[key] != self._most_deaths:
                    continue
                one = _with_reason(one, f"{DIED}, {self._most_deaths} times")
            found.append(one)
        return tuple(found)

    def begin(self, proposal: Proposal | None, knobs: Mapping[str, Any], began_s: float) -> int:
        """Write down that a trial begins (None: the script as it is); returns its ticket."""
        inside = proposal is not None
        point = proposal.point if proposal is not None else self._space.point(knobs)
        about = {
            "knobs": dict(knobs),
            "source": proposal.source if inside and proposal else "baseline",
            "why": proposal.why if inside and proposal else "the script as it is",
            "began_s": began_s,
        }
        trial = create_trial(
            state=TrialState.RUNNING,
            params={} if point is None else params(self._space, point),
            distributions={} if point is None else distributions(self._space),
            user_attrs=about,
        )
        self._study.add_trial(trial)
        return int(self._study.get_trials(deepcopy=False)[-1].number)

    def finish(self, ticket: int, outcome: Outcome, value: float | None) -> None:
        """Write down a trial's outcome; `value` is its score, None where it has none."""
        trial = self._study.get_trials(deepcopy=False)[ticket]
        handle = optuna.trial.Trial(self._study, trial._trial_id)
        handle.set_user_attr("value", value)
        handle.set_user_attr("outcome", asdict(outcome))
        self._tell(trial, outcome, value)

    def interrupt(self, ticket: int) -> None:
        """Write down that a trial was broken off."""
        self.finish(ticket, Outcome(state="failed", reason=BROKEN_OFF), None)

    def note(self, key: str, value: Any) -> None:
        """Keep a JSON value of the study: the rounds of its confirmation, its guard's runs."""
        self._study.set_user_attr(key, value)

    def noted(self, key: str) -> Any:
        """What was kept under `key`, or None."""
        return self._study.user_attrs.get(key)

    def recover(self) -> None:
        """Close the trials that ran when the last tuner ended; finish those that have a result.

        What an earlier session saw of a script that failed as it is, is set aside.
        """
        for trial in self._study.get_trials(deepcopy=False):
            if trial.user_attrs.get("source") == "baseline":
                seen = trial.user_attrs.get("outcome")
                if seen is not None and seen["state"] != "complete":
                    self._set_aside.add(trial.number)
            if trial.state.is_finished():
                continue
            stored = trial.user_attrs.get("outcome")
            if stored is None:
                self.finish(trial.number, Outcome(state="failed", reason=DIED), None)
            else:
                self._tell(trial, Outcome(**stored), trial.user_attrs.get("value"))

    def _tell(self, trial: FrozenTrial, outcome: Outcome, value: float | None) -> None:
        handle = optuna.trial.Trial(self._study, trial._trial_id)
        point = self._space.point(trial.user_attrs["knobs"])
        known = trial.system_attrs
        for key, missing in constraints(self._space, point, outcome).items():
            if f"constraints:{key}" not in known:
                handle.set_constraint(key, missing)
        state = state_of(outcome, value)
        if state is TrialState.PRUNED and outcome.samples_per_s is not None:
            handle.report(outcome.samples_per_s, 0)
        self._study.tell(trial.number, value if state is TrialState.COMPLETE else None, state=state)

    def _tried(self, trial: FrozenTrial, number: int) -> Tried | None:
        stored, about = trial.user_attrs.get("outcome"), trial.user_attrs
        if stored is None or "knobs" not in about:
            return None
        return Tried(
            number=number,
            point=self._space.point(about["knobs"]),
            knobs=about["knobs"],
            outcome=Outcome(**stored),
            source=about["source"],
            why=about["why"],
            began_s=about["began_s"],
        )


def open_store(
    path: Path,
    space: Space,
    identity: Identity,
    *,
    fresh: bool = False,
    lock: IO[bytes] | None = None,
    most_deaths: int = MOST_DEATHS,
) -> Store:
    """Open or begin the study in `path`; `lock` is what `hold` gave, which it then owns.

    Raises StudyBusy where another tuner holds it (two would disturb each other's measurements),
    OtherStudy where it belongs to another script, arguments, environment, objective or space,
    DamagedStudy where it cannot be read. With `fresh` a new one is begun, and the old file is kept
    under a name of its own.
    """
    lock = hold(path) if lock is None else lock
    try:
        with suppress(FileNotFoundError):
            Path(f"{path}.lock").unlink()  # Optuna's own, of a tuner that was killed: we hold ours
        if fresh and path.exists():
            path.rename(_free_name(path))
        path.touch(mode=0o600)
        notes = [*repair(path), *_unheld(lock)]
        store = Store(path, space, lock, notes, most_deaths)
        stored = store.noted("identity")
        if stored is None:
            store.note("identity", asdict(identity))
        else:
            differs = differences(_identity(stored), identity)
            if differs:
                raise OtherStudy(differs, path)
        store.recover()
        return store
    except BaseException:  # also Ctrl-C: the lock is given back
        lock.close()
        raise


def differences(first: Identity, second: Identity) -> tuple[str, ...]:
    """In words, what of two identities differs."""
    found = []
    if first.script_sha256 != second.script_sha256:
        found.append("script (its text has changed)")
    if first.arguments != second.arguments:
        found.append(f"command line (it was {' '.join(first.arguments) or 'without arguments'})")
    before, now = dict(first.environment), dict(second.environment)
    changed = [k for k in sorted({*before, *now}) if before.get(k) != now.get(k)]
    if changed:
        found.append(
            "environment ("
            + ", ".join(f"{k}: {before.get(k)}, now {now.get(k)}" for k in changed)
            + ")"
        )
    if first.objective != second.objective:
        found.append(f"objective (it was {first.objective})")
    if first.fit != second.fit:
        found.append(f"training (--fit was {first.fit or 'not given'})")
    if first.space_sha256 != second.space_sha256:
        found.append("space of settings (knobs, their values, or what is held fixed)")
    return tuple(found)


def repair(path: Path) -> list[str]:
    """Cut off a last line that was not written to its end; raises DamagedStudy for any other.

    Returns what was done, in words. Each line of the journal is one change, written whole and
    followed by a line end, so that a cut line is a change that never happened.
    """
    data = path.read_bytes()
    good = 0
    lines = data.splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n") or not _is_json(line):
            if number < len(lines):
                raise DamagedStudy(
                    f"{path} is damaged in line {number}",
                    "give --fresh to begin anew (the old file is kept beside it)",
                )
            os.truncate(path, good)
            return [f"the journal's last line was cut off, and is left out ({path.name})"]
        good += len(line)
    return []


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def hold(path: Path) -> IO[bytes]:
    """The study's lock, which the kernel frees when the process ends, however it ends.

    Raises StudyBusy where another tuner has it. A file system without locks gives one that holds
    nobody off.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = path.with_name(f"{path.name}.held")
    lock = os.fdopen(os.open(name, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _BUSY:
            return lock
        holder = lock.read().decode(errors="replace").strip() or "unknown"
        lock.close()
        raise StudyBusy(
            f"another tuner is at work on {path} ({holder})",
            "wait for it, or give another folder: two at once would disturb each other's figures",
        ) from error
    lock.truncate(0)
    lock.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
    lock.flush()
    return lock


def _unheld(lock: IO[bytes]) -> list[str]:
    """What to say where the file system has no locks: asking again for one's own is no harm."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return [
            f"the folder's file system gives no lock ({error.strerror or error}): see that no "
            "other tuner works on this study"
        ]
    return []


def stored_identity(path: Path) -> Identity | None:
    """What the study in `path` belongs to; None where there is none, or none that can be read."""
    if not path.is_file() or not path.stat().st_size:
        return None
    try:
        with quiet():
            study = optuna.load_study(
                study_name=NAME, storage=JournalStorage(JournalFileBackend(str(path)))
            )
            return _identity(study.user_attrs["identity"])
    except Exception:  # whatever is wrong with the file, `open_store` says it in words
        return None


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.name}.old-{n}") for n in range(1, 10_000))
    return next(name for name in names if not name.exists())


def _identity(stored: Mapping[str, Any]) -> Identity:
    return Identity(
        script_sha256=stored["script_sha256"],
        arguments=tuple(stored["arguments"]),
        environment=tuple((str(k), str(v)) for k, v in stored["environment"]),
        space_sha256=stored["space_sha256"],
        objective=stored["objective"],
        fit=stored.get("fit"),
    )


def _with_reason(one: Tried, reason: str) -> Tried:
    return Tried(
        number=one.number, point=one.point, knobs=one.knobs, source=one.source, why=one.why,
        began_s=one.began_s, outcome=Outcome(state="failed", reason=reason),
    )  # fmt: skip


def _listed(items: Iterable[str]) -> str:
    return " and of another ".join(items)
