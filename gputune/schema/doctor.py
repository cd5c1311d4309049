"""The Doctor report: what was examined of a machine, each line with its cure where it needs one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gputune.schema.finding import Finding, Severity
from gputune.schema.notebook import Shown
from gputune.schema.profile import Environment, Unavailable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class DoctorSection:
    """What was found about one part of the machine: `GPU`, `TensorFlow`, `Keras`, `Host`, ….

    `good` is a line that is in order, `note` one for knowing; `warning` may cost time or surprise,
    `problem` keeps a training from working, or from its GPU. Both say in `remedy` what to do.
    """

    name: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DoctorReport(Shown):
    """What `gputune doctor` found. Written as JSON with `schema` and `version`."""

    SCHEMA: ClassVar[str] = "gputune.doctor"
    VERSION: ClassVar[int] = 1

    verdict: str
    """One sentence: the first problem, or that there is none and what TensorFlow trains on."""
    started_utc: str
    duration_s: float
    environment: Environment
    sections: tuple[DoctorSection, ...] = ()
    unavailable: tuple[Unavailable, ...] = ()
    """The examinations that could not be made, by name, and why."""

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that are problems; a machine is well where there are none."""
        return self.of(Severity.PROBLEM)

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings of a severity, in the report's order."""
        return tuple(
            finding
            for section in self.sections
            for finding in section.findings
            if finding.severity is severity
        )

    def to_frame(self) -> pd.DataFrame:
        """A table of pandas with one row a finding: section, severity, id, title, remedy."""
        import pandas as pd  # here: what only reads the record must not wait for it

        columns = ["section", "severity", "id", "title", "remedy"]
        rows = [
            [section.name, found.severity.value, found.id, found.title, found.remedy]
            for section in self.sections
            for found in section.findings
        ]
        return pd.DataFrame(rows, columns=pd.Index(columns))
