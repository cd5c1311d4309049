"""What every page has: safe templates, the record inside it, and nothing from outside.

A page is one file. It names no outside address, and its Content-Security-Policy forbids to load or
run anything but the style and the one script that are in it.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from typing import Any, Final

import jinja2
from markupsafe import Markup, escape

from gputune.report import figures
from gputune.report.literal import literal
from gputune.schema.write import Record, to_dict, to_json

# What ends a script element or starts a comment in one, and what would read as an address. They
# stand only inside the strings of a JSON text, where these spellings mean the same.
_SAFE_IN_SCRIPT: Final = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("://", ":\\/\\/"))


def render(template: str, record: Record | None, *, json_name: str = "", **context: Any) -> str:
    """Return the page of a record: `template` filled with `context`, the JSON in it.

    The JSON stands in the element `#gputune-<kind>` (`gputune-profile`), and behind a link that
    saves it as `json_name`. Without a record the page holds none.
    """
    if record is not None:
        context |= {
            "json_id": record.SCHEMA.replace(".", "-"),
            "json_name": json_name,
            "json_text": Markup(json_in_script(record)),
            "json_address": json_address(record),
        }
    page = environment().get_template(template)
    return page.render(figures=figures, script=script(), policy=policy(), **context)


@functools.cache
def script() -> Markup:
    """The script of the pages. They say everything without it; with it, tables can be sorted."""
    pages = environment()
    assert pages.loader is not None
    source, _, _ = pages.loader.get_source(pages, "sort.js")
    return Markup(source)


@functools.cache
def policy() -> str:
    """The Content-Security-Policy: no script runs but the one with this digest."""
    digest = base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def json_address(record: Record) -> str:
    """Return the address of a link that holds the record's JSON itself, as it is in a file."""
    return "data:application/json;base64," + base64.b64encode(to_json(record).encode()).decode()


def json_in_script(record: Record) -> str:
    """Return the record as JSON in ASCII that can stand inside a script element."""
    text = json.dumps(to_dict(record), allow_nan=False)
    for plain, safe in _SAFE_IN_SCRIPT:
        text = text.replace(plain, safe)
    return text


@functools.cache
def environment() -> jinja2.Environment:
    """Return what the pages' templates are read with: every value of theirs is made safe."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("gputune.report"),
        autoescape=True,
        finalize=_shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["breakable"] = _breakable
    return made


def _breakable(name: str) -> Markup:
    """A dotted name, safe, that may be parted behind its dots and underlines."""
    shown = str(_shown(name))
    return Markup(shown.replace(".", ".<wbr>").replace("_", "_<wbr>"))


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
