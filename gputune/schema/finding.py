"""What gputune says is wrong, why it says so, and what helps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gputune.schema.site import Site


class Severity(StrEnum):
    """How much a finding costs: `problem` is worth acting on now, `note` is for knowing."""

    PROBLEM = "problem"
    WARNING = "warning"
    NOTE = "note"
    GOOD = "good"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One statement about a run.

    `id` is stable across versions (`input-bound`, `serial-map`, …); `title` is one sentence;
    `evidence` holds the measured figures that it stands on, each a sentence with units;
    `remedy` says what to do, `snippet` is Python to paste for it (several lines, or empty);
    `knobs` names the knobs that address it; `site` is the line that
    it is about, or None where it is about none.
    """

    id: str
    severity: Severity
    title: str
    evidence: tuple[str, ...] = ()
    remedy: str = ""
    knobs: tuple[str, ...] = ()
    site: Site | None = None
    snippet: str = ""
