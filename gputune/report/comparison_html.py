"""A Comparison as one page that needs nothing from outside, with the look of a profile's."""

from __future__ import annotations

from markupsafe import Markup

from gputune.report import comparison_rows as rows
from gputune.report.html import environment, json_address, json_in_script
from gputune.schema.comparison import Comparison


def render_comparison_page(comparison: Comparison, *, json_name: str = "comparison.json") -> str:
    """Return a complete HTML page of a comparison.

    The page holds its JSON too: in the element `#gputune-comparison`, and behind a link that
    saves it as `json_name`.
    """
    return (
        environment()
        .get_template("comparison.html.j2")
        .render(
            comparison=comparison,
            rows=rows,
            sides=range(1, len(comparison.sides)),
            json_name=json_name,
            json_text=Markup(json_in_script(comparison)),
            json_address=json_address(comparison),
        )
    )
