"""From NumPy arrays to records. NumPy is there as soon as the script has imported TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gputune.checks.script.probe.facts import Kind, Values

_MOST_COLUMNS = 4096
_PART = 4_000_000
"""So many numbers are looked at at a time, so that a large array costs no second copy of itself."""
MOST_NUMBERS = 200_000_000
"""Of an array that the script gave to `fit`: below a second's work for each 100 million."""


def values_of(name: str, given: Any) -> Values:
    """The record of one array, or of the first MOST_NUMBERS numbers of a larger one."""
    import numpy as np

    array = np.asarray(given)
    kind = kind_of(array)
    if kind == "other" or array.size == 0:
        return Values(name=name, shape=array.shape, kind=kind, count=int(array.size))
    nan = infinite = finite = 0
    low, high, total, squares = float("inf"), float("-inf"), 0.0, 0.0
    for part in _parts(array):
        numbers = part.astype("float64", copy=False)
        good = np.isfinite(numbers)
        missing = int(np.isnan(numbers).sum())
        nan += missing
        infinite += int(numbers.size - good.sum()) - missing
        numbers = numbers[good]
        if numbers.size:
            finite += int(numbers.size)
            low, high = min(low, float(numbers.min())), max(high, float(numbers.max()))
            total += float(numbers.sum())
            with np.errstate(over="ignore"):
                squares += float(np.square(numbers).sum())
    if not finite:
        return Values(
            name=name, shape=array.shape, kind=kind, count=int(array.size), nan=nan,
            infinite=infinite,
        )  # fmt: skip
    mean = total / finite
    return Values(
        name=name, shape=array.shape, kind=kind, count=int(array.size), nan=nan,
        infinite=infinite, minimum=low, maximum=high, mean=mean,
        std=max(squares / finite - mean * mean, 0.0) ** 0.5,
    )  # fmt: skip


def kind_of(array: Any) -> Kind:
    """Which kind of numbers an array holds; bfloat16 is a float, whatever NumPy calls it."""
    letter = array.dtype.kind
    if letter == "f" or "float" in array.dtype.name:
        return "float"
    if letter in "iu":
        return "integer"
    return "bool" if letter == "b" else "other"


def all_finite(array: Any) -> bool:
    """Whether no number of the array is NaN or infinite; what holds no floats always is."""
    import numpy as np

    if kind_of(array) != "float":
        return True
    return bool(np.isfinite(array if array.dtype.kind == "f" else array.astype("float32")).all())


def column_rms(array: Any) -> tuple[float, ...]:
    """The root mean square along the last axis; of the finite numbers."""
    import numpy as np

    if array.ndim < 2 or array.shape[-1] > _MOST_COLUMNS or array.size == 0:
        return ()
    rows = array.reshape(-1, array.shape[-1]).astype("float64")
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.where(np.isfinite(rows), rows, 0.0) ** 2
    return tuple(float(value) for value in np.sqrt(squares.mean(axis=0)))


def dead_units(array: Any) -> tuple[int, ...]:
    """The indices along the last axis that are zero everywhere."""
    import numpy as np

    if array.ndim < 2:
        return ()
    alive = (array.reshape(-1, array.shape[-1]) != 0).any(axis=0)
    return tuple(int(index) for index in np.flatnonzero(~alive))


def leaves(name: str, element: Any) -> Iterator[tuple[str, Any]]:
    """The arrays of a nested batch with their names: `x`, `x[0]`, `x['age']`."""
    if isinstance(element, dict):
        for key, part in element.items():
            yield from leaves(f"{name}[{key!r}]", part)
    elif isinstance(element, (tuple, list)):
        for index, part in enumerate(element):
            yield from leaves(f"{name}[{index}]", part)
    elif hasattr(element, "shape") and hasattr(element, "dtype"):
        array = as_array(element)
        if array is not None:
            yield name, array


def as_array(tensor: Any) -> Any:
    """The NumPy array of an eager tensor, or None for what has none (symbolic, ragged, sparse)."""
    import numpy as np

    if hasattr(tensor, "nbytes") and not hasattr(tensor, "numpy"):
        return np.asarray(tensor)
    try:
        return tensor.numpy()
    except Exception:  # symbolic tensors raise what they like
        return None


def _parts(array: Any) -> Iterator[Any]:
    if array.ndim == 0:
        yield array.reshape(1)
        return
    row = max(array.size // max(len(array), 1), 1)
    step = max(_PART // row, 1)
    for start in range(0, min(len(array), MOST_NUMBERS // row + 1), step):
        yield array[start : start + step].reshape(-1)
