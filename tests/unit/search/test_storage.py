from __future__ import annotations

import errno
import fcntl
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gputune.schema.config import Value
from gputune.search.keeping import InMemory
from gputune.search.propose import Proposal
from gputune.search.space import Space
from gputune.search.storage import (
    DamagedStudy,
    OtherStudy,
    Store,
    StudyBusy,
    differences,
    open_store,
    repair,
    stored_identity,
)
from gputune.search.study import search
from gputune.search.trying import Outcome, Tried
from tests.unit.search.spaces import IDENTITY, Counting, dimension, fits, searching, space

ROOT = Path(__file__).resolve().parents[3]


def opened(path: Path, where: Space | None = None, **more: Any) -> Store:
    return open_store(path, where or space(), IDENTITY, **more)


def told(tried: tuple[Tried, ...]) -> list[Any]:
    """Everything of the trials but their times."""
    return [(t.number, t.point, dict(t.knobs), t.outcome, t.source, t.why) for t in tried]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "train.study.journal"


def test_a_study_is_read_back_as_it_was_written(journal: Path) -> None:
    with opened(journal) as store:
        found = search(Counting(), store, searching(space(), trials=6))
    with opened(journal) as store:
        assert told(store.tried()) == told(found.tried)
        assert [t.began_s for t in store.tried()] == [t.began_s for t in found.tried]


def test_every_state_is_kept_with_what_is_known_of_it(journal: Path) -> None:
    outcomes = [
        Outcome(state="complete", samples_per_s=5.0, noise_fraction=0.01, in_process=True),
        Outcome(state="pruned", samples_per_s=2.0, reason="cannot win"),
        Outcome(state="infeasible", reason="out of memory", shortfall_bytes=3e9),
        Outcome(state="failed", reason="SIGKILL", exit_code=-9, stderr_tail="Killed"),
    ]
    with opened(journal) as store:
        for index, outcome in enumerate(outcomes):
            proposal = Proposal(point=(index, 0, 0, 0), source="expert", why="because")
            ticket = store.begin(proposal, space().knobs(proposal.point), float(index))
            store.finish(ticket, outcome, outcome.samples_per_s)
    with opened(journal) as store:
        assert [t.outcome for t in store.tried()] == outcomes


def test_optuna_reads_the_constraints_and_knows_which_trials_are_feasible(journal: Path) -> None:
    import optuna

    with opened(journal) as store:
        search(Counting(), store, searching(space(), trials=10))
        tried = store.tried()
    backend = optuna.storages.journal.JournalFileBackend(str(journal))
    study = optuna.load_study(study_name="gputune", storage=optuna.storages.JournalStorage(backend))
    states = {"complete": "COMPLETE", "infeasible": "PRUNED"}
    assert [t.state.name for t in study.trials] == [states[t.outcome.state] for t in tried]
    assert any(t.outcome.state == "infeasible" for t in tried)
    best = max((t for t in tried if t.outcome.samples_per_s), key=lambda t: t.outcome.samples_per_s)  # type: ignore
    assert study.best_trial.number == best.number
    for trial, one in zip(study.trials, tried, strict=True):
        missing = trial.constraints["memory"]
        assert (missing > 0) == (one.outcome.state == "infeasible")


class Killed(BaseException):
    """As SIGKILL, but for a process that goes on."""


@pytest.mark.parametrize("seed", range(4))
def test_an_interrupted_study_goes_on_as_if_nothing_had_happened(journal: Path, seed: int) -> None:
    whole = InMemory(space())
    expected = search(Counting(), whole, searching(space(), trials=18, seed=seed)).tried
    generator = random.Random(seed)
    measured: list[str] = []

    def answer(knobs: Mapping[str, Value]) -> Outcome:
        if generator.random() < 0.2:
            raise Killed
        measured.append(json.dumps(dict(knobs), sort_keys=True))
        return fits(knobs)

    for _ in range(60):
        with opened(journal) as store:
            try:
                found = search(Counting(answer), store, searching(space(), trials=18, seed=seed))
                break
            except Killed:
                continue
    else:
        pytest.fail("the study never ended")
    assert len(measured) == len(set(measured)) == len(expected)
    assert told(found.tried) == told(expected)


