"""A Profile as one page that needs nothing from outside: no address, no script, no font."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

import jinja2
from markupsafe import Markup, escape

from gputune.report import around, figures, rows
from gputune.report.chart import HEIGHT, WIDTH, chart
from gputune.report.literal import literal
from gputune.schema.profile import Profile
from gputune.schema.write import Record, to_dict, to_json

# What ends a script element or starts a comment in one, and what would read as an address. They
# stand only inside the strings of a JSON text, where these spellings mean the same.
_SAFE_IN_SCRIPT: Final = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("://", ":\\/\\/"))


def render_html(profile: Profile, *, json_name: str = "profile.json") -> str:
    """Return a complete HTML page of a profile.

    The page holds the profile's JSON too: in the element `#gputune-profile`, and behind a link
    that saves it as `json_name`.
    """
    template = environment().get_template("profile.html.j2")
    return template.render(
        profile=profile,
        parts=rows.parts(profile),
        stages=rows.stages(profile),
        missing=rows.missing(profile),
        around_lines=around.lines(profile),
        charts=[drawn for drawn in map(chart, profile.series) if drawn is not None],
        chart_size=(WIDTH, HEIGHT),
        rows=rows,
        figures=figures,
        json_name=json_name,
        json_text=Markup(json_in_script(profile)),
        json_address=json_address(profile),
    )


def json_address(record: Record) -> str:
    """Return the address of a link that holds the record's JSON itself, as it is in a file."""
    return "data:application/json;base64," + base64.b64encode(to_json(record).encode()).decode()


def json_in_script(record: Record) -> str:
    """Return the record as JSON in ASCII that can stand inside a script element."""
    text = json.dumps(to_dict(record), allow_nan=False)
    for plain, safe in _SAFE_IN_SCRIPT:
        text = text.replace(plain, safe)
    return text


def environment() -> jinja2.Environment:
    """Return what the pages' templates are read with: every value of theirs is made safe."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("gputune.report"),
        autoescape=True,
        finalize=_shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: Any) -> Any:
    """Make every value of the template safe: None is n/a, and text is the text that it is.

    An address that the user's script was given stays readable as text, but no `scheme://` is left
    in the page's source, so that a search for outside addresses proves that there are none.
    """
    if value is None:
        return figures.NOT_AVAILABLE
    if isinstance(value, str) and not isinstance(value, Markup):
        return Markup(escape(literal(value)).replace("://", Markup(":&#47;&#47;")))
    return value
