from __future__ import annotations

from gputune.schema.config import Setting, Value
from gputune.schema.study import KnobLeftOut
from gputune.search.space import Space
from gputune.search.starting import begin_with
from tests.unit.search.spaces import space


def begun(knob: str, value: Value, where: Space | None = None) -> tuple[Space, tuple[str, ...]]:
    return begin_with(where or space(), [Setting(knob=knob, value=value)])


def test_a_value_of_the_knob_is_tried_first() -> None:
    found, notes = begun("batch_size", 256)
    assert found.dimensions[0].values[found.dimensions[0].first or 0] == 256 and notes == ()
    assert found.dimensions[1:] == space().dimensions[1:]


def test_a_number_that_is_no_value_becomes_one_and_the_scripts_own_stays_its_own() -> None:
    for value in (4, 24, 96, 4096):
        (batch, *_), notes = begun("batch_size", value)[0].dimensions, begun("batch_size", value)[1]
        assert batch.values == tuple(sorted({*space().dimensions[0].values, value}))
        assert batch.values[batch.baseline] == 32 and notes == ()
        assert batch.first is not None and batch.values[batch.first] == value
    prefetch = begun("prefetch", 3)[0].dimensions[1]
    assert prefetch.values == ("none", 1, 2, 3, 4, "AUTOTUNE")
    assert prefetch.values[prefetch.baseline] == "none"


def test_what_cannot_be_tried_is_said() -> None:
    same, (note,) = begun("mixed_precision", "mixed_bfloat16")
    assert same == space() and "here it takes float32, mixed_float16" in note
    out = space(left_out=(KnobLeftOut(knob="interleave", why="no .interleave"),))
    assert begun("interleave", 4, out)[1] == (
        "interleave of the configuration is not tried: no .interleave",
    )
    assert "no such place" in begun("cache", "memory")[1][0]
    assert "is held" in begun("cache", "memory", space(fixed={"cache": "none"}))[1][0]
    assert "is not tried" in begun("batch_size", -1)[1][0]
