"""A Profile on the terminal: what a tired engineer wants to know, top down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.table import Table

from gputune.report import around, figures, rows
from gputune.report.ink import Ink
from gputune.report.terminal_bar import breakdown
from gputune.report.terminal_findings import findings_table, labelled
from gputune.report.terminal_pipeline import pipeline
from gputune.schema.profile import Profile, Steps

_NARROWEST: Final = 40
_MOST_METRICS: Final = 6  # named for one reason; the JSON has them all
_WARNING: Final = "yellow"


def render_profile(profile: Profile, *, width: int, color: bool, ascii_only: bool) -> str:
    """Return the summary of a profile for a terminal.

    Args:
        profile: the record to show.
        width: columns of the terminal; below 40 it is drawn 40 wide.
        color: whether to use the terminal's 16 colours.
        ascii_only: for a terminal whose encoding is not UTF-8; all characters are then ASCII.
    """
    ink = Ink(width=max(width, _NARROWEST), color=color, ascii_only=ascii_only)
    return ink.draw(_blocks(profile, ink))


def _blocks(profile: Profile, ink: Ink) -> Iterator[RenderableType]:
    yield ink.text((profile.verdict, "bold"))
    yield ""
    yield _overview(profile, ink)
    if profile.breakdown is not None:
        yield from ("", breakdown(profile, ink))
    if profile.pipeline is not None and profile.pipeline.stages:
        yield from ("", pipeline(profile, ink))
    if profile.findings:
        yield from ("", findings_table(profile.findings, ink))
    closing = _closing(profile, ink)
    if closing.row_count:
        yield from ("", closing)


def _overview(profile: Profile, ink: Ink) -> Table:
    grid = labelled()
    loud = _WARNING if profile.command.interrupted else ""
    grid.add_row("Run", ink.text((rows.run_text(profile), loud)))
    if profile.steps is None:
        reason = rows.reason_for(profile, "steps") or rows.NO_REASON
        grid.add_row("Step", ink.text(f"{figures.NOT_AVAILABLE}: {reason}"))
    else:
        for label, line in zip(("Step", ""), _step(profile.steps, ink), strict=True):
            grid.add_row(label, line)
        grid.add_row("Ceilings", ink.text(_ceilings(profile)))
    if profile.phases:
        grid.add_row("Phases", ink.text(_phases(profile, ink)))
    _add_devices(grid, profile, ink)
    return grid


def _step(steps: Steps, ink: Ink) -> tuple[RenderableType, RenderableType]:
    first = ink.text(
        (figures.seconds(steps.mean_s), "bold"),
        f" mean (95%: {figures.interval_seconds(steps.ci95_s)}), "
        f"median {figures.seconds(steps.median_s)}, p95 {figures.seconds(steps.p95_s)}",
    )
    called = steps.steps_per_execution
    second = ink.text(
        (figures.rate(steps.samples_per_s, "samples"), "bold"),
        f", batch size {figures.count(steps.batch_size)}, "
        + (f"{called} steps a call, " if called > 1 else "")
        + f"{figures.count(steps.measured_count)} steps measured, ",
        "stable" if steps.stable else (rows.stability(steps), _WARNING),
    )
    return first, second


def _ceilings(profile: Profile) -> str:
    record = profile.ceilings
    return (
        f"input {figures.number(record.input_samples_per_s)}, "
        f"compute {figures.number(record.compute_samples_per_s)} samples/s; "
        f"achieved {figures.share(record.achieved_fraction)} of the lower"
    )


def _phases(profile: Profile, ink: Ink) -> str:
    shown = []
    for phase in profile.phases:
        if phase.step_s is None:
            shown.append(f"{phase.name} {figures.seconds(phase.duration_s)} in all")
        else:
            each = figures.seconds(phase.step_s)
            shown.append(f"{phase.name} {figures.count(phase.steps)} x {each}")
    return ink.listed(shown)


def _add_devices(grid: Table, profile: Profile, ink: Ink) -> None:
    if not profile.gpus and profile.steps is not None:
        reason = rows.reason_for(profile, "gpus") or rows.NO_REASON
        grid.add_row("GPU", ink.text(f"{figures.NOT_AVAILABLE}: {reason}"))
    for at, gpu in enumerate(profile.gpus):
        for index, shown in enumerate(rows.gpu_lines(gpu, explained=at > 0)):
            text = (shown.lead + ink.listed(shown.figures), _WARNING if shown.warning else "")
            grid.add_row("" if index else f"GPU {gpu.index}", ink.text(text))
    for index, line in enumerate(rows.transfers(profile.transfer)):
        grid.add_row("" if index else "Copies", ink.text(line))
    host = rows.host_figures(profile)
    if host:
        grid.add_row("Host", ink.text(ink.listed(host)))
    before = ""
    for said in around.lines(profile):
        grid.add_row("" if said.label == before else said.label, ink.text(said.text))
        before = said.label


def _closing(profile: Profile, ink: Ink) -> Table:
    grid = labelled()
    for index, what in enumerate(profile.what_if):
        line = ink.text(
            f"{what.condition}: {figures.seconds(what.step_s)} a step, ",
            (f"{figures.factor(what.speedup)} as fast", "bold"),
            f" ({what.basis})",
        )
        grid.add_row("" if index else "If", line)
    for index, group in enumerate(rows.missing(profile)):
        named = list(dict.fromkeys(map(rows.spoken, group.metrics)))
        more = len(named) - _MOST_METRICS
        listed = ", ".join(named[:_MOST_METRICS]) + (f" and {more} more" if more > 0 else "")
        grid.add_row("" if index else figures.NOT_AVAILABLE, ink.text(f"{listed}: {group.reason}"))
    for index, path in enumerate(profile.files_opened_for_writing):
        grid.add_row("" if index else "Wrote to", ink.text(path))
    for index, note in enumerate(profile.notes):
        grid.add_row("" if index else "Notes", ink.text(note))
    return grid
