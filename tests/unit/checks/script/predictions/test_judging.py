"""From the cases of a prediction to findings."""

from __future__ import annotations

from dataclasses import replace

from gputune.checks.script.comparing import Difference
from gputune.checks.script.predictions.cases import BIG, ONE, PARTIAL, WHOLE, ZEROS, Asked, Case
from gputune.checks.script.predictions.judging import findings
from gputune.schema.finding import Severity
from gputune.schema.site import Site

SAME = Difference(largest=0.0, scale=1.0)
OTHER = Difference(largest=0.5, scale=1.0)
HERE = Site(file="/train.py", line=3)
WELL = {
    WHOLE: Case(name=WHOLE, samples=8, shapes=((8, 3),)),
    ONE: Case(name=ONE, samples=1, shapes=((1, 3),), apart=SAME),
    PARTIAL: Case(name=PARTIAL, samples=4, shapes=((4, 3),), apart=SAME),
    ZEROS: Case(name=ZEROS, samples=8, shapes=((8, 3),)),
    BIG: Case(name=BIG, samples=8, shapes=((8, 3),)),
}


def said(asked: Asked, dtype: str = "float32"):
    return [(f.id, f.severity) for f in findings(asked, dtype, HERE)]


def with_case(name: str, **changed) -> Asked:
    cases = {**WELL, name: replace(WELL[name], **changed)}
    return Asked(cases=tuple(cases.values()), repeated=SAME)


def test_nothing_is_said_of_a_model_that_works() -> None:
    assert said(Asked(cases=tuple(WELL.values()), repeated=SAME)) == []
    scalar = with_case(WHOLE, shapes=((8, 3), ()))
    for name in (ONE, PARTIAL):
        one = next(case for case in scalar.cases if case.name == name)
        scalar = replace(scalar, cases=tuple(
            replace(one, shapes=(one.shapes[0], ())) if c is one else c for c in scalar.cases
        ))  # fmt: skip
    assert said(scalar) == []


def test_a_batch_of_one_that_fails() -> None:
    asked = with_case(ONE, error="InvalidArgumentError: x", shapes=(), apart=None)
    (one,) = findings(asked, "float32", HERE)
    assert (one.id, one.severity) == ("predict-fails", Severity.WARNING)
    assert "a batch of 1" in one.title and one.site == HERE
    fixed = replace(asked, fixed_batch=8)
    assert said(fixed) == [("predict-fixed-batch", Severity.NOTE)]


def test_two_sizes_that_fail_alike_are_said_once() -> None:
    both = with_case(ONE, error="x")
    both = replace(both, cases=tuple(
        replace(case, error="x") if case.name == PARTIAL else case for case in both.cases
    ))  # fmt: skip
    assert said(both) == [("predict-fails", Severity.WARNING)]


def test_a_squeezed_batch_of_one() -> None:
    asked = with_case(ONE, shapes=((3,),), apart=Difference(shapes="x"))
    (one,) = findings(asked, "float32", HERE)
    assert one.id == "predict-shape"
    assert "give (3,), where (1, 3)" in one.evidence[0]


def test_a_sample_that_depends_on_its_neighbours() -> None:
    assert said(with_case(ONE, apart=OTHER)) == [("predict-depends-on-batch", Severity.WARNING)]
    rounded = Difference(largest=1e-5, scale=1.0)
    assert said(with_case(ONE, apart=rounded)) == []


def test_a_model_that_draws_random_numbers_is_not_compared() -> None:
    asked = replace(with_case(ONE, apart=OTHER), repeated=OTHER)
    assert said(asked) == [("predict-random", Severity.NOTE)]


def test_nan_for_zeros_is_a_warning_and_for_large_values_a_note() -> None:
    assert said(with_case(ZEROS, nan=True)) == [("predict-not-finite", Severity.WARNING)]
    assert said(with_case(BIG, infinite=True)) == [("predict-not-finite", Severity.NOTE)]


def test_nan_for_the_training_batch_itself_ends_it() -> None:
    asked = with_case(WHOLE, nan=True)
    asked = replace(asked, cases=tuple(replace(case, nan=True) for case in asked.cases))
    (one,) = findings(asked, "float32", HERE)
    assert one.id == "predict-not-finite" and "the whole batch" in one.title
