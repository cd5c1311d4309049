"""Trials in one process: each begins as the first did, with its settings in force."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from gputune.api.trials.process import observe
from gputune.api.trials.resident import ResidentTrials
from gputune.api.trials.script import Script
from gputune.launch.command import Target, check_target
from gputune.schema.config import Setting
from gputune.schema.profile import Profile
from gputune.schema.site import Site
from gputune.search.trying import Outcome
from gputune.session.folder import Options
from tests.integration.running import SCRIPTS

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
SERVED = SCRIPTS / "served.py"
TRIAL = Options(trial=True, max_s=1.5)


def line(text: str) -> Site:
    lines = SERVED.read_text().splitlines()
    number = next(n for n, one in enumerate(lines, 1) if text in one)
    return Site(file=str(SERVED), line=number, function="<module>", code=lines[number - 1].strip())


@pytest.fixture(scope="module")
def profile() -> Profile:
    target = Target(script=str(SERVED))
    os.environ["SEEN"] = os.devnull
    return observe(
        target, check_target(target), Options(trial=True, max_s=1.0), timeout_s=120
    ).profile


@pytest.fixture
def trials(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ResidentTrials]:
    monkeypatch.setenv("SEEN", str(tmp_path / "seen.jsonl"))
    target = Target(script=str(SERVED))
    found = ResidentTrials(Script(target=target, source=check_target(target), profile=profile))
    yield found
    found.close()


def asked(trials: ResidentTrials, *settings: Setting) -> Outcome:
    found = trials.measure(settings, process_settings=(), options=TRIAL)
    assert found is not None, trials.reason
    return found


def pid_of(trials: ResidentTrials) -> int:
    assert trials._child is not None
    return trials._child._process.pid


def test_each_trial_begins_as_the_first_and_has_its_settings(
    trials: ResidentTrials, tmp_path: Path
) -> None:
    mapped = Setting(knob="num_parallel_calls", value=2, site=line("data.map"), stage=".map(widen)")
    rows: list[tuple[Setting, ...]] = [
        (),
        (Setting(knob="batch_size", value=64), Setting(knob="prefetch", value=4)),
        (mapped, Setting(knob="deterministic", value=False)),
        (Setting(knob="steps_per_execution", value=4),),
        (Setting(knob="private_threadpool", value=2),),
        (),
    ]
    pids, rss = set(), []
    for settings in rows:
        outcome = asked(trials, *settings)
        assert outcome.state == "complete", outcome
        assert outcome.in_process
        pids.add(pid_of(trials))
        assert trials._child is not None
        rss.append(trials._child.rss_bytes or 0)
    assert len(pids) == 1
    seen = [json.loads(one) for one in (tmp_path / "seen.jsonl").read_text().splitlines()]
    first = seen[0]
    assert first["iterations"] == 0
    for one in seen[1:]:
        assert {k: one[k] for k in ("weights", "iterations", "momenta", "random")} == {
            k: first[k] for k in ("weights", "iterations", "momenta", "random")
        }
        assert one["threads"] <= first["threads"] + 1
    assert [one["steps_per_execution"] for one in seen] == [1, 1, 1, 4, 1, 1]
    assert [one["rows"] for one in seen][:2] == [32, 64], "traced for the batch that was asked for"
    assert [one["validated"] for one in seen] == [None, 1, 1, 1, 1, 1], "one batch is enough"
    assert max(rss[1:]) < 1.3 * rss[0], rss


def test_out_of_memory_is_infeasible_and_another_child_takes_over(
    trials: ResidentTrials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIL_ABOVE", "200")
    monkeypatch.setenv("HELD_OUT", "arrays")
    outcome = asked(trials)
    assert outcome.state == "complete"
    assert outcome.measured_s is not None
    assert 0.5 < outcome.measured_s < outcome.duration_s, "start-up and warm-up are not measuring"
    assert asked(trials).state == "complete"
    before = pid_of(trials)
    found = asked(trials, Setting(knob="batch_size", value=256))
    validated = [json.loads(one)["validated"] for one in (tmp_path / "seen.jsonl").open()]
    assert validated == [None, 1], "one batch of arrays; what ran out of memory took no step"
    assert found.state == "infeasible", found
    assert found.shortfall_bytes == 1.5 * 2**30
    assert asked(trials).state == "complete"
    assert pid_of(trials) != before


class Impatient(Script):
    """A script whose trials are said to hang after a time that a test can shorten."""

    timeout_s = 120.0  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("raise", "such a batch is not to be had"),
        ("hang", "it had not ended after"),
    ],
)
def test_a_trial_that_raises_or_hangs_is_failed_and_another_child_takes_over(
    how: str, said: str, profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"FAIL_ABOVE": "200", "FAIL_HOW": how, "SEEN": os.devnull}.items():
        monkeypatch.setenv(name, value)
    target = Target(script=str(SERVED))
    trials = ResidentTrials(Impatient(target=target, source=check_target(target), profile=profile))
    try:
        assert asked(trials).state == "complete"
        with monkeypatch.context() as shorter:
            shorter.setattr(Impatient, "timeout_s", 8.0)
            found = asked(trials, Setting(knob="batch_size", value=256))
        assert found.state == "failed", found
        assert said in found.reason
        assert trials._child is None, "it must not serve another trial"
        assert asked(trials).state == "complete"
    finally:
        trials.close()


def test_a_killed_child_is_infeasible_and_replaced(trials: ResidentTrials) -> None:
    asked(trials)
    before = pid_of(trials)
    psutil.Process(before).send_signal(signal.SIGKILL)
    assert asked(trials).state == "infeasible"
    assert asked(trials).state == "complete"
    assert pid_of(trials) != before


def test_a_setting_without_a_place_is_left_to_a_new_process(trials: ResidentTrials) -> None:
    nowhere = Setting(knob="cache", value="memory", site=line("import keras"))
    assert trials.measure((nowhere,), process_settings=(), options=TRIAL) is None
    assert trials.reason == ""
    assert asked(trials).state == "complete"


def test_a_pipeline_that_runs_python_is_not_served(
    profile: Profile, tmp_path: Path
) -> None:  # fmt: skip
    script = tmp_path / "train.py"
    script.write_text(
        SERVED.read_text().replace(
            "data = data.map(widen)",
            "data = data.map(lambda x, y: (widen(x, y)[0], "
            "tf.ensure_shape(tf.py_function(lambda v: v, [y], tf.float32), (1,))))",
        )
    )
    target = Target(script=str(script))
    found = ResidentTrials(Script(target=target, source=check_target(target), profile=profile))
    try:
        assert found.measure((), process_settings=(), options=TRIAL) is None
        assert "Python" in found.reason
    finally:
        found.close()
