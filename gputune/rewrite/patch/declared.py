"""Settings that the script declares itself: the default of `gputune.knob("width", 64)`."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from gputune.knobs.declared import CALL
from gputune.rewrite.expressions import literal_of
from gputune.rewrite.patch.names import bound_anywhere
from gputune.rewrite.patch.plan import Plan, Refused
from gputune.rewrite.patch.source import Source, argument, method_of
from gputune.rewrite.patch.values import set_argument, text_of
from gputune.schema.config import DECLARED, Setting

_WHOLE = f"gputune.{CALL}"


def set_declared(made: Plan, setting: Setting) -> None:
    """Change the default of each declaration of this name; raises Refused."""
    name = setting.knob.removeprefix(DECLARED)
    value = literal_of(setting.value)
    if value is None:
        raise Refused(f"{setting.value} is no value of a knob")
    found = [
        (source, call)
        for source in made.sources.own()
        for call in _declarations(source)
        if (given := argument(call, "name", 0)) is not None and text_of(given.value) == name
    ]
    if not found:
        raise Refused(f'no {_WHOLE}("{name}", …) stands in the script or in what it imports')
    for source, call in found:
        set_argument(made, setting, source, call, "default", 1, value)


def _declarations(source: Source) -> Iterator[cst.Call]:
    """The calls of `gputune.knob`, by whatever name the file has for it."""
    names = bound_anywhere(source)
    spellings = {name for name, what in names.items() if what == _WHOLE}
    spellings |= {f"{name}.{CALL}" for name, what in names.items() if what == "gputune"}
    for call in source.calls:
        if method_of(call) and source.text(call.func) in spellings:
            yield call
