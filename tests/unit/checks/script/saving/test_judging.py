"""From parts and trips to findings: what is a problem depends on how the script saves."""

from __future__ import annotations

from gputune.checks.script.comparing import Difference
from gputune.checks.script.saving.judging import findings, not_compared
from gputune.checks.script.saving.parts import Part
from gputune.checks.script.saving.seen import Seen
from gputune.checks.script.saving.trips import Trip
from gputune.schema.finding import Severity

SAME = Difference(largest=0.0, scale=2.0)
ROUNDED = Difference(largest=1e-6, scale=2.0)
OTHER = Difference(largest=0.5, scale=2.0)
FORMATS = (".keras", ".weights.h5", ".h5", "SavedModel")
WELL = tuple(Trip(format=name, difference=SAME) for name in FORMATS)
BARE = Part(name="Scale", kind="layer", registered=False)
ALL = frozenset(FORMATS)
NONE: frozenset[str] = frozenset()


def trips(**changed) -> tuple[Trip, ...]:
    """The four trips, one of them changed."""
    changed_one = Trip(**changed)
    return tuple(changed_one if one.format == changed_one.format else one for one in WELL)


def said(parts=(), made=WELL, used=ALL, **more):
    return [(f.id, f.severity) for f in findings(Seen(parts=parts, trips=made, used=used, **more))]


def test_a_model_that_comes_back_needs_no_word() -> None:
    assert said() == []
    assert said(made=trips(format="SavedModel", difference=ROUNDED)) == []
    registered = Part(name="Scale", kind="layer", registered=True)
    assert said(parts=(registered,)) == []


def test_a_difference_beyond_rounding_is_said_with_its_figures() -> None:
    seen = Seen(parts=(), trips=trips(format=".keras", difference=OTHER), used=ALL)
    (one,) = findings(seen)
    assert (one.id, one.severity) == ("predictions-differ", Severity.PROBLEM)
    assert one.evidence == ("they differ by up to 0.5, where the largest output is 2",)
    assert said(made=seen.trips, used=NONE) == [("predictions-differ", Severity.WARNING)]


def test_half_the_bits_round_more() -> None:
    made = trips(format="SavedModel", difference=Difference(largest=0.02, scale=2.0))
    assert said(made=made) == [("predictions-differ", Severity.PROBLEM)]
    assert said(made=made, dtype="float16") == []


def test_a_part_that_explains_a_failing_trip_stands_alone() -> None:
    made = trips(format=".keras", load_error="TypeError: Could not locate class 'Scale'",
                 difference=SAME)  # fmt: skip
    assert said(parts=(BARE,), made=made) == [("not-registered", Severity.WARNING)]
    assert said(made=made) == [("load-fails", Severity.PROBLEM)]


def test_a_script_that_saves_no_whole_model_is_told_less() -> None:
    assert said(parts=(BARE,), used=frozenset({".weights.h5"})) == [
        ("not-registered", Severity.NOTE)
    ]
    broken = Part(name="Scale", kind="layer", registered=True, config_error="NotImplementedError")
    assert said(parts=(broken,)) == [("no-config", Severity.PROBLEM)]
    assert said(parts=(broken,), used=NONE) == [("no-config", Severity.WARNING)]
    assert said(parts=(broken,), used=frozenset({".weights.h5"})) == [("no-config", Severity.NOTE)]


def test_a_metric_that_forgets_does_not_explain_other_predictions() -> None:
    made = trips(format=".keras", difference=OTHER)
    forgets = {"registered": True, "lost": (("k", "3.0", "1.0"),)}
    layer = Part(name="Scale", kind="layer", **forgets)
    metric = Part(name="Near", kind="metric", **forgets)
    assert said(parts=(layer,), made=made) == [("config-incomplete", Severity.PROBLEM)]
    assert [identity for identity, _ in said(parts=(metric,), made=made)] == [
        "config-incomplete", "predictions-differ",
    ]  # fmt: skip


def test_a_lost_argument_is_named_with_both_values() -> None:
    part = Part(name="Scale", kind="layer", registered=True, lost=(("k", "3.0", "1.0"),))
    (one,) = findings(Seen(parts=(part,), trips=WELL, used=ALL))
    assert one.id == "config-incomplete" and "loses k" in one.title
    assert one.evidence == ("k is 3.0 now, and 1.0 after loading",)
    assert '"k": self.k' in one.remedy


def test_a_constructor_that_takes_no_keywords_is_named() -> None:
    part = Part(name="Net", kind="model", registered=True, refused=("trainable", "dtype"))
    (one,) = findings(Seen(parts=(part,), trips=WELL, used=ALL))
    assert one.id == "constructor-refuses" and "trainable and dtype" in one.title


def test_an_anonymous_function_that_breaks_when_loaded_is_worse() -> None:
    part = Part(name="<lambda>", kind="Lambda layer", owner="odd", is_lambda=True)
    refused = trips(format=".keras", load_error="ValueError: lambda", difference=SAME)
    broken = trips(format=".keras", load_error="ValueError: lambda", run_error="NameError: tf")
    assert said(parts=(part,), made=refused) == [("lambda-not-saved", Severity.WARNING)]
    assert said(parts=(part,), made=broken) == [("lambda-not-saved", Severity.PROBLEM)]


def test_the_older_format_matters_to_who_uses_it() -> None:
    made = trips(format=".h5", compile_error="ValueError: mse", difference=SAME)
    assert said(made=made, used=frozenset({".keras"})) == []
    assert said(made=made, used=frozenset({".h5"})) == [
        ("load-needs-compile-false", Severity.PROBLEM)
    ]


def test_a_format_that_nobody_asked_for_is_one_note_with_all_four() -> None:
    made = trips(format="SavedModel", save_error="ValueError: no signature")
    (one,) = findings(Seen(parts=(), trips=made, used=frozenset({".keras"})))
    assert (one.id, one.severity) == ("formats-differ", Severity.NOTE)
    assert len(one.evidence) == 4
    assert one.evidence[0].startswith(".keras") and "to the last bit" in one.evidence[0]
    assert one.evidence[3].endswith("is not saved: ValueError: no signature")


def test_python_in_a_saved_model() -> None:
    made = trips(format="SavedModel", difference=SAME, python_ops=("PyFunc",))
    assert said(made=made) == [("python-in-saved-model", Severity.PROBLEM)]
    assert said(made=made, used=NONE) == [("python-in-saved-model", Severity.NOTE)]


def test_variables_that_keras_does_not_know_are_named() -> None:
    seen = Seen(parts=(), trips=trips(format=".keras", difference=OTHER), used=ALL,
                loose=("scale of the layer 'a'",))  # fmt: skip
    (one,) = findings(seen)
    assert "scale of the layer 'a'" in one.remedy and "add_weight" in one.remedy


def test_what_was_not_compared_is_said() -> None:
    seen = Seen(parts=(), trips=trips(format="SavedModel", not_compared="no time"), used=ALL)
    assert not_compared(seen) == "SavedModel was not compared: no time"
    assert not_compared(Seen(parts=(), trips=WELL, used=ALL)) == ""
