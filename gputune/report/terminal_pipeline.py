"""The input pipeline as a table, from the source down to the model."""

from __future__ import annotations

from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table

from gputune.report import figures, rows
from gputune.report.ink import Ink
from gputune.report.rows import StageRow
from gputune.schema.profile import Pipeline, Profile

# Columns of the terminal. In less, TensorFlow's names go and the user's lines stay; in still
# less, the line stands before the stage, and times and rates are all that is left.
_ROOM_FOR_OPS: Final = 96
_ROOM_FOR_DETAILS: Final = 64
_BOTTLENECK: Final = "bold red"
_TEXTS: Final = ("line", "stage", "TensorFlow op")


def pipeline(profile: Profile, ink: Ink) -> RenderableType:
    """Return the pipeline's heading and the table of its stages."""
    record = profile.pipeline
    assert record is not None  # only a profile with a pipeline gets here
    heading = ink.text(("Input pipeline", "bold"), f", source to model ({_rates(record, ink)})")
    return Group(heading, _table(profile, ink))


def _rates(record: Pipeline, ink: Ink) -> str:
    known = [record.source] if record.source else []
    if record.measured_max_batches_per_s is not None:
        known.append(f"measured {figures.rate(record.measured_max_batches_per_s, 'batches')}")
    if record.predicted_max_batches_per_s is not None:
        known.append(f"predicted {figures.rate(record.predicted_max_batches_per_s, 'batches')}")
    return ink.listed(known)


def _table(profile: Profile, ink: Ink) -> Table:
    stages = rows.stages(profile)
    columns = _columns(stages, ink)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", width=1)
    for name in columns:
        is_text = name in _TEXTS
        table.add_column(name, justify="left" if is_text else "right", overflow="fold")
    for index, row in enumerate(stages):
        table.add_row(
            ">" if row.bottleneck else "",
            *(ink.text(column[index]) for column in columns.values()),
            style=_BOTTLENECK if row.bottleneck else "",
        )
    return table


def _columns(stages: list[StageRow], ink: Ink) -> dict[str, list[str]]:
    """Return the cells by the name of their column, for the room that there is."""
    numbers = {
        "time/batch": [row.own_time for row in stages],
        "parallel": [row.parallelism for row in stages],
        "buffer": [row.buffer for row in stages],
        "batches/s": [row.max_rate for row in stages],
    }
    if ink.width < _ROOM_FOR_DETAILS:
        texts = {"stage": [f"{row.where} {row.name}".strip() for row in stages]}
        del numbers["parallel"], numbers["buffer"]
        return texts | numbers
    texts = {"line": [row.where for row in stages], "stage": [row.name for row in stages]}
    if ink.width >= _ROOM_FOR_OPS:
        texts["TensorFlow op"] = [row.op for row in stages]
    return texts | {name: cells for name, cells in numbers.items() if any(cells)}
