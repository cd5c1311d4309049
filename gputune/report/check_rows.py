"""What a check's renderers show, as rows of text: the same words on the terminal and the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gputune.report import figures
from gputune.schema.check import CheckReport, CheckRun, LayerRow

HEADINGS: Final = ("layer", "type", "output shape", "parameters")
_CUT_SHORT: Final = "ended early by gputune (validation: one batch, of a PyDataset all)"
STATES: Final = {"found": "found", "clear": "clear", "not-run": "not run"}


def run_text(report: CheckReport) -> str:
    """What was trained under the checks."""
    if not report.steps:
        return "no training step was made"
    steps = "1 training step" if report.steps == 1 else f"{report.steps} training steps"
    epochs = "1 epoch" if report.epochs == 1 else f"{report.epochs} epochs"
    if report.style != "keras.fit":
        return f"{steps} of a loop written by hand"
    short = (
        ", ended early by gputune (validation: one batch, of a PyDataset all)"
        if report.cut_short
        else ""
    )
    return f"{steps} in {epochs}{short}"


def check_lines(report: CheckReport) -> Iterator[tuple[str, str]]:
    """The state, and the checks in it; each that was not run stands alone, with its reason."""
    for state in ("found", "clear"):
        named = [check.name for check in report.checks if check.state == state]
        if named:
            yield STATES[state], ", ".join(named)
    reasons: dict[str, list[str]] = {}
    for check in report.checks:
        if check.state == "not-run":
            reasons.setdefault(check.reason, []).append(check.name)
    for reason, named in reasons.items():
        yield STATES["not-run"], f"{', '.join(named)}: {reason}"
    for check in report.checks:
        if check.state == "found" and check.reason:
            yield STATES["not-run"], f"the rest of {check.name}: {check.reason}"


def check_text(check: CheckRun) -> str:
    """What became of one check."""
    if check.state == "found":
        return f"found {', '.join(check.findings)}" + (f"; {check.reason}" if check.reason else "")
    return f"{STATES[check.state]}: {check.reason}" if check.reason else STATES[check.state]


def layer_cells(row: LayerRow) -> tuple[str, str, str, str]:
    """Name (indented by its depth), type, output shapes, parameters."""
    shapes = ", ".join(shape_text(shape) for shape in row.output_shapes) or figures.NOT_AVAILABLE
    return "  " * row.depth + row.name, row.kind, shapes, figures.count(row.parameters)


def shape_text(shape: tuple[int | None, ...]) -> str:
    """`(None, 28, 28, 1)`."""
    return f"({', '.join(str(size) for size in shape)}{',' if len(shape) == 1 else ''})"
