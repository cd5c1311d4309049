"""A whole made-up session, from its events to the Profile."""

from __future__ import annotations

from typing import Any

import pytest

from gputune.analysis.profile import profile_record
from gputune.analysis.run import choose_fit, read_run
from gputune.analysis.trace_facts import TraceFacts
from gputune.schema.profile import Command, Environment, Host, Profile
from gputune.session import events
from gputune.trace.host_ops import HostSteps
from tests.unit.analysis.joined import traced, tree
from tests.unit.analysis.synthetic import Training, call, node

CALLS = [
    call(1, "range", name="gt_1_range", line=10),
    call(2, "map", name="gt_2_map", inputs=(1,), line=11, map_func={"function": "decode"}),
    call(3, "batch", name="gt_3_batch", inputs=(2,), line=12, batch_size=16),
]
TREE = tree(
    traced(1, "Root", None, count=10),
    traced(2, "Batch", 1, "gt_3_batch", count=10),
    traced(3, "Map", 2, "gt_2_map", count=160),
    traced(4, "Range", 3, "gt_1_range", count=160),
)
NODES = [
    node(1, "Root", 2, elements=100),
    node(2, "Batch", 3, ms=100, elements=100),
    node(3, "Map", 4, ms=7000, elements=1600),
    node(4, "Range", ms=400, elements=1600),
]


def training(**begin: Any) -> Training:
    """Steps of 100 ms, of 25 ms on a held batch; the input alone makes 12.5 batches a second."""
    made = Training(
        **{
            "dataset": 3, "batch_size": None, "epochs": 9, "steps_per_epoch": 500,
            "site": {"file": "/work/train.py", "line": 20}, **begin,
        }
    )  # fmt: skip
    made.events[:0] = [
        {"event": events.START, "t": 1.0, "pid": 1},
        {"event": events.ENVIRONMENT, "tensorflow": "2.21.0"},
        *CALLS,
    ]
    return made.calls(events.WARMUP, 3.0, 0.5).calls(events.CLEAN, 0.1)


def whole() -> Training:
    made = training()
    since = made.t
    made.calls(events.CLEAN, *[0.1] * 20).clean_ends(since, reason="they agree")
    made.write(events.MODEL, phase="end", iterator=1, t=made.t, nodes=NODES)
    made.write(events.HELD_BATCH, batch_size=16, bytes=99)
    made.pairs(0.025, [0.1] * 4, between_s=0.005)
    made.calls(events.TRACED, 0.12, 0.12).write(events.TRACE, logdir="x")
    made.write(events.DRAIN, batches=50, duration_s=4.0, first_batches=2, note="")
    made.events.append({"event": events.END, "t": made.t, "how": "stopped"})
    return made


def record(
    log: list[dict[str, Any]], *, mode: str = "default", fit: int | None = None,
    trace: TraceFacts | None = None, devices: tuple[str, ...] = ("CPU:0",),
    reasons: dict[str, str] | None = None,
) -> Profile:  # fmt: skip
    run = read_run(log)
    return profile_record(
        run, choose_fit(run.fits, fit),
        command=Command(
            argv=("python", "train.py"), mode=mode, working_directory="/work", started_utc="",
            duration_s=9.0, exit_code=0, stopped_by_gputune=run.stopped,
        ),
        script="train.py",
        environment=Environment(gputune="0", python="3", platform="", host="h", devices=devices),
        trace=trace or TraceFacts(reason="no trace was asked for"), gpus=(), host=Host(),
        reasons=reasons or {"gpus": "no GPU"},
    )  # fmt: skip


def reasons_of(profile: Profile) -> dict[str, str]:
    return {u.metric: u.reason for u in profile.unavailable}


TRACED = TraceFacts(
    host=HostSteps(windows=2, step_s=0.12, ops_s=0.006, input_s=0.08, dispatch_s=0.002, python_s=0),
    tree=TREE,
    steps=2,
)


