"""The Comparison: two or more reports of a script side by side, and how sure a difference is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from gputune.schema.notebook import Shown

if TYPE_CHECKING:
    import pandas as pd

MetricVerdict = Literal["faster", "slower", "higher", "lower", "same", "inconclusive"]
"""`higher` and `lower` are of figures that are no speed: memory, utilisation, energy."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a comparison: a report, or the reports of repeated runs of one script.

    `processes` counts the reports. One process is one sample, however many steps it had.
    """

    name: str
    kind: str
    """`profile` or `study`."""
    script: str
    script_sha256: str | None
    processes: int
    verdict: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SideDifference:
    """What is not the same on the two sides, as text; `side` is the index of the later one."""

    side: int
    name: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class MetricCompared:
    """A figure on the first side and on another.

    `before` and `after` are geometric means over the processes (arithmetic where one is not
    positive), None where a side has none. `ratio` is after / before, `ci95` its 95 % interval
    (Welch's t on the logarithms), None with fewer than two processes on a side.
    """

    side: int
    """The index of the side that is compared with the first."""
    name: str
    unit: str
    before: float | None
    after: float | None
    difference: float | None
    ratio: float | None
    ci95: tuple[float, float] | None
    verdict: MetricVerdict
    reason: str
    smallest_detectable_ratio: float | None = None
    """The ratio that so many processes would have shown with 80 % power; 1.05 is 5 %."""
    before_processes: int = 0
    after_processes: int = 0


@dataclass(frozen=True, kw_only=True)
class Comparison(Shown):
    """The sides, what differs between them, and each figure. Written as JSON like a Profile."""

    SCHEMA: ClassVar[str] = "gputune.comparison"
    VERSION: ClassVar[int] = 1

    verdict: str
    sides: tuple[Side, ...]
    metrics: tuple[MetricCompared, ...]
    environment_differences: tuple[SideDifference, ...] = ()
    """Hardware and versions."""
    script_differences: tuple[SideDifference, ...] = ()
    """The script's hash, its arguments, how it was measured, what feeds it."""
    knob_differences: tuple[SideDifference, ...] = ()
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """A table of pandas with one row a metric: the fields of `MetricCompared`."""
        from dataclasses import fields

        import pandas as pd  # here: what only reads the record must not wait for it

        columns = [field.name for field in fields(MetricCompared)]
        rows = [[getattr(metric, name) for name in columns] for metric in self.metrics]
        return pd.DataFrame(rows, columns=pd.Index(columns), dtype=object).infer_objects()
