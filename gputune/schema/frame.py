"""A record as a table of pandas, one row for each figure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from gputune.schema.write import Record, to_dict

if TYPE_CHECKING:
    import pandas as pd

# Longest ending first: `_bytes_per_s` ends in `_s` too.
_UNITS: Final = (
    ("_s_per_step", "s/step"),
    ("_bytes_per_step", "bytes/step"),
    ("_bytes_per_s", "bytes/s"),
    ("_samples_per_s", "samples/s"),
    ("_batches_per_s", "batches/s"),
    ("samples_per_s", "samples/s"),
    ("_per_s", "1/s"),
    ("_bytes", "bytes"),
    ("_percent", "%"),
    ("_w", "W"),
    ("_j", "J"),
    ("_s", "s"),
)
_CURVES: Final = "series"


def to_frame(record: Record) -> pd.DataFrame:
    """Return one row for each scalar of the record: `metric`, `value`, `unit`.

    `metric` is the scalar's path in the JSON (`steps.mean_s`, `phases[1].step_s`), `value` its
    value as it is there (None where it was not measured, so the column's type is object), and
    `unit` follows from its name; it is empty for counts, fractions and texts. The curves
    (`series`) are left out: their points are no scalars.
    """
    import pandas as pd  # here: a report on the terminal must not wait for it

    columns = list(zip(*scalars(record), strict=True))
    metrics, values, units = columns
    return pd.DataFrame(
        {
            "metric": list(metrics),
            "value": pd.Series(list(values), dtype=object),
            "unit": list(units),
        }
    )


def scalars(record: Record) -> Iterator[tuple[str, Any, str]]:
    """Yield (path, value, unit) for each scalar of the record, in the order of its JSON."""
    for key, value in to_dict(record).items():
        if key != _CURVES:
            yield from _flat(key, value, key)


def _flat(path: str, value: Any, field: str) -> Iterator[tuple[str, Any, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(f"{path}.{key}", item, key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _flat(f"{path}[{index}]", item, field)
    else:
        yield path, value, _unit(field)


def _unit(field: str) -> str:
    if field.startswith("ci95_"):
        field = field.removeprefix("ci95")
    return next((unit for ending, unit in _UNITS if field.endswith(ending)), "")