def test_a_whole_measurement_gives_the_times_that_went_in() -> None:
    profile = record(whole().events, trace=TRACED)
    steps, parts = profile.steps, profile.breakdown
    assert steps is not None and parts is not None
    assert (steps.mean_s, steps.batch_size) == (pytest.approx(0.1), 16)
    assert (steps.warmup_count, steps.measured_count, steps.stable) == (3, 20, True)
    assert steps.samples_per_s == pytest.approx(160)
    # Three quarters wait; of the 25 ms left 5 are between the calls, the other 20 are 3 : 1.
    assert parts.input_wait_s == pytest.approx(0.075)
    assert parts.python_s == pytest.approx(0.005)
    assert parts.device_compute_s == pytest.approx(0.015)
    assert parts.launch_s == pytest.approx(0.005)
    assert profile.ceilings.compute_samples_per_s == pytest.approx(16 / 0.025)
    assert profile.ceilings.input_samples_per_s == pytest.approx(16 * 12.5)
    assert profile.ceilings.achieved_fraction == pytest.approx(160 / 200)
    assert profile.what_if[0].speedup == pytest.approx(4)
    assert [phase.name for phase in profile.phases] == [
        "warmup", "clean", "held", "real", "trace", "drain",
    ]  # fmt: skip
    assert profile.command.stopped_by_gputune
    assert profile.series[0].name == "step_s"


def test_the_pipeline_names_the_users_line() -> None:
    pipeline = record(whole().events, trace=TRACED).pipeline
    assert pipeline is not None and pipeline.bottleneck == 1
    stage = pipeline.stages[1]
    assert (stage.label, stage.elements_per_batch) == (".map(decode)", 16)
    assert stage.site is not None and stage.site.line == 11
    # 1 + 70 + 4 ms for a batch, one after another.
    assert pipeline.predicted_max_batches_per_s == pytest.approx(1 / 0.075)
    assert pipeline.measured_max_batches_per_s == pytest.approx(12.5)


def test_without_a_trace_the_parts_that_need_it_say_so() -> None:
    profile = record(whole().events)
    reasons = reasons_of(profile)
    assert reasons["breakdown.device_compute_s"] == "no trace was asked for"
    assert profile.breakdown is not None and profile.breakdown.device_compute_s is None
    pipeline = profile.pipeline
    assert pipeline is not None and pipeline.stages[1].label == ".map(decode)"


def test_every_none_of_a_whole_measurement_has_a_reason() -> None:
    profile = record(whole().events)
    reasons = reasons_of(profile)
    for name, value in vars(profile.breakdown).items():
        assert value is not None or f"breakdown.{name}" in reasons, name
    assert set(vars(profile.transfer).values()) == {None}
    assert reasons["transfer"] == "TensorFlow used no GPU in this run"
    assert all(reasons.values())


def test_a_killed_child_leaves_what_it_did_until_then() -> None:
    profile = record(training().calls(events.CLEAN, *[0.1] * 5).events)
    steps = profile.steps
    assert steps is not None and steps.mean_s == pytest.approx(0.1)
    assert (steps.stable, steps.measured_count) == (None, 5)
    assert profile.breakdown is not None
    assert profile.breakdown.other_s == pytest.approx(0.1)
    reasons = reasons_of(profile)
    for metric in ("breakdown.input_wait_s", "ceilings.compute_samples_per_s"):
        assert "ended before" in reasons[metric]
    assert (profile.what_if, profile.command.stopped_by_gputune) == ((), False)
    assert not profile.fits[0].finished


def test_a_child_killed_in_its_first_step_has_no_step_time() -> None:
    made = Training().calls(events.WARMUP, 3.0)
    profile = record(made.events)
    assert profile.steps is not None and profile.steps.mean_s is None
    assert profile.breakdown is None
    assert {"steps", "breakdown"} <= set(reasons_of(profile))


def test_no_training_is_a_profile_without_steps() -> None:
    profile = record([{"event": events.START, "t": 0.0, "pid": 1}])
    assert (profile.steps, profile.breakdown, profile.style) == (None, None, None)
    assert profile.fits == ()
    assert reasons_of(profile) == {"gpus": "no GPU"}


def test_another_way_of_training_is_told() -> None:
    log = [{"event": events.STYLE, "style": "tf_keras", "note": "Keras 2 is not measured"}]
    profile = record(log)
    assert (profile.style, profile.notes) == ("tf_keras", ("Keras 2 is not measured",))


def test_an_unknown_fit_is_not_analysed_and_those_that_ran_are_listed() -> None:
    profile = record(whole().events, fit=7)
    assert profile.steps is None
    assert [(fit.index, fit.analysed) for fit in profile.fits] == [(1, False)]


