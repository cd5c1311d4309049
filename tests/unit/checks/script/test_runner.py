"""Checks are asked one after another, and none of them takes the others with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gputune.checks import registry
from gputune.checks.script import runner as under_test
from gputune.checks.script.check import Check, NotRun
from gputune.checks.script.made import Made
from gputune.checks.script.raised import Raised
from gputune.inject.guard import Guard
from gputune.inject.watch import Watch
from gputune.schema.finding import Finding, Severity
from gputune.session.folder import Options, SessionFolder
from gputune.session.log import EventLog, read_events


def finding(identity: str) -> Finding:
    return Finding(id=identity, severity=Severity.PROBLEM, title="A title.")


class Finds(Check):
    def finish(self, training: Any):
        yield finding("one")
        yield finding("two")
        yield finding("one")

    def failed(self, raised: Raised):
        yield finding("explained")


class Breaks(Check):
    def finish(self, training: Any):
        yield finding("before")
        raise ZeroDivisionError("by design")


class HasNothing(Check):
    def training_begins(self, training: Any):
        raise NotRun("there is no GPU")


class Quiet(Check):
    def finish(self, training: Any):
        return ()

    def failed(self, raised: Raised):
        self.context.scratch.joinpath(str(raised.explained)).touch()
        return ()


class Runs(Check):
    explains = False

    def failed(self, raised: Raised):
        if not raised.explained:
            yield finding("fails")


CHECKS = {"finds": Finds, "breaks": Breaks, "nothing": HasNothing, "quiet": Quiet, "last": Runs}


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    class Entry:
        def __init__(self, name: str) -> None:
            self.name = name

        def load(self):
            return CHECKS[self.name]

    monkeypatch.setattr(under_test, "entry", Entry)
    folder = SessionFolder(tmp_path)
    log = EventLog(folder.events)
    return Watch(folder, Options(checks=tuple(CHECKS)), log, Guard(log))


def asking(watch: Watch, *names: str) -> under_test.Runner:
    return under_test.Runner(watch, names, Made(watch.guard))


def said(watch: Watch) -> tuple[dict[str, list[str]], dict[str, tuple[str, str]]]:
    found: dict[str, list[str]] = {}
    states = {}
    for event in read_events(watch.folder.events):
        if event["event"] == "check_finding":
            found.setdefault(event["check"], []).append(event["finding"]["id"])
        elif event["event"] == "check_state":
            assert event["check"] not in states
            states[event["check"]] = (event["state"], event["reason"])
    return found, states


def test_a_check_that_fails_is_not_run_and_the_others_go_on(watch: Watch) -> None:
    runner = asking(watch, *CHECKS)
    runner.ask("training_begins", None)
    assert runner.ask("finish", None)
    runner.end()
    found, states = said(watch)
    assert found == {"finds": ["one", "two"], "breaks": ["before"]}
    assert states["finds"] == ("clear", "")
    assert states["quiet"] == ("clear", "")
    assert states["nothing"] == ("not-run", "there is no GPU")
    state, reason = states["breaks"]
    assert state == "not-run"
    assert reason.startswith("it failed in finish: ZeroDivisionError: by design (test_runner.py:")


def test_a_check_that_cannot_be_loaded_is_not_run(watch: Watch) -> None:
    runner = asking(watch, "quiet", "gone")
    runner.ask("finish", None)
    runner.end()
    _, states = said(watch)
    assert states["quiet"] == ("clear", "")
    assert states["gone"][0] == "not-run" and "KeyError" in states["gone"][1]


def test_what_never_looked_is_not_run_with_the_reason(watch: Watch) -> None:
    runner = asking(watch, "finds", "quiet")
    runner.ask_about(Raised(ValueError("x")))
    runner.end("the script ended with ValueError")
    _, states = said(watch)
    assert states == {
        "finds": ("clear", ""),
        "quiet": ("not-run", "the script ended with ValueError"),
    }


def test_an_explained_error_is_not_explained_again(watch: Watch) -> None:
    raised = Raised(ValueError("x"))
    asking(watch, "finds", "quiet", "last").ask_about(raised)
    assert raised.explained
    assert said(watch)[0] == {"finds": ["explained"]}
    assert (watch.folder.root / "checks" / "quiet" / "True").exists()


def test_what_only_reports_an_error_leaves_its_traceback(watch: Watch) -> None:
    raised = Raised(ValueError("x"))
    asking(watch, "quiet", "last").ask_about(raised)
    assert not raised.explained
    assert said(watch)[0] == {"last": ["fails"]}


def test_the_test_only_switch_breaks_the_named_check(watch: Watch) -> None:
    watch.guard = Guard(watch.log, break_hook="check:finds")
    runner = asking(watch, "finds", "quiet")
    runner.ask("finish", None)
    runner.end()
    found, states = said(watch)
    assert found == {}
    assert states["finds"][0] == "not-run" and "InjectedFault" in states["finds"][1]
    assert states["quiet"] == ("clear", "")


def test_the_real_list_is_used_outside_of_tests() -> None:
    assert registry.entry("runs").load().explains is False
