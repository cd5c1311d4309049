from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gputune.knobs.declared import knobs_of
from gputune.knobs.registry import KNOBS, with_knobs
from gputune.rules.engine import find
from gputune.schema.config import Setting
from gputune.schema.declared import DeclaredKnob
from gputune.schema.profile import FitSeen, Profile
from gputune.search.choosing import BadChoice, Choice, choose_space, parse_value
from gputune.search.configuring import config, settings
from gputune.search.constraints import constraints
from gputune.search.guard import checks_needed, put_back
from gputune.search.space import Space
from tests.unit.rules.profiles import at, host_bound, pipeline, profile, stage, steps, waiting

MAP = ".map(decode)"
CONFIG = (
    Setting(knob="num_parallel_calls", value=None, site=at(10), note=f"{MAP}: not set"),
    Setting(knob="num_parallel_calls", value=2, site=at(20), note=".map(augment)"),
    Setting(knob="batch_size", value=32, site=at(30), note=".batch(32)"),
    Setting(knob="mixed_precision", value="float32"),
    Setting(knob="jit_compile", value=False),
)


def judged(found: Profile) -> Profile:
    return replace(found, findings=tuple(with_knobs(f) for f in find(found)))


def on_cpu(found: Profile, **more: Any) -> Profile:
    environment = replace(found.environment, devices=("CPU:0",), keras="3.10", cores=4.0)
    return judged(replace(found, environment=environment, config=CONFIG, **more))


def serial_map() -> Profile:
    """A step of 100 ms, of which 60 wait for a serial map at line 10."""
    stages = (
        stage(0, "BatchV2", ".batch(32)", 0.001, site=at(30)),
        stage(1, "MapV2", ".map(augment)", 0.002, site=at(20)),
        stage(2, "MapV2", MAP, 0.09, site=at(10)),
    )
    return on_cpu(waiting(0.06, pipeline=pipeline(*stages, bottleneck=2)))


def space(found: Profile, **choice: Any) -> Space:
    return choose_space(found, KNOBS, Choice(**choice))


def names(found: Space) -> set[str]:
    return {d.name for d in found.dimensions}


def why(found: Space, knob: str) -> str:
    return next(one.why for one in found.left_out if one.knob == knob)


def test_a_knob_that_the_source_speaks_against_is_left_out_unless_it_is_named() -> None:
    tied = {"batch_size": "SIZE is also used at train.py:54"}
    assert why(space(serial_map(), tied=tied), "batch_size") == tied["batch_size"]
    named = space(serial_map(), tied=tied, knobs=("batch_size",))
    assert "batch_size" in names(named)
    held = space(serial_map(), tied=tied, fix={"batch_size": 64})
    assert held.fixed and "batch_size" not in {one.knob for one in held.left_out}


def test_a_declared_knob_is_asked_for_by_the_script_itself() -> None:
    declared = (DeclaredKnob(name="width", default=8, choices=(8, 16)),)
    found = replace(serial_map(), declared=declared)
    space = choose_space(found, (*KNOBS, *knobs_of(found)), Choice())
    (width,) = (d for d in space.dimensions if d.knob == "knob.width")
    assert width.asked and width.values == (8, 16)


def test_every_knob_is_searched_or_left_out_with_a_reason() -> None:
    found = space(serial_map())
    searched = {d.knob for d in found.dimensions}
    left = {one.knob for one in found.left_out}
    assert searched | left == {knob.name for knob in KNOBS}
    assert not searched & left
    assert all(one.why for one in found.left_out)


def test_the_four_of_the_name_card_are_searched_or_the_machine_lacks_them() -> None:
    found = space(serial_map())
    assert {"batch_size", "prefetch", "mixed_precision"} <= names(found)
    assert "no NVIDIA GPU" in why(found, "memory_growth")
    on_gpu = replace(
        serial_map(), environment=replace(serial_map().environment, devices=("GPU:0",))
    )
    assert "memory_growth" in names(space(on_gpu))


def test_a_finding_chooses_its_knob_at_its_own_line() -> None:
    found = space(serial_map())
    assert "num_parallel_calls@train.py:10" in names(found)
    assert "num_parallel_calls@train.py:20" not in names(found)
    (dimension,) = (d for d in found.dimensions if d.knob == "num_parallel_calls")
    assert dimension.asked and dimension.values[dimension.baseline] is None
    assert dimension.values[dimension.first or 0] == "AUTOTUNE"


