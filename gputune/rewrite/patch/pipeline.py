"""Calls that are put into the pipeline, or taken out of it."""

from __future__ import annotations

import libcst as cst

from gputune.knobs.knob import InsertCall
from gputune.knobs.moving import MAY_STAY, OPENS, CannotMove, moving
from gputune.rewrite.call import METHODS
from gputune.rewrite.expressions import expression
from gputune.rewrite.patch.feeds import Fed
from gputune.rewrite.patch.names import spelled
from gputune.rewrite.patch.places import call_at, chain_end, ends, last_of
from gputune.rewrite.patch.plan import ALREADY, MADE, Plan, Refused
from gputune.rewrite.patch.recorded import stands_alone, texts_of, was_taken_out
from gputune.rewrite.patch.source import (
    Source,
    chain,
    method_of,
    stage_method,
)
from gputune.rewrite.patch.upstream import (
    Upstream,
    inside,
    is_method,
    later,
    names_bound,
    names_in,
    strays,
    upstream,
)
from gputune.rewrite.patch.values import has_value, set_argument
from gputune.schema.config import Setting


def insert_call(made: Plan, setting: Setting, edit: InsertCall) -> None:
    """Put a call into the pipeline, or take it out; raises Refused."""
    if _is_gone(made, setting, edit):
        return
    if edit.place == "last":

        def done(source: Source, call: cst.Call) -> bool:
            end = Fed(source, call, last_of(source, call, edit.method))
            return _has_depth(made, setting, edit, end)

        for end in ends(made, setting, edit.method, done):
            _insert_last(made, setting, edit, end)
    else:
        _insert_behind(made, setting, edit)


def _is_gone(made: Plan, setting: Setting, edit: InsertCall) -> bool:
    """Whether the recorded call, which is to be taken out, is no longer there."""
    site = setting.site
    if setting.value != edit.absent or site is None or stage_method(setting.stage) != edit.method:
        return False
    source = made.sources.at(site.file)
    if isinstance(source, str) or not site.code:
        return False
    places = [n for n, text in enumerate(texts_of(source), 1) if text == site.code]
    if stands_alone(site.code) and len(places) > 1:
        raise Refused(f"«{site.code[:80]}» stands in several lines: take out the one that is meant")
    gone = not places if stands_alone(site.code) else was_taken_out(source, site, edit.method)
    if gone:
        what = f"no «{site.code[:80]}» stands in it any more"
        made.say(setting, ALREADY, source.path.name, what)
    return gone


def _has_depth(made: Plan, setting: Setting, edit: InsertCall, end: Fed) -> bool:
    """Whether the pipeline's end is as the setting wants it."""
    if setting.value == edit.absent:
        return end.present is None
    if setting.value == edit.to_device:
        return _to_device(end)
    value = expression(setting.knob, setting.value)
    return (
        end.present is not None
        and value is not None
        and has_value(made, end.source, end.present, setting.knob, value)
    )


def _to_device(end: Fed) -> bool:
    over = end.source.parents.get(end.node)
    call = end.source.parents.get(over) if over is not None else None
    return any(
        isinstance(one, cst.Call)
        and method_of(one) == "apply"
        and any("prefetch_to_device" in end.source.text(arg) for arg in one.args)
        for one in (end.node, call)
    )


def _insert_last(made: Plan, setting: Setting, edit: InsertCall, end: Fed) -> None:
    where = end.source.label(end.node)
    if setting.value == edit.absent:
        if end.hidden and setting.was != edit.absent:
            raise Refused(f"{end.hidden} may be what is meant: take it out by hand", where)
        if end.present is None:
            made.say(setting, ALREADY, where, f"no .{edit.method}(…) stands there")
        else:
            made.of(end.source).dropped.add(end.present)
            made.say(setting, MADE, end.source.label(end.present), f".{edit.method}(…) taken out")
        return
    if setting.value == edit.to_device:
        if _to_device(end):
            made.say(setting, ALREADY, where, "it ends in a prefetch to the device")
            return
        text = f".apply({spelled(end.source, 'tf.data', made.of(end.source).imports, end.node)}" + (
            '.experimental.prefetch_to_device("GPU:0"))'
        )
        if end.present is not None or "prefetch_to_device" in end.source.text(end.node):
            raise Refused(
                "it ends in a prefetch already: take that out, and give it " + text, where
            )
    else:
        value = expression(setting.knob, setting.value)
        if value is None:
            raise Refused(f"{setting.value} is no depth", where)
        if end.present is not None:
            place = METHODS[setting.knob][edit.method]
            set_argument(made, setting, end.source, end.present, edit.argument, place, value)
            return
        value = spelled(end.source, value, made.of(end.source).imports, end.node)
        text = f".{edit.method}({value})"
    made.of(end.source).behind.setdefault(end.node, []).append(text)
    made.say(setting, MADE, where, f"{text} put at the end")


