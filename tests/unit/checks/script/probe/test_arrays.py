"""Records of arrays, against NumPy's own figures and against constructions."""

from __future__ import annotations

import numpy as np
import pytest

from gputune.checks.script.probe import arrays


def test_the_figures_are_those_of_the_finite_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "_PART", 7)  # so that the parts have to be put together
    finite = np.random.default_rng(0).normal(3.0, 2.0, size=(40, 5))
    given = finite.copy()
    given[2, 1], given[7, 0], given[9, 4] = np.nan, np.inf, -np.inf
    kept = given[np.isfinite(given)]
    values = arrays.values_of("x", given)
    assert (values.count, values.nan, values.infinite, values.finite) == (200, 1, 2, False)
    assert values.minimum == kept.min() and values.maximum == kept.max()
    assert values.mean == pytest.approx(kept.mean())
    assert values.std == pytest.approx(kept.std())


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (np.zeros(3, "float16"), "float"),
        (np.zeros(3, "uint8"), "integer"),
        (np.zeros(3, bool), "bool"),
        (np.array(["a"]), "other"),
    ],
)
def test_kinds(array: np.ndarray, kind: str) -> None:
    assert arrays.values_of("x", array).kind == kind


def test_an_array_of_nothing_or_of_nothing_finite_has_no_figures() -> None:
    assert arrays.values_of("x", np.zeros((0, 3))).minimum is None
    values = arrays.values_of("x", np.full(4, np.nan))
    assert (values.nan, values.minimum, values.mean) == (4, None, None)
    assert arrays.values_of("x", np.array(2.0)).mean == 2.0


def test_columns_and_dead_units_are_those_of_the_last_axis() -> None:
    array = np.zeros((2, 3, 4))
    array[..., 1] = 3.0
    array[0, 0, 2] = -1.0
    assert arrays.column_rms(array) == pytest.approx((0.0, 3.0, (1 / 6) ** 0.5, 0.0))
    assert arrays.dead_units(array) == (0, 3)


def test_the_leaves_of_a_batch_have_the_names_that_lead_to_them() -> None:
    one = np.zeros(2)
    found = dict(arrays.leaves("x", {"age": one, "rest": (one, [one])}))
    assert set(found) == {"x['age']", "x['rest'][0]", "x['rest'][1][0]"}


def test_what_has_no_array_is_no_leaf() -> None:
    class Symbolic:
        shape, dtype = (1,), "float32"

        def numpy(self):
            raise NotImplementedError

    assert list(arrays.leaves("x", (Symbolic(), None))) == []