def test_a_knob_that_no_finding_asks_for_is_left_out() -> None:
    quiet = on_cpu(profile(pipeline=pipeline(stage(0, "BatchV2", ".batch(32)", 0.001))))
    found = space(quiet)
    assert "no finding asks for it" in why(found, "steps_per_execution")
    small = on_cpu(host_bound(0.0006))
    assert "steps_per_execution" in names(space(small))


def test_what_would_limit_the_step_next_is_searched_too() -> None:
    # 90 of 92 ms wait for input; of the 2 ms that are left, 1.2 are the host's.
    breakdown = replace(
        waiting(0.09).breakdown or profile().breakdown, input_wait_s=0.09, device_compute_s=0.0008,
        launch_s=0.0012, ci95_input_wait_s=(0.089, 0.091), device="cpu",
    )  # fmt: skip
    found = on_cpu(profile(steps=steps(0.092), breakdown=breakdown))
    assert not any(f.id == "host-bound" for f in found.findings)
    assert "steps_per_execution" in names(space(found))


def test_an_input_that_a_faster_model_would_wait_for_is_searched_too() -> None:
    stages = (
        stage(0, "Prefetch", ".prefetch(2)", 0.0, site=at(40)),
        stage(1, "ParallelMapV2", MAP, 0.04, site=at(10), parallelism=2.0),
    )
    quiet = profile(pipeline=pipeline(*stages, bottleneck=1))
    assert "deterministic" not in names(space(on_cpu(quiet)))
    ceilings = replace(quiet.ceilings, input_samples_per_s=32 / 0.04)
    assert "deterministic" in names(space(on_cpu(quiet, ceilings=ceilings)))


def test_the_user_names_the_only_knobs() -> None:
    found = space(serial_map(), knobs=("prefetch", "jit_compile"))
    assert names(found) == {"prefetch", "jit_compile"}
    assert why(found, "batch_size") == "not among the knobs that were asked for"
    one = space(serial_map(), knobs=("num_parallel_calls@train.py:20",))
    assert names(one) == {"num_parallel_calls@train.py:20"}
    both = space(serial_map(), knobs=("num_parallel_calls",))
    assert names(both) == {f"num_parallel_calls@train.py:{n}" for n in (10, 20)}


def test_a_value_that_the_user_holds_is_no_dimension() -> None:
    found = space(serial_map(), fix={"batch_size": 64})
    assert "batch_size" not in names(found) and found.fixed == {"batch_size": 64}
    assert found.baseline_knobs["batch_size"] == 32
    assert not found.baseline_is_inside
    assert found.knobs(found.baseline)["batch_size"] == 64
    assert "batch_size" not in {one.knob for one in found.left_out}


def test_what_a_held_value_changes_is_known_to_the_guard() -> None:
    held = {"mixed_precision": "mixed_bfloat16", "batch_size": 64}
    found = space(serial_map(), fix=held)
    changed = found.changed(found.knobs(found.baseline))
    assert set(changed) == set(held)
    assert checks_needed(found, list(changed)) == ("head-room", "loss")
    assert put_back(found, found.knobs(found.baseline)) == ("batch_size",)


def test_what_the_script_has_and_what_is_only_held_may_be_held() -> None:
    held = {"learning_rate": 0.1, "mixed_precision": "float32", "prefetch": "none"}
    assert space(serial_map(), fix=held).fixed == held


@pytest.mark.parametrize(
    ("style", "own_train_step", "said"),
    [("keras.fit", None, ""), ("keras.fit", False, ""),
     ("keras.fit", True, "the script's own train_step"), ("loop", None, "a loop written by hand")],
)  # fmt: skip
def test_float16_is_left_out_where_nobody_knows_whether_the_loss_is_scaled(
    style: str, own_train_step: bool | None, said: str
) -> None:
    fit = FitSeen(index=1, site=None, steps=50, epochs_requested=1, steps_per_epoch=None,
                  analysed=True, style=style, own_train_step=own_train_step)  # fmt: skip
    environment = replace(serial_map().environment, devices=("GPU:0",))
    found = replace(serial_map(), fits=(fit,), style=style, environment=environment)
    (dimension,) = (d for d in space(found).dimensions if d.knob == "mixed_precision")
    assert ("mixed_float16" in dimension.values) is not bool(said)
    assert "mixed_bfloat16" in dimension.values
    if said:
        assert said in why(space(found), "mixed_precision=mixed_float16")
        with pytest.raises(BadChoice, match=f"whether {said} scales its loss"):
            space(found, fix={"mixed_precision": "mixed_float16"})


