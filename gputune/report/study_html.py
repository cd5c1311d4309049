"""A Study as one page that needs nothing from outside, with the look of a profile's."""

from __future__ import annotations

from gputune.report import figures
from gputune.report import study_rows as rows
from gputune.report.drawing.intervals import intervals
from gputune.report.drawing.trials import histories, timetables
from gputune.report.meters import Meter, meters
from gputune.report.page import render
from gputune.schema.study import KnobEffect, KnobSearched, Study


def render_study_page(study: Study, *, json_name: str = "study.json") -> str:
    """Return a complete HTML page of a study.

    The page holds the study's JSON too: in the element `#gputune-study`, and behind a link that
    saves it as `json_name`.
    """
    drawn = intervals([(one.ratio, one.ci95) for one in study.confirmation])
    knobs = rows.by_importance(study)
    return render(
        "study.html.j2",
        study,
        json_name=json_name,
        study=study,
        rows=rows,
        confirmed=list(zip(study.confirmation, drawn, strict=True)),
        histories=histories(study.trials),
        timetables=timetables(study.trials),
        importances=_importances(knobs),
        effects=[(knob, *_effect(knob)) for knob in knobs if len(_tried(knob)) > 1],
        constant=[_only(knob) for knob in knobs if len(_tried(knob)) == 1],
    )


def _importances(knobs: list[KnobSearched]) -> list[Meter]:
    known = [knob for knob in knobs if knob.importance_fraction is not None]
    return meters(
        [
            (
                knob.knob,
                knob.importance_fraction,
                figures.share(knob.importance_fraction),
                "own",
            )
            for knob in known
        ]
    )


def _effect(knob: KnobSearched) -> tuple[list[tuple[Meter, int]], list[str]]:
    """(a bar of the median samples/s, how many trials) for each value, and those never tried."""
    tried = _tried(knob)
    bars = meters(
        [
            (
                rows.value_text(one.value),
                one.median_samples_per_s,
                figures.rate(one.median_samples_per_s, "samples"),
                "own" if rows.same_value(one.value, knob.baseline) else "",
            )
            for one in tried
        ]
    )
    untried = [rows.value_text(one.value) for one in knob.effect if not one.trials]
    return list(zip(bars, (one.trials for one in tried), strict=True)), untried


def _tried(knob: KnobSearched) -> list[KnobEffect]:
    return [one for one in knob.effect if one.trials]


def _only(knob: KnobSearched) -> str:
    """A knob that had one value in all trials, of which nothing can be said: `prefetch: none`."""
    return f"{knob.knob}: {rows.value_text(_tried(knob)[0].value)}"
