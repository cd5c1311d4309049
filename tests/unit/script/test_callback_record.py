"""What a callback has seen, as a Profile: the figures, and reasons for what it has not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gputune.inject.steadiness import Window
from gputune.inject.timing import Timed
from gputune.knobs import declaring
from gputune.report.terminal import render_profile
from gputune.schema.profile import Profile
from gputune.schema.read import read_record
from gputune.script.callback_record import WHY, Seen, profile_of, write_profile

FIELDS = {
    "steps_per_execution": 2, "jit_compile": False, "run_eagerly": False, "precision": "float32",
    "optimizer": "SGD", "learning_rate": 0.01, "epochs": 3, "steps_per_epoch": 100,
    "batch_size": 32, "input_kind": "arrays",
}  # fmt: skip


def timed(*call_s: float, **more: object) -> Timed:
    """Calls in windows of ten, one after another from second 1 on."""
    made = Timed(warmup_calls=2, warmup_s=0.5, calls=list(call_s), all_calls=2 + len(call_s))
    start = 1.0
    for begin in range(0, len(call_s) // 10 * 10, 10):
        length = sum(call_s[begin : begin + 10])
        made.windows.append(Window(start, length, 10))
        start += length
    for name, value in more.items():
        setattr(made, name, value)
    return made


def seen(found: Timed, batch_size: int | None = None) -> Seen:
    return Seen(
        timed=found, fields=FIELDS, batch_size=batch_size,
        environment={"devices": ["CPU:0"], "cuda": None}, tensorflow="2.21", keras="3.15",
        began_s=1e9,
    )  # fmt: skip


def test_the_figures_of_a_step_are_those_of_a_call_by_its_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(declaring, "_asked", {})
    found = profile_of(seen(timed(*([0.04] * 59 + [0.1]), samples_of_first_call=64)))
    steps = found.steps
    assert steps is not None
    assert (steps.count, steps.warmup_count, steps.measured_count) == (124, 4, 120)
    assert (steps.batch_size, steps.steps_per_execution) == (32, 2)
    assert steps.mean_s == pytest.approx((59 * 0.04 + 0.1) / 60 / 2)
    assert steps.median_s == pytest.approx(0.02)
    assert steps.samples_per_s == pytest.approx(32 / steps.mean_s)
    assert [(p.name, p.steps) for p in found.phases] == [("warmup", 4), ("clean", 120)]
    assert found.command.mode == "callback" and not found.fits[0].finished


def test_only_the_steady_stretch_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declaring, "_asked", {})
    found = profile_of(seen(timed(*([0.2] * 20 + [0.04] * 60 + [0.04] * 3)), 8)).steps
    assert found is not None
    assert found.measured_count == 2 * 63 and found.warmup_count == 2 * 22
    assert found.mean_s == pytest.approx(0.02)
    assert found.ci95_s == pytest.approx((0.02, 0.02)) and found.stable
    assert found.batch_size == 8


def test_what_it_sets_and_declares_is_in_its_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declaring, "_asked", {})
    monkeypatch.setattr(declaring, "_answer", None)
    declaring.knob("width", 64, choices=[32, 64])
    found = profile_of(seen(timed(*[0.04] * 60)))
    assert found.setting("knob.width") == 64 and found.declared[0].choices == (32, 64)
    assert found.setting("steps_per_execution") == 2 and found.setting("jit_compile") is False
    assert found.setting("batch_size") is None, "what fit was given is not known to a callback"
    reasons = {u.metric: u.reason for u in found.unavailable}
    assert "give batch_size" in reasons["steps.batch_size"]
    assert reasons["breakdown"] == WHY and found.breakdown is None


@pytest.mark.parametrize("calls", [0, 1, 5])
def test_a_training_that_was_too_short_says_so(calls: int, tmp_path: Path) -> None:
    found = profile_of(seen(timed(*[0.04] * calls)))
    assert found.steps is not None and (found.steps.mean_s is None) == (calls == 0)
    path = write_profile(found, tmp_path / "reports")
    assert read_record(path) == found
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_file_is_a_profile_as_all_others(tmp_path: Path) -> None:
    found = profile_of(seen(timed(*[0.04] * 60, samples_of_first_call=64)))
    path = write_profile(found, tmp_path)
    assert json.loads(path.read_text())["schema"] == "gputune.profile"
    read = read_record(path)
    assert isinstance(read, Profile)
    shown = render_profile(read, width=100, color=False, ascii_only=False)
    assert "still running when this was written" in shown
