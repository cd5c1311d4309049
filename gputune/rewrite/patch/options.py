"""The options that a pipeline has already: `tf.data.Options`, given by `with_options`."""

from __future__ import annotations

import libcst as cst

from gputune.rewrite.patch.feeds import Fed
from gputune.rewrite.patch.origins.quest import Quest
from gputune.rewrite.patch.origins.scopes import ASSIGNED, meant, stores
from gputune.rewrite.patch.origins.things import resolved
from gputune.rewrite.patch.places import chain_end
from gputune.rewrite.patch.plan import Plan
from gputune.rewrite.patch.source import Source, argument, chain, method_of


def option_of(made: Plan, end: Fed, option: str) -> cst.BaseExpression | None:
    """The value that the pipeline's own options give this option, in one line that always runs."""
    for call in _given(made, end):
        options = argument(call, "options", 0)
        if options is not None and isinstance(options.value, cst.Name):
            value = _set(end.source, options.value, option)
            if value is not None:
                return value
    return None


def _given(made: Plan, end: Fed) -> list[cst.Call]:
    """The calls of `with_options` in the pipeline's last chain, the last first."""
    source, node = end.source, end.node
    last = chain(chain_end(source, node)) if isinstance(node, cst.Call) else []
    begins = last[-1].func if last else node
    if isinstance(begins, cst.Attribute):
        begins = begins.value
    if isinstance(begins, cst.Name) and len(meant(source, begins)) == 1:
        found = resolved(Quest(made.sources, "it"), source, begins)
        if found is not None and found[1].source is source:
            last += chain(found[1].node)
    return [call for call in last if method_of(call) == "with_options"]


def _set(source: Source, name: cst.Name, option: str) -> cst.BaseExpression | None:
    made_in = _made(source, name)
    if made_in is None:
        return None
    ours = [
        node for node in stores(source, cst.Attribute)
        if source.text(node) == f"{name.value}.{option}"
        and (first := _first(node)) is not None
        and (line := source.statement(node)) is not None
        # In a line that always runs where the options are made.
        and source.parents.get(line) is source.parents.get(made_in)
        and _made(source, first) is made_in
    ]  # fmt: skip
    if len(ours) != 1:
        return None
    assign = source.parents.get(source.parents[ours[0]])
    if not isinstance(assign, cst.Assign) or len(assign.targets) != 1:
        return None
    return assign.value


def _made(source: Source, name: cst.Name) -> cst.SimpleStatementLine | None:
    """The line `o = tf.data.Options()` that a use of the name sees.

    Where there are several, those of the use's own block: each is followed by its uses.
    """
    found = meant(source, name)
    if any(one.kind != ASSIGNED or method_of(one.of) != "Options" for one in found):
        return None
    lines = [line for one in found if (line := source.statement(one.node)) is not None]
    if len(lines) < 2 or len(lines) != len(found):
        return lines[0] if len(lines) == len(found) == 1 else None
    used = source.statement(name)
    if used is None:
        return None
    block = source.parents.get(used)
    above = [
        line for line in lines
        if source.parents.get(line) is block
        and source.positions[line].start.line < source.positions[used].start.line
    ]  # fmt: skip
    elsewhere = [line for line in lines if source.parents.get(line) is not block]
    return None if elsewhere or not above else above[-1]


def _first(node: cst.BaseExpression) -> cst.Name | None:
    while isinstance(node, cst.Attribute):
        node = node.value
    return node if isinstance(node, cst.Name) else None