def test_the_seconds_of_earlier_sessions_are_spent(journal: Path) -> None:
    # 45 % of 100 s: 45 trials of a second; 30 of them in the first session.
    where = space(*(dimension(f"k{n}", *range(6)) for n in range(4)))

    def answer(knobs: Mapping[str, Value]) -> Outcome:
        count = sum(v for v in knobs.values() if isinstance(v, int))
        return Outcome(state="complete", samples_per_s=1.05**count, duration_s=10.0)

    measure = Counting(answer)
    what = searching(where, total_s=100.0, trials=30, clock=lambda: 10.0 * len(measure.asked))
    with open_store(journal, where, IDENTITY) as store:
        stop = replace(what, should_stop=lambda: len(measure.asked) == 3)
        search(measure, store, stop)
    again = Counting(answer)
    with open_store(journal, where, IDENTITY) as store:
        found = search(again, store, replace(what, clock=lambda: 10.0 * len(again.asked)))
    assert (len(measure.asked), len(again.asked), len(found.tried)) == (3, 1, 4)


def test_a_configuration_during_which_the_tuner_died_three_times_counts_as_failed(
    journal: Path,
) -> None:
    proposal = Proposal(point=(3, 0, 0, 0), source="expert", why="")
    for _ in range(3):
        with opened(journal) as store:
            assert store.tried() == ()
            store.begin(proposal, space().knobs(proposal.point), 0.0)  # and the machine goes down
    with opened(journal) as store:
        (tried,) = store.tried()
        assert (tried.outcome.state, tried.point) == ("failed", (3, 0, 0, 0))
        assert "died" in tried.outcome.reason and "3 times" in tried.outcome.reason


def test_the_script_as_it_is_is_measured_again_however_often_the_tuner_died(journal: Path) -> None:
    for _ in range(5):
        with opened(journal) as store:
            store.begin(None, space().baseline_knobs, 0.0)
    with opened(journal) as store:
        assert store.tried() == ()
        assert search(Counting(), store, searching(space(), trials=2)).failed == ""


def test_a_result_that_was_written_counts_though_the_tuner_was_killed_right_after(
    journal: Path,
) -> None:
    with opened(journal) as store:
        search(Counting(), store, searching(space(), trials=3))
    lines = journal.read_bytes().splitlines(keepends=True)
    at = max(i for i, line in enumerate(lines) if b'"outcome"' in line)
    journal.write_bytes(b"".join(lines[: at + 1]))
    with opened(journal) as store:
        assert len(store.tried()) == 3
    with opened(journal) as store:  # the repaired file is whole
        assert len(store.tried()) == 3


@pytest.mark.parametrize("seed", range(6))
def test_a_journal_that_is_cut_off_anywhere_loses_at_most_the_last_trial(
    journal: Path, seed: int
) -> None:
    with opened(journal) as store:
        whole = search(Counting(), store, searching(space(), trials=6)).tried
    data = journal.read_bytes()
    first = data.index(b'"identity"')
    generator = random.Random(seed)
    for _ in range(4):
        cut = generator.randrange(data.index(b"\n", first) + 1, len(data))
        journal.write_bytes(data[:cut])
        with opened(journal) as store:
            left = told(store.tried())
            assert left == told(whole)[: len(left)]
            assert len(left) >= data[:cut].count(b'"outcome":{') - 1
            after = search(Counting(), store, searching(space(), trials=6)).tried
        assert told(after) == told(whole)


def test_a_last_line_of_other_bytes_is_cut_off_and_told(journal: Path) -> None:
    with opened(journal) as store:
        search(Counting(), store, searching(space(), trials=2))
    good = journal.read_bytes()
    journal.write_bytes(good + b'\0\0\xff{"op_code":\n')
    with opened(journal) as store:
        assert len(store.notes) == 1 and journal.name in store.notes[0]
        assert len(store.tried()) == 2
    journal.write_bytes(good + b'{"op')
    assert repair(journal) and journal.read_bytes() == good


def test_damage_in_the_middle_is_refused_and_nothing_is_thrown_away(journal: Path) -> None:
    with opened(journal) as store:
        search(Counting(), store, searching(space(), trials=2))
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[3] = b"not json\n"
    journal.write_bytes(b"".join(lines))
    with pytest.raises(DamagedStudy, match="line 4"):
        opened(journal)
    assert journal.read_bytes() == b"".join(lines)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"script_sha256": "b" * 64}, "script"),
        ({"arguments": ("--epochs", "9")}, "--epochs 3"),
        ({"environment": (("tensorflow", "2.22"), ("gpu", "none"))}, "tensorflow: 2.21, now 2.22"),
        ({"space_sha256": "t"}, "space"),
        ({"objective": "energy"}, "objective"),
    ],
)
def test_a_study_of_something_else_is_refused_and_says_what_differs(
    journal: Path, changes: dict[str, Any], said: str
) -> None:
    opened(journal).close()
    with pytest.raises(OtherStudy) as refused:
        open_store(journal, space(), replace(IDENTITY, **changes))
    assert len(refused.value.differs) == 1 and said in str(refused.value)
    assert "--fresh" in refused.value.hint
    opened(journal).close()  # and it is left as it was