def _insert_behind(made: Plan, setting: Setting, edit: InsertCall) -> None:
    """A cache, behind the recorded call."""
    if setting.site is None:
        raise Refused("where it belongs is not recorded: take the configuration of a profile")
    own = stage_method(setting.stage)

    def present(source: Source, call: cst.Call) -> list[cst.Call]:
        calls = (*chain(chain_end(source, call)), *later(source, call))
        return [one for one in calls if method_of(one) == edit.method]

    source, call = call_at(
        made, setting, [own] if own else [],
        lambda source, call: bool(present(source, call)) is (setting.value != edit.absent),
    )  # fmt: skip
    if not own:
        call = chain_end(source, call)
    where = source.label(call)
    there = present(source, call)
    if setting.value == edit.absent:
        for one in there:
            made.of(source).dropped.add(one)
            made.say(setting, MADE, source.label(one), f".{edit.method}(…) taken out")
        others = [
            (source, one) for source in made.sources.own() for one in source.calls
            if is_method(source, one, (edit.method,))
        ]  # fmt: skip
        if others and not there and setting.was != edit.absent:
            at = others[0][0].label(others[0][1])
            raise Refused(f".{edit.method}(…) at {at} may be what is meant: take it out by hand")
        if not there:
            made.say(setting, ALREADY, where, f"no .{edit.method}(…) stands there")
        return
    if there:
        made.say(setting, ALREADY, source.label(there[0]), f"there is a .{edit.method}(…)")
        return
    steps, moved = _moving(made, source, call, edit)
    path = dict(edit.words).get(setting.value, setting.value)
    text = f".{edit.method}({path!r})" if path else f".{edit.method}()"
    changes = made.of(source)
    changes.behind.setdefault(call, []).append(text)
    made.say(setting, MADE, where, f"{text} put behind .{method_of(call)}(…)")
    for step, one in steps:
        changes.removed.add(step)
        changes.moved.setdefault(call, []).append(one)
        made.say(setting, MADE, source.label(one), f".{method_of(one)}(…) moved behind the cache")
    for one in moved:
        changes.dropped.add(one)
        changes.moved.setdefault(call, []).append(one)
        made.say(setting, MADE, source.label(one), f".{method_of(one)}(…) moved behind the cache")


_Steps = list[tuple[cst.SimpleStatementLine, cst.Call]]


def _moving(
    made: Plan, source: Source, call: cst.Call, edit: InsertCall
) -> tuple[_Steps, list[cst.Call]]:
    """What moves behind the cache, in its order: statements of their own, and calls of this chain.

    Raises Refused, also where something that has to move may stand above without being known.
    """
    where = source.label(call)
    above = upstream(source, call)
    own = set(chain(call))
    try:
        indices = moving([method_of(one) for one in above.calls], edit.moves, edit.method)
    except CannotMove as error:
        raise Refused(str(error), where) from error
    opened = any(method_of(one) in OPENS for one in above.calls)
    methods = tuple(m for m in edit.moves if not (opened and m == MAY_STAY))
    steps: _Steps = []
    for one in (above.calls[i] for i in indices):
        if one not in own:
            steps.append((_step(source, above, one, edit, where), one))
    within = inside(source, above.calls, edit.moves)
    if within is not None:
        raise Refused(
            f".{method_of(within)}(…) stands in what the calls above the cache are given "
            f"({source.label(within)}), and would be frozen in it",
            where,
        )
    if above.unknown or above.looped:
        begins = above.unknown or source.text(above.begins)[:40]
        for there, one in strays(made.sources, source, call, above.calls, methods):
            raise Refused(
                f"it comes from «{begins}», which is not followed, and .{method_of(one)}(…) "
                f"at {there.label(one)} may stand above the cache, which would freeze its order",
                where,
            )
    return steps, [above.calls[i] for i in indices if above.calls[i] in own]


def _step(
    source: Source, above: Upstream, one: cst.Call, edit: InsertCall, where: str
) -> cst.SimpleStatementLine:
    """The line of a call that moves; raises Refused where it has to stay."""
    step = above.steps.get(one)
    if step is None:
        raise Refused(_frozen(source, one), where)
    given = {name for arg in one.args for name in names_in(arg)}
    for other in above.between.get(one, ()):
        if names_bound(other) & given or other in above.used.get(one, ()):
            raise Refused(
                f".{method_of(one)}(…) at {source.label(one)} stands above it, and cannot move "
                f"behind .{edit.method}: {source.label(other)} is in between",
                where,
            )
    return step


def _frozen(source: Source, one: cst.Call) -> str:
    return (
        f".{method_of(one)}(…) above the cache would be frozen in it, and stands in another "
        f"statement ({source.label(one)}): move it behind, then apply again"
    )
