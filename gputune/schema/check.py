"""The CheckReport: what `gputune check` found in a script, and which checks could look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from gputune.schema.finding import Finding, Severity
from gputune.schema.notebook import Shown
from gputune.schema.profile import Command, Environment
from gputune.schema.training import CallbackCost

if TYPE_CHECKING:
    import pandas as pd

CheckState = Literal["found", "clear", "not-run"]


@dataclass(frozen=True, kw_only=True)
class CheckRun:
    """What became of one check.

    `found`: it has findings; `clear`: it looked and has none; `not-run`: it could not look, and
    `reason` says why. A check that failed after its first finding is `found`, with that reason.
    """

    name: str
    state: CheckState
    reason: str = ""
    findings: tuple[str, ...] = ()
    """The ids of its findings, in the order of the report's."""


@dataclass(frozen=True, kw_only=True)
class LayerRow:
    """One layer of the model that was trained, as it was built.

    `output_shapes` has a shape for each output, with None for a size that is not fixed; it is
    empty where the layer does not tell. `depth` is 0 for the model's own layers, 1 for those in
    them.
    """

    name: str
    kind: str
    output_shapes: tuple[tuple[int | None, ...], ...] = ()
    parameters: int | None = None
    trainable: bool | None = None
    depth: int = 0


@dataclass(frozen=True, kw_only=True)
class CheckReport(Shown):
    """What one run of `gputune check` showed. Written as JSON like a Profile."""

    SCHEMA: ClassVar[str] = "gputune.check"
    VERSION: ClassVar[int] = 1

    command: Command
    script: str
    environment: Environment
    verdict: str
    """One sentence: how many problems, and the first."""
    checks: tuple[CheckRun, ...] = ()
    findings: tuple[Finding, ...] = ()
    style: str | None = None
    """How the training is written (see FitSeen.style); None where none was seen."""
    steps: int = 0
    """Training steps made under the checks."""
    epochs: int = 0
    """Epochs that ended under the checks."""
    cut_short: bool = False
    """Whether gputune ended an epoch before its data were used up."""
    layers: tuple[LayerRow, ...] = ()
    callbacks: tuple[CallbackCost, ...] = ()
    """What each callback of the script took, over the few steps and epochs of the check."""
    files_opened_for_writing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def has_problem(self) -> bool:
        """Whether a finding is a problem: exit code 1."""
        return any(finding.severity is Severity.PROBLEM for finding in self.findings)

    def to_frame(self) -> pd.DataFrame:
        """A table of pandas with one row for each scalar, as `Profile.to_frame`."""
        from gputune.schema.frame import to_frame

        return to_frame(self)