def test_fresh_begins_anew_and_keeps_the_old_study_beside_it(journal: Path) -> None:
    other = replace(IDENTITY, script_sha256="b" * 64)
    with opened(journal) as store:
        search(Counting(), store, searching(space(), trials=3))
    before = journal.read_bytes()
    with open_store(journal, space(), other, fresh=True) as store:
        assert store.tried() == ()
    assert journal.with_name(f"{journal.name}.old-1").read_bytes() == before
    open_store(journal, space(), other, fresh=True).close()
    assert journal.with_name(f"{journal.name}.old-2").exists()


def test_a_second_tuner_on_one_study_is_refused_and_told_who_holds_it(journal: Path) -> None:
    with opened(journal) as store:
        search(Counting(), store, searching(space(), trials=2))
        with pytest.raises(StudyBusy, match=str(os.getpid())):
            opened(journal)
        with pytest.raises(StudyBusy):
            opened(journal, fresh=True)
        assert len(store.tried()) == 2
    opened(journal).close()


def test_the_files_are_the_owners_alone(journal: Path) -> None:
    opened(journal).close()
    for path in (journal, journal.with_name(f"{journal.name}.held")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_values_of_the_study_are_kept(journal: Path) -> None:
    with opened(journal) as store:
        store.note("rounds", [{"round": 0, "arm": "best", "samples_per_s": 1.5}])
    with opened(journal) as store:
        assert store.noted("rounds") == [{"round": 0, "arm": "best", "samples_per_s": 1.5}]
        assert store.noted("other") is None


TUNER = """
import sys, time
from pathlib import Path
from gputune.search.storage import open_store
from gputune.search.study import search
from tests.unit.search.spaces import IDENTITY, Counting, fits, searching, space

def answer(knobs):
    time.sleep(0.01)
    return fits(knobs)

with open_store(Path(sys.argv[1]), space(), IDENTITY, most_deaths=99) as store:
    print("open", flush=True)
    search(Counting(answer), store, searching(space(), trials=25))
print("done", flush=True)
"""


def tuner(journal: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", TUNER, str(journal)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def test_a_tuner_that_is_killed_at_20_random_moments_ends_where_one_that_was_not_does(
    journal: Path,
) -> None:
    expected = search(Counting(), InMemory(space()), searching(space(), trials=25)).tried
    generator = random.Random(20)
    kills, done = 0, False
    counts = [0]
    while kills < 20:
        child = tuner(journal)
        assert child.stdout is not None
        if child.stdout.readline() != "open\n":
            pytest.fail("the study could not be opened again")
        time.sleep(generator.uniform(0.0, 0.12))
        child.send_signal(signal.SIGKILL)
        done = "done" in child.stdout.read()
        child.wait()
        child.stdout.close()
        kills += 1
        with opened(journal, most_deaths=99) as store:
            counts.append(len(store.tried()))
            assert told(store.tried()) == told(expected)[: counts[-1]]
        if done:
            journal.unlink()
            counts.append(0)
    assert any(0 < count < len(expected) for count in counts)
    last = tuner(journal)
    assert last.communicate(timeout=60)[0].endswith("done\n")
    with opened(journal, most_deaths=99) as store:
        assert told(store.tried()) == told(expected)


def test_identities_are_compared_by_what_they_hold_not_by_their_order() -> None:
    turned = replace(IDENTITY, environment=tuple(reversed(IDENTITY.environment)))
    assert differences(IDENTITY, turned) == ()


def test_a_file_system_without_locks_is_said_and_used(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with opened(journal) as store:
        assert any("gives no lock" in note for note in store.notes)
        assert search(Counting(), store, searching(space(), trials=2)).tried


def test_whose_a_study_is_can_be_asked_before_its_space_is_known(journal: Path) -> None:
    assert stored_identity(journal) is None
    with opened(journal):
        pass
    assert stored_identity(journal) == IDENTITY
    (fit,) = differences(IDENTITY, replace(IDENTITY, fit=2))
    assert "--fit" in fit
    journal.write_text("no journal\n")
    assert stored_identity(journal) is None