def test_a_knob_of_two_lines_is_held_at_both_by_its_bare_name() -> None:
    found = space(serial_map(), fix={"num_parallel_calls": 4})
    assert found.fixed == {f"num_parallel_calls@train.py:{n}": 4 for n in (10, 20)}
    put_in = [s for _, s in settings(found, found.knobs(found.baseline))]
    assert {(s.knob, s.value, s.site.line if s.site else None) for s in put_in} == {
        ("num_parallel_calls", 4, 10), ("num_parallel_calls", 4, 20)
    }  # fmt: skip


def test_the_batch_size_has_a_cap_or_is_held() -> None:
    capped = space(serial_map(), max_batch_size=64)
    (dimension,) = (d for d in capped.dimensions if d.knob == "batch_size")
    assert dimension.values == (8, 16, 32, 64)
    held = space(serial_map(), same_batch=True)
    assert "batch_size" not in names(held) and "held" in why(held, "batch_size")


def test_an_excluded_knob_is_left_out() -> None:
    found = space(serial_map(), exclude=("mixed_precision",))
    assert why(found, "mixed_precision") == "excluded"


def test_an_interleave_never_reads_more_files_in_parallel_than_it_has_open() -> None:
    calls, cycle = "num_parallel_calls@train.py:5", "interleave@train.py:5"
    (held,) = constraints(profile(), (), {calls: 2, cycle: 4, "interleave@train.py:9": 1})
    allowed = {(2, 4): True, (4, 4): True, (2, 1): False, ("AUTOTUNE", 1): True, (2, None): True}
    for (reads, opened), may in allowed.items():
        assert (held.shortfall({calls: reads, cycle: opened}) <= 0) is may, (reads, opened)
    assert constraints(profile(), (), {calls: 2, "interleave@train.py:9": 1}) == ()


def test_one_call_never_makes_more_steps_than_an_epoch_has() -> None:
    # 500 steps of 32: 16 000 samples.
    found = space(on_cpu(host_bound(0.0006)))
    for point in found.points():
        knobs = found.knobs(point)
        batch, at_once = knobs["batch_size"], knobs["steps_per_execution"]
        assert isinstance(batch, int) and isinstance(at_once, int)
        assert batch * at_once <= 16_000


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"knobs": ("batchsize",)}, "no knob 'batchsize'"),
        ({"fix": {"batch_size": "many"}}, "batch_size cannot be 'many'"),
        ({"fix": {"batch_size": 0}}, "batch_size cannot be 0"),
        ({"fix": {"num_parallel_calls@train.py:99": 2}}, "train.py:99"),
        ({"max_batch_size": 0}, "below 1"),
        ({"fix": {"mixed_precision": "mixed_float16"}}, "no NVIDIA GPU is seen"),
        ({"fix": {"memory_growth": "growth"}}, "no NVIDIA GPU is seen"),
        ({"fix": {"prefetch": "device"}}, "no NVIDIA GPU is seen"),
        ({"fix": {"cache": "memory"}}, "no stage was looked at"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_hint(choice: dict[str, Any], said: str) -> None:
    with pytest.raises(BadChoice, match=said) as refused:
        space(serial_map(), **choice)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("text", "value"),
    [("64", 64), ("0.5", 0.5), ("true", True), ("False", False), ("AUTOTUNE", "AUTOTUNE"),
     ("none", "none"), ("nan", "nan")],
)  # fmt: skip
def test_a_value_is_read_as_a_person_writes_it(text: str, value: object) -> None:
    found = parse_value(text)
    assert (type(found), found) == (type(value), value)


def test_a_configuration_is_put_in_by_what_differs_from_the_script() -> None:
    found = space(serial_map())
    knobs = {**found.baseline_knobs, "num_parallel_calls@train.py:10": "AUTOTUNE",
             "mixed_precision": "mixed_bfloat16"}  # fmt: skip
    made = config(found, "train.py", knobs, note="confirmed")
    (parallel,) = made.tf_data
    assert (parallel.knob, parallel.value, parallel.was) == ("num_parallel_calls", "AUTOTUNE", None)
    assert (parallel.site, parallel.stage, parallel.note) == (at(10), MAP, "confirmed")
    (precision,) = made.policy
    assert (precision.value, precision.was) == ("mixed_bfloat16", "float32")
    assert config(found, "train.py", found.baseline_knobs).settings == ()


def test_true_is_not_one() -> None:
    found = space(serial_map(), knobs=("private_threadpool", "jit_compile"))
    jit = next(d for d in found.dimensions if d.name == "jit_compile")
    assert jit.values == (False, True) and not jit.ordered
    assert found.point({**found.baseline_knobs, "jit_compile": 0}) is None
