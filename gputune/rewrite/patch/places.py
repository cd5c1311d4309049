"""Which calls a setting means."""

from __future__ import annotations

import libcst as cst

from gputune.rewrite.patch.fits import Fed, fed
from gputune.rewrite.patch.plan import NOTED, Plan, Refused
from gputune.rewrite.patch.source import (
    Source,
    calls_at,
    chain,
    fits_stage,
    line_now,
    method_of,
    receiver,
    stage_method,
)
from gputune.rewrite.patch.values import has_value
from gputune.schema.config import Setting


def call_at(
    made: Plan, setting: Setting, methods: list[str], value: str = ""
) -> tuple[Source, cst.Call]:
    """The call at the recorded place."""
    site = setting.site
    assert site is not None
    source = made.sources.at(site.file)
    if isinstance(source, str):
        raise Refused(source)
    wanted = [m for m in methods if m == stage_method(setting.stage)] or methods
    line = line_now(source, site.line, site.code)
    if isinstance(line, str):
        # Its line was changed: by this patch, where a call of its kind has the value already.
        for call in source.calls:
            fits = method_of(call) in wanted and (
                not setting.stage or fits_stage(source, call, setting.stage)
            )
            if fits and value and has_value(made, source, call, setting.knob, value):
                return source, call
        raise Refused(line)
    found = calls_at(source, line, wanted, setting.stage)
    if not found:
        names = " or ".join(f".{m}(…)" for m in wanted[:3]) or "call"
        raise Refused(f"no {names} stands at {source.path.name}:{line}")
    if len(found) > 1 and methods:
        raise Refused(
            f"{len(found)} calls of .{method_of(found[0])}(…) stand at {source.path.name}:{line}"
        )
    called = len(site.via)
    if called:
        made.say(
            setting,
            NOTED,
            source.label(found[0]),
            "stands in a function: every caller gets it",
        )
    return source, found[0]


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


def ends(made: Plan, setting: Setting, method: str) -> list[Fed]:
    """The expressions that end the pipeline."""
    if setting.site is None:
        found = fed(made.sources)
        if isinstance(found, str):
            raise Refused(found)
        return found
    own = stage_method(setting.stage)
    source = made.sources.at(setting.site.file)
    there = put_before(source, setting, method) if isinstance(source, Source) else None
    if isinstance(source, Source) and there is not None:
        return [Fed(source, there, there)]
    source, call = call_at(made, setting, [own] if own else [])
    if not own:
        call = chain_end(source, call)
    return [Fed(source, call, last_of(source, call, method))]


def put_before(source: Source, setting: Setting, method: str) -> cst.Call | None:
    """The call that this patch put behind the recorded one before, where its line has changed."""
    site = setting.site
    if site is None or isinstance(line_now(source, site.line, site.code), int):
        return None
    for call in source.calls:
        inner = receiver(call)
        if (
            method_of(call) == method
            and isinstance(inner, cst.Call)
            and setting.stage
            and fits_stage(source, inner, setting.stage)
        ):
            return call
    return None
