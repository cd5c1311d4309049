"""Which calls a setting means."""

from __future__ import annotations

from collections.abc import Callable

import libcst as cst

from gputune.rewrite.patch.feeds import Fed, fed
from gputune.rewrite.patch.plan import NOTED, Plan, Refused
from gputune.rewrite.patch.recorded import has_moved, line_now
from gputune.rewrite.patch.source import (
    Source,
    calls_at,
    chain,
    method_of,
    stage_method,
)
from gputune.schema.config import Setting

Done = Callable[[Source, cst.Call], bool]
"""Whether a call is already as a setting wants it."""


def call_at(
    made: Plan, setting: Setting, methods: list[str], done: Done, *, absent: bool = False
) -> tuple[Source, cst.Call]:
    """The call at the recorded place; one that is `done` where its line was changed since.

    `absent`: the recorded call itself is to be taken out. Raises Refused.
    """
    site = setting.site
    assert site is not None
    source = made.sources.at(site.file)
    if isinstance(source, str):
        raise Refused(source)
    wanted = [m for m in methods if m == stage_method(setting.stage)] or methods

    def has(line: int) -> bool:
        found = calls_at(source, line, wanted, setting.stage)
        return len(found) == 1 and done(source, found[0])

    moved = has_moved(made, source)
    line = line_now(source, setting, has, absent=absent, moved=moved)
    found = calls_at(source, line, wanted, setting.stage)
    if not found:
        names = " or ".join(f".{m}(…)" for m in wanted[:3]) or "call"
        raise Refused(f"no {names} stands at {source.path.name}:{line}")
    if len(found) > 1 and methods:
        raise Refused(
            f"{len(found)} calls of .{method_of(found[0])}(…) stand at {source.path.name}:{line}"
        )
    if not _in_function(source, found[0], site.function):
        raise Refused(f"{source.path.name}:{line} is not in {site.function}(…) any more")
    if site.via:
        made.say(
            setting,
            NOTED,
            source.label(found[0]),
            "stands in a function: every caller gets it",
        )
    return source, found[0]


def _in_function(source: Source, call: cst.Call, name: str) -> bool:
    """Whether the call stands in the function of this name, as far as a name was recorded."""
    if not name or (name.startswith("<") and name != "<module>"):
        return True
    if name == "<module>":
        return source.function(call) is None
    around = [a for a in source.above(call) if isinstance(a, cst.FunctionDef | cst.ClassDef)]
    return name in [one.name.value for one in around]


def chain_end(source: Source, call: cst.Call) -> cst.Call:
    """The last call of the chain that this one stands in."""
    node: cst.CSTNode = call
    for parent in source.above(call):
        if isinstance(parent, cst.Attribute) and parent.value is node:
            node = parent
        elif isinstance(parent, cst.Call) and parent.func is node:
            node = call = parent
        else:
            break
    return call


def last_of(source: Source, call: cst.Call, method: str) -> cst.Call | None:
    """The call of the method that is this one, or stands behind it in its chain."""
    for one in chain(chain_end(source, call)):
        if method_of(one) == method:
            return one
        if one is call:
            break
    return None


def ends(made: Plan, setting: Setting, method: str, done: Done | None = None) -> list[Fed]:
    """The expressions that end the pipeline.

    Without `done` it is as wanted where a call of the method is there. Raises Refused.
    """
    if setting.site is None:
        found = fed(made.sources, method)
        if isinstance(found, str):
            raise Refused(found)
        return found
    own = stage_method(setting.stage)
    there = done or (lambda source, call: last_of(source, call, method) is not None)
    source, call = call_at(made, setting, [own] if own else [], there)
    if not own:
        call = chain_end(source, call)
    return [Fed(source, call, last_of(source, call, method))]
