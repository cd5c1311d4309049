"""A Profile as one page that needs nothing from outside: no address, no font, no picture."""

from __future__ import annotations

from gputune.report import around, circumstances, meters, over_time, rows
from gputune.report.drawing.timeline import timelines
from gputune.report.page import render
from gputune.schema.profile import Profile


def render_html(profile: Profile, *, json_name: str = "profile.json") -> str:
    """Return a complete HTML page of a profile.

    The page holds the profile's JSON too: in the element `#gputune-profile`, and behind a link
    that saves it as `json_name`.
    """
    stage_bars, model_bar = meters.stage_meters(profile)
    return render(
        "profile.html.j2",
        profile,
        json_name=json_name,
        profile=profile,
        rows=rows,
        parts=rows.parts(profile),
        stages=list(zip(rows.stages(profile), stage_bars, strict=True)),
        model_bar=model_bar,
        ceilings=meters.ceilings(profile),
        missing=[(group.reason, group.metrics) for group in rows.missing(profile)],
        around_lines=around.lines(profile),
        running=timelines(over_time.running(profile), over_time.bands(profile)),
        phase_names=list(dict.fromkeys(band.name for band in over_time.bands(profile))),
        memory=timelines(over_time.memory(profile), over_time.bands(profile)),
        facts=circumstances,
    )
