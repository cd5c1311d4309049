"""A Study on the terminal: the answer first, then how sure it is, then what was tried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.table import Table

from gputune.report import figures
from gputune.report import study_rows as rows
from gputune.report.ink import Ink
from gputune.schema.study import KnobSearched, Study

_NARROWEST: Final = 40
_LABELS: Final = 9
_MOST: Final = 6
"""Knobs or reasons that are listed; the JSON and the page have them all."""


def render_study(
    study: Study, *, width: int, color: bool, ascii_only: bool, config: str = "gputune.toml"
) -> str:
    """Return the summary of a study for a terminal; arguments as those of `render_profile`.

    `config` is the file of the recommended configuration, for the line that says what to do next.
    """
    ink = Ink(width=max(width, _NARROWEST), color=color, ascii_only=ascii_only)
    return ink.draw(_blocks(study, ink, config))


def _blocks(study: Study, ink: Ink, config: str) -> Iterator[RenderableType]:
    yield ink.text((study.verdict, "bold"))
    yield ""
    yield _answer(study, ink)
    yield from ("", _tried(study, ink))
    closing = _closing(study, ink, config)
    if closing.row_count:
        yield from ("", closing)


def _labelled() -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="bold", width=_LABELS)
    grid.add_column(overflow="fold")
    return grid


def _answer(study: Study, ink: Ink) -> Table:
    grid = _labelled()
    own = study.baseline
    sure = "" if own.confirmed else " (of one trial)"
    rate = figures.rate(own.samples_per_s, "samples")
    grid.add_row("As it is", ink.text((rate, "bold"), sure))
    for name, one in rows.recommended(study):
        rate = figures.rate(one.samples_per_s, "samples")
        grid.add_row("Best", ink.text((rate, "bold green"), f", {rows.spoken(name)}"))
        for knob, was, value in rows.changed(one.knobs, own.knobs):
            arrow = "->" if ink.ascii_only else "→"
            line = f"{knob}: {rows.value_text(was)} {arrow} {rows.value_text(value)}"
            grid.add_row("", ink.text(line))
    for index, found in enumerate(study.confirmation):
        text = f"{rows.spoken(found.candidate)}: {rows.confirmation_text(found)}"
        grid.add_row("" if index else "Confirmed", ink.text(text))
    for index, (candidate, check, said) in enumerate(rows.candidates_checks(study)):
        grid.add_row("" if index else "Guard", ink.text(f"{candidate}, {check} {said}"))
    if rows.recommended(study):
        grid.add_row("Worth", ink.text(rows.payoff_text(study)))
    return grid


def _tried(study: Study, ink: Ink) -> Table:
    grid = _labelled()
    inside = sum(t.in_process for t in study.trials)
    how = f", {inside} without a new process" if inside else ""
    ended = f"; {study.stopped}" if study.stopped else ""
    count = f"{len(study.trials)} ({ink.listed(rows.states(study.trials))}){how}{ended}"
    grid.add_row("Trials", ink.text(count))
    for what, why in rows.failures(study.trials)[:_MOST]:
        grid.add_row("", ink.text(f"{what}: {why}"))
    searched = [f"{k.knob}{_importance(k)}" for k in rows.by_importance(study)]
    if searched:
        grid.add_row("Searched", ink.text(ink.listed(searched)))
    if any(k.importance_fraction is not None for k in study.knobs_searched):
        hint = f"; {study.importance_note}" if study.importance_note else ""
        said = f"(percent: the share of what told the best trials from the others{hint})"
        grid.add_row("", ink.text(said))
    if study.fixed:
        held = [f"{name}={rows.value_text(value)}" for name, value in study.fixed.items()]
        grid.add_row("Held", ink.text(ink.listed(held)))
    for index, left in enumerate(study.knobs_left_out):
        grid.add_row("" if index else "Left out", ink.text(f"{left.knob}: {left.why}"))
    return grid


def _importance(knob: KnobSearched) -> str:
    """Its share, or that the time ended before another value of it had a trial, or nothing."""
    if knob.importance_fraction is not None:
        return f" {figures.share(knob.importance_fraction)}"
    return " (no other value was tried)" if sum(e.trials > 0 for e in knob.effect) == 1 else ""


def _closing(study: Study, ink: Ink, config: str) -> Table:
    grid = _labelled()
    for index, note in enumerate(study.notes):
        grid.add_row("" if index else "Notes", ink.text(note))
    if rows.recommended(study):
        script = study.script
        grid.add_row("Next", ink.text(f"gputune run --config {config} {script}"))
        grid.add_row("", ink.text(f"gputune apply --config {config} {script}"))
    return grid
