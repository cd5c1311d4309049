from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gputune.schema.profile import FitSeen, Profile, Unavailable
from gputune.search.outcomes import RunSeen, outcome_of
from tests.unit.report import sample

PROFILE = sample.cpu_profile()
RATE = PROFILE.steps.samples_per_s if PROFILE.steps else None


def seen(**changes: Any) -> RunSeen:
    return replace(RunSeen(profile=PROFILE, exit_code=0, duration_s=7.0), **changes)


def unmeasured(**reasons: str) -> Profile:
    told = tuple(Unavailable(metric=metric, reason=reason) for metric, reason in reasons.items())
    return replace(PROFILE, steps=None, unavailable=told)


def test_a_measured_run_is_complete_with_its_noise() -> None:
    steps = PROFILE.steps
    assert steps is not None and steps.ci95_s is not None and steps.mean_s is not None
    found = outcome_of(seen(loss=0.3, read_bytes=12.0))
    assert (found.state, found.reason, found.samples_per_s) == ("complete", "", RATE)
    half = (steps.ci95_s[1] - steps.ci95_s[0]) / 2
    assert found.noise_fraction == pytest.approx(half / 1.96 / steps.mean_s)
    assert (found.duration_s, found.read_bytes) == (7.0, 12.0)


@pytest.mark.parametrize(
    ("text", "shortfall"),
    [
        ("E: ran out of memory trying to allocate 2.50GiB (rounded to 268)", 2.5 * 2**30),
        ("ran out of memory trying to allocate 512.0KiB\nthen\n"
         "x.ResourceExhaustedError: OOM when allocating tensor", 512 * 2**10),
        ("ResourceExhaustedError: {{function_node x}} OOM when allocating", None),
        ("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1048576 bytes.", 2**20),
        ("numpy.core._exceptions._ArrayMemoryError: Unable to allocate 3 GiB", None),
        ("MemoryError", None),
    ],
)  # fmt: skip
def test_out_of_memory_is_infeasible(text: str, shortfall: float | None) -> None:
    found = outcome_of(seen(exit_code=1, error_text=text))
    assert found.state == "infeasible"
    assert found.shortfall_bytes == shortfall
    assert found.samples_per_s is None


def test_a_script_that_survives_a_want_of_memory_is_no_failure() -> None:
    """The allocator's warning is none: it tried again with less."""
    assert outcome_of(seen(error_text="ran out of memory trying to allocate 1GiB")).samples_per_s


@pytest.mark.parametrize(
    ("changes", "state", "said"),
    [
        ({"exit_code": 137, "signal": 9}, "infeasible", "SIGKILL"),
        ({"exit_code": 139, "signal": 11}, "failed", "signal 11"),
        ({"exit_code": 3, "error_text": "Traceback\n  x\nKeyError: 'y'\n"}, "failed",
         "exit code 3: KeyError: 'y'"),
        ({"exit_code": 1, "error_text": "ValueError: Exception encountered when calling Dense."
          "call().\n\n\x1b[1mwrong shape\x1b[0m\n\nArguments received"}, "failed",
         "calling Dense.call(). wrong shape"),
        ({"exit_code": 137, "signal": 9, "timed_out": True}, "failed", "had not ended after 7 s"),
        ({"loss": float("nan")}, "failed", "the loss is nan"),
        ({"loss": float("inf")}, "failed", "the loss is inf"),
        ({"not_in_force": ("cache: no place found: x",)}, "failed", "cache: no place found"),
        ({"profile": None}, "failed", "said nothing"),
        ({"profile": unmeasured(steps="too short")}, "failed", "too short"),
        ({"pruned_at": 12.5}, "pruned", "12.5 samples/s"),
    ],
)  # fmt: skip
def test_what_else_can_happen(changes: dict[str, Any], state: str, said: str) -> None:
    found = outcome_of(seen(**changes))
    assert found.state == state
    assert said in found.reason
    assert found.samples_per_s is None


def test_the_rate_of_a_trial_that_was_ended_early_is_no_figure_of_it_and_is_kept() -> None:
    assert outcome_of(seen(pruned_at=12.5)).pruned_at == 12.5
    assert outcome_of(seen()).pruned_at is None


def test_a_cache_is_paid_for_in_the_first_epoch() -> None:
    """Ten epochs: one at 100 samples/s, nine at the steady rate."""
    assert RATE is not None
    fit = FitSeen(index=1, site=None, steps=10, epochs_requested=10, steps_per_epoch=5,
                  analysed=True)  # fmt: skip
    profile = replace(PROFILE, fits=(fit,))
    found = outcome_of(seen(profile=profile, fill_samples_per_s=100.0))
    assert found.samples_per_s == pytest.approx(10 / (1 / 100 + 9 / RATE))
    once = replace(profile, fits=(replace(fit, epochs_requested=1),))
    found = outcome_of(seen(profile=once, fill_samples_per_s=100.0))
    assert found.samples_per_s == pytest.approx(100.0)


def test_memory_is_the_processes_where_there_is_no_gpu() -> None:
    found = outcome_of(seen(peak_rss_bytes=5))
    assert found.peak_memory_bytes == (None if PROFILE.gpus or PROFILE.device_memory else 5.0)


def test_secrets_do_not_get_into_the_study() -> None:
    text = "ValueError: https://me:hunter2@host/x\n"
    found = outcome_of(seen(exit_code=1, error_text=text))
    assert "hunter2" not in found.reason + found.stderr_tail