def test_the_second_of_two_fits_is_analysed_when_it_is_asked_for() -> None:
    second = Training(fit=2, t=500.0).calls(events.WARMUP, 1.0).calls(events.CLEAN, *[0.3] * 6)
    profile = record([*whole().events, *second.events], fit=2)
    assert profile.steps is not None and profile.steps.mean_s == pytest.approx(0.3)
    assert [(fit.index, fit.analysed) for fit in profile.fits] == [(1, False), (2, True)]
    seen = profile.fits[0]
    assert (seen.epochs_requested, seen.steps_per_epoch) == (9, 500)


def test_under_full_what_needs_a_held_batch_says_so() -> None:
    profile = record(training().calls(events.CLEAN, *[0.1] * 5).events, mode="full")
    reasons = reasons_of(profile)
    assert reasons["breakdown.input_wait_s"].startswith("--full")
    assert reasons["ceilings.input_samples_per_s"].startswith("--full")


def test_the_childs_own_reason_is_the_one_that_is_given() -> None:
    made = training().calls(events.CLEAN, *[0.1] * 5)
    made.write(events.UNAVAILABLE, metric="input_wait_s", reason="a ragged batch cannot be held")
    made.write(events.UNAVAILABLE, metric="pipeline.model", reason="a PyDataset has none")
    reasons = reasons_of(record(made.events))
    assert reasons["breakdown.input_wait_s"] == "a ragged batch cannot be held"
    assert reasons["ceilings.compute_samples_per_s"] == "a ragged batch cannot be held"
    assert reasons["pipeline.model"] == "a PyDataset has none"


def test_without_a_batch_size_the_ceilings_say_so() -> None:
    made = training(dataset=None).calls(events.CLEAN, *[0.1] * 5)
    profile = record(made.events)
    assert profile.steps is not None and profile.steps.batch_size is None
    assert "size of a batch" in reasons_of(profile)["ceilings.input_samples_per_s"]


@pytest.mark.parametrize(
    ("begin", "held", "expected"),
    [
        ({}, 8, 8), ({"batch_size": 4}, None, 4), ({}, None, 16), ({"batch_size": 4}, 8, 8),
        # What an earlier profile saw is for where this run shows none: of a PyDataset, say.
        ({"known_batch_size": 9}, None, 16), ({"known_batch_size": 9, "dataset": None}, None, 9),
        ({"known_batch_size": 9, "dataset": None}, 8, 8),
    ],
)  # fmt: skip
def test_the_batch_is_the_held_one_then_fits_then_the_pipelines_then_an_earlier_profiles(
    begin: dict[str, Any], held: int | None, expected: int
) -> None:
    made = training(**begin).calls(events.CLEAN, 0.1)
    if held is not None:
        made.write(events.HELD_BATCH, batch_size=held)
    steps = record(made.events).steps
    assert steps is not None and steps.batch_size == expected


def test_blocks_that_disagree_with_the_clean_phase_are_told() -> None:
    made = training().calls(events.CLEAN, *[0.1] * 20).clean_ends(None)
    steady = record([*made.pairs(0.05, [0.105] * 4).events])
    assert not any("not steady" in note for note in steady.notes)
    made = training().calls(events.CLEAN, *[0.1] * 20).clean_ends(None)
    drifted = record([*made.pairs(0.05, [0.15] * 4).events])
    assert any("100 ms" in note and "150 ms" in note for note in drifted.notes)


def test_a_trace_that_disagrees_about_the_wait_is_told() -> None:
    assert not any("GetNext" in note for note in record(whole().events, trace=TRACED).notes)
    host = HostSteps(windows=2, ops_s=0.006, input_s=0.01, dispatch_s=0.002, python_s=0.0)
    profile = record(whole().events, trace=TraceFacts(host=host, tree=TREE, steps=2))
    assert any("10 ms a step in GetNext" in note and "75 ms" in note for note in profile.notes)


def test_failed_hooks_and_redirected_paths_are_in_the_notes() -> None:
    log: list[dict[str, Any]] = whole().events
    log.append({"event": events.HOOK_DISABLED, "hook": "drain", "error": "OSError: x"})
    log += [{"event": events.REDIRECTED, "path": f"/w/{i}", "to": ""} for i in range(5)]
    notes = record(log).notes
    assert any("hook drain failed" in note and "OSError: x" in note for note in notes)
    assert any("scratch folder" in note and "/w/0, /w/1, /w/2, …" in note for note in notes)


def test_a_gpu_without_events_in_the_trace_is_told_apart_from_no_gpu() -> None:
    profile = record(whole().events, trace=TRACED, devices=("CPU:0", "GPU:0"))
    assert reasons_of(profile)["transfer"] == "the trace holds no events of a GPU"
