"""A declaration as a knob: what it takes, what a search tries, and that it wins over gputune's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputune.knobs.declared import MOST_VALUES, knobs_of, unfit, values_of
from gputune.knobs.declared import given as as_given
from gputune.knobs.declaring import declaration
from gputune.knobs.registry import KNOBS, knob_named, knobs_for
from gputune.schema.config import Value
from gputune.search.candidates import has_same_batch
from gputune.search.choosing import BadChoice, Choice, choose_space
from gputune.search.configuring import config
from gputune.search.space import Space
from tests.unit.rules.profiles import profile


def searched(*declared: Any, **choice: Any) -> Space:
    found = profile(declared=declared)
    return choose_space(found, knobs_for(found), Choice(**choice))


@pytest.mark.parametrize(
    ("default", "more", "values"),
    [
        (2, {"choices": [4, 2, 8]}, (4, 2, 8)),
        (True, {}, (False, True)),
        (32, {}, (8, 16, 32, 64, 128)),
        (1, {}, (1, 2, 4)),
        (0.5, {}, (0.125, 0.25, 0.5, 1.0, 2.0)),
        (3, {"low": 1, "high": 5}, (1, 2, 3, 4, 5)),
        (4, {"low": 1, "high": 256, "log": True}, (1, 2, 4, 8, 16, 32, 64, 128, 256)),
        (0.0, {"low": 0.0, "high": 0.8}, (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)),
        (1e-3, {"low": 1e-4, "high": 1.0, "log": True},
         (1e-4, 3.162e-4, 1e-3, 3.162e-3, 1e-2, 3.162e-2, 0.1, 0.3162, 1.0)),
        ("adam", {}, ("adam",)),
        (0, {}, (0,)),
    ],
)  # fmt: skip
def test_what_is_tried(default: Value, more: dict[str, Any], values: tuple[Value, ...]) -> None:
    assert values_of(declaration("n", default, **more)) == pytest.approx(values)


@given(st.data())
def test_a_range_is_tried_inside_of_its_bounds_with_the_default(data: st.DataObject) -> None:
    whole = data.draw(st.booleans())
    number = st.integers(1, 10**6) if whole else st.floats(1e-6, 1e6)
    low, default, high = sorted(data.draw(st.tuples(number, number, number)))
    if low == high:
        return
    declared = declaration("n", default, low=low, high=high, log=data.draw(st.booleans()))
    found = values_of(declared)
    assert default in found and len(found) <= MOST_VALUES + 1
    assert list(found) == sorted(set(found))
    assert all(not unfit(declared, value) and type(value) is type(low) for value in found)


@pytest.mark.parametrize(
    ("default", "more", "value", "said"),
    [
        (1, {"choices": [1, 2]}, 3, "3 is not among 1, 2"),
        (1, {"low": 1, "high": 4}, 9, "9 does not lie from 1 to 4"),
        (1, {}, 1.5, "1.5 is no whole number"),
        (1, {}, True, "True is no value like 1"),
        (True, {}, 1, "1 is no value like True"),
        (1, {}, "1", "'1' is no value like 1"),
        ("a", {}, 1, "1 is no value like 'a'"),
        (0.5, {}, 2, ""),
        (1, {}, 7, ""),
    ],
)
def test_what_the_script_does_not_allow_is_named(
    default: Value, more: dict[str, Any], value: Value, said: str
) -> None:
    found = unfit(declaration("n", default, **more), value)
    assert found.startswith(said) if said else not found


def test_a_whole_number_of_a_file_is_a_float_to_a_float() -> None:
    assert type(as_given(declaration("n", 0.5), 2)) is float


def test_a_declared_knob_is_a_dimension_of_every_study() -> None:
    space = searched(declaration("width", 64, choices=[32, 64, 128]))
    (one,) = [d for d in space.dimensions if d.knob == "knob.width"]
    assert (one.values, one.values[one.baseline]) == ((32, 64, 128), 64)
    assert (one.takes_effect, one.changes, one.table) == ("process", "training", "knobs")
    made = config(space, "train.py", {**space.baseline_knobs, "knob.width": 128})
    (setting,) = made.knobs
    assert (setting.knob, setting.value, setting.was, setting.site) == ("knob.width", 128, 64, None)
    assert not made.tf_data and not made.policy


def test_gputunes_own_knob_gives_way_to_the_one_that_the_script_declares() -> None:
    space = searched(declaration("batch_size", 32))
    assert "batch_size" not in {d.knob for d in space.dimensions}
    (why,) = [one.why for one in space.left_out if one.knob == "batch_size"]
    assert why == "the script declares a knob of this name: knob.batch_size"
    capped = searched(declaration("batch_size", 32), max_batch_size=64)
    (one,) = [d for d in capped.dimensions if d.knob == "knob.batch_size"]
    assert one.values == (8, 16, 32, 64)
    held = searched(declaration("batch_size", 32), same_batch=True)
    assert "knob.batch_size" not in {d.knob for d in held.dimensions}


def test_the_user_excludes_and_holds_it_by_its_whole_name() -> None:
    width = declaration("width", 64, choices=[32, 64])
    assert not [d for d in searched(width, exclude=("knob.width",)).dimensions if "width" in d.name]
    space = searched(width, fix={"knob.width": 32})
    assert space.fixed["knob.width"] == 32 and space.fixed_baseline["knob.width"] == 64
    with pytest.raises(BadChoice, match="cannot be 48") as raised:
        searched(width, fix={"knob.width": 48})
    assert raised.value.hint == "it is one of 32, 64"
    with pytest.raises(BadChoice, match="there is no knob"):
        searched(width, exclude=("knob.depth",))


def test_a_declared_knob_that_was_moved_is_no_training_as_it_was() -> None:
    """The second of the two winners leaves alone what changes the training."""
    space = searched(declaration("width", 64, choices=[32, 64]), knobs=("knob.width", "prefetch"))
    own = space.baseline_knobs
    assert has_same_batch(space, own)
    assert not has_same_batch(space, {**own, "knob.width": 32})
    others = {n: d.values[-1] for d in space.dimensions if (n := d.name) != "knob.width"}
    assert has_same_batch(space, {**own, **others})


def test_text_without_choices_is_left_out_with_the_reason() -> None:
    space = searched(declaration("kind", "relu"))
    (why,) = [one.why for one in space.left_out if one.knob == "knob.kind"]
    assert "declare its choices" in why


def test_one_name_is_one_knob_wherever_it_is_declared() -> None:
    found = profile(declared=(declaration("n", 1), declaration("n", 2)))
    assert [knob.name for knob in knobs_of(found)] == ["knob.n"]
    assert knobs_for(profile())[: len(KNOBS)] == KNOBS
    assert knob_named("knob.n") is not None and knob_named("n") is None
