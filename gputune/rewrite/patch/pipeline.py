"""Calls that are put into the pipeline, or taken out of it."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from gputune.knobs.knob import InsertCall
from gputune.knobs.moving import OPENS, CannotMove, moving
from gputune.rewrite.call import METHODS
from gputune.rewrite.expressions import expression
from gputune.rewrite.patch.fits import Fed
from gputune.rewrite.patch.names import spelled
from gputune.rewrite.patch.places import call_at, chain_end, ends, put_before
from gputune.rewrite.patch.plan import ALREADY, MADE, Plan, Refused
from gputune.rewrite.patch.source import (
    Source,
    chain,
    method_of,
    root,
    stage_method,
)
from gputune.rewrite.patch.values import set_argument
from gputune.schema.config import Setting


def insert_call(made: Plan, setting: Setting, edit: InsertCall) -> None:
    """Put a call into the pipeline, or take it out; raises Refused."""
    if edit.place == "last":
        for end in ends(made, setting, edit.method):
            _insert_last(made, setting, edit, end)
    else:
        _insert_behind(made, setting, edit)


def _insert_last(made: Plan, setting: Setting, edit: InsertCall, end: Fed) -> None:
    where = end.source.label(end.node)
    if setting.value == edit.absent:
        if end.present is None:
            made.say(setting, ALREADY, where, f"no .{edit.method}(…) stands there")
        else:
            made.of(end.source).dropped.add(end.present)
            made.say(setting, MADE, end.source.label(end.present), f".{edit.method}(…) taken out")
        return
    if setting.value == edit.to_device:
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
    source = made.sources.at(setting.site.file)
    if isinstance(source, str):
        raise Refused(source)
    there = put_before(source, setting, edit.method)
    if there is not None:
        made.say(setting, ALREADY, source.label(there), "the cache is there")
        return
    source, call = call_at(made, setting, [own] if own else [])
    if not own:
        call = chain_end(source, call)
    where = source.label(call)
    present = [one for one in chain(chain_end(source, call)) if method_of(one) == edit.method]
    if setting.value == edit.absent:
        for one in present:
            made.of(source).dropped.add(one)
            made.say(setting, MADE, source.label(one), f".{edit.method}(…) taken out")
        if not present:
            made.say(setting, ALREADY, where, f"no .{edit.method}(…) stands there")
        return
    if present:
        made.say(setting, ALREADY, source.label(present[0]), f"there is a .{edit.method}(…)")
        return
    steps, moved = _moving(source, call, edit, where)
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
    source: Source, call: cst.Call, edit: InsertCall, where: str
) -> tuple[_Steps, list[cst.Call]]:
    """What moves behind the cache, in its order: statements of their own, and calls of this chain.

    Of the statements above, which may be meant, only those calls count that have to move, and
    those that open files; raises Refused.
    """
    earlier = [
        (one, other)
        for other in sorted(_steps_above(source, call), key=lambda s: source.line(s[0]))
        for one in reversed(other)
        if method_of(one) in (*edit.moves, *OPENS)
    ]
    own = [one for one in reversed(chain(call)[1:]) if one is not root(call)]
    calls = [*(one for one, _ in earlier), *own]
    try:
        indices = moving([method_of(one) for one in calls], edit.moves, edit.method)
    except CannotMove as error:
        raise Refused(str(error), where) from error
    steps: _Steps = []
    for one, other in (earlier[i] for i in indices if i < len(earlier)):
        step = _step(source, other, call)
        if step is None:
            names = " and ".join(f".{m}(…)" for m in edit.moves)
            raise Refused(
                f"{names} above the cache would be frozen in it, and one stands in another "
                f"statement ({source.label(other[0])}): move it behind, then apply again",
                where,
            )
        steps.append((step, one))
    return steps, [calls[i] for i in indices if i >= len(earlier)]


def _step(source: Source, step: list[cst.Call], call: cst.Call) -> cst.SimpleStatementLine | None:
    """The line `ds = ds.shuffle(9)`, alone in it and without a comment, of the call's own block."""
    line, target = source.statement(step[0]), source.parents.get(step[0])
    mine, begins = source.statement(call), root(call)
    if line is None or mine is None or not isinstance(begins, cst.Name) or len(step) > 1:
        return None
    plain = (
        isinstance(target, cst.Assign)
        and [source.text(t.target) for t in target.targets] == [begins.value]
        and source.text(root(step[0])) == begins.value
        and line.body == (target,)
        and source.parents.get(line) is source.parents.get(mine)
        and "#" not in source.text(line)
    )
    return line if plain else None


def _steps_above(source: Source, call: cst.Call) -> Iterator[list[cst.Call]]:
    """The chains before this one that its pipeline may have come through.

    Those of the same variable in the same function above it, and all of a function of the file
    that the chain begins with; without more knowledge all that could be meant.
    """
    begins = root(call)
    function = source.function(call)
    line = source.positions[call].start.line
    own = set(chain(chain_end(source, call)))
    called = ""
    if isinstance(begins, cst.Name):
        called = begins.value
    maker = method_of(begins) if isinstance(begins, cst.Call) else ""
    for other in source.calls:
        if other in own or other is not chain_end(source, other):
            continue
        there = source.function(other)
        if called and there is function and source.positions[other].start.line <= line:
            parent = source.parents.get(other)
            targets = (
                [source.text(t.target) for t in parent.targets]
                if isinstance(parent, cst.Assign) else []
            )  # fmt: skip
            first = root(other)
            if called in targets or (isinstance(first, cst.Name) and first.value == called):
                yield chain(other)
        if maker and there is not None and there.name.value == maker:
            yield chain(other)
