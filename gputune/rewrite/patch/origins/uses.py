"""What else uses a constant, and would change with it."""

from __future__ import annotations

import libcst as cst

from gputune.rewrite.patch.origins.quest import Quest, string
from gputune.rewrite.patch.origins.scopes import (
    IMPORTED,
    Binding,
    loads,
    meant,
    named_in,
    of_module,
    targets,
)
from gputune.rewrite.patch.origins.things import thing
from gputune.rewrite.patch.source import Source, method_of

_SHOWS = ("print", "info", "debug", "warning", "log", "write", "format")


def others(quest: Quest, source: Source, node: cst.BaseExpression) -> bool:
    """Whether something else than this use reads the same name, attribute or key.

    What only shows the value, in a print or a log, does not count.
    """
    if isinstance(node, cst.Name):
        return any(use is not node for use in _of_name(quest, source, node))
    if isinstance(node, cst.Attribute):
        return _same_attribute(quest, source, node)
    return isinstance(node, cst.Subscript) and _same_key(quest, source, node)


def set_together(source: Source, node: cst.BaseExpression) -> bool:
    """Whether the name is given its value together with another one: `a = b = 1`."""
    if not isinstance(node, cst.Name):
        return False
    found = meant(source, node)
    return len(found) == 1 and targets(source, found[0].of) > 1


def _of_name(quest: Quest, source: Source, node: cst.Name) -> list[cst.CSTNode]:
    found = meant(source, node)
    if not found:
        return []
    if found[0].kind == IMPORTED:
        home = quest.sources.imported(source, node.value)
        if home is not None:
            return _of_module(quest, *home)
    if found[0].scope is None:
        return _of_module(quest, source, node.value)
    return _in_file(source, node.value, found)


def _in_file(source: Source, name: str, found: list[Binding]) -> list[cst.CSTNode]:
    ours = {id(one.node) for one in found}
    return [
        use for use in loads(source, name)
        if any(id(one.node) in ours for one in meant(source, use)) and not _is_shown(source, use)
    ]  # fmt: skip


def _of_module(quest: Quest, home: Source, name: str) -> list[cst.CSTNode]:
    used = _in_file(home, name, of_module(home, name))
    for where in quest.own():
        if where is home:
            continue
        elsewhere = named_in(quest.sources, where, home, name)
        used += [use for use in elsewhere if not _is_shown(where, use)]
    return list(dict.fromkeys(used))


def _same_attribute(quest: Quest, source: Source, node: cst.Attribute) -> bool:
    base = thing(quest, source, node.value)
    if base is None:
        return False
    if base.kind == "module":
        return any(use is not node for use in _of_module(quest, base.source, node.attr.value))
    for where in quest.own():
        for other in where.found(cst.Attribute):
            assert isinstance(other, cst.Attribute)
            if (
                other is not node
                and other.attr.value == node.attr.value
                and not _is_shown(where, other)
                and (there := thing(quest, where, other.value)) is not None
                and there.kind == base.kind
                and (there.node is base.node or base.kind == "options")
            ):
                return True
    return False


def _same_key(quest: Quest, source: Source, node: cst.Subscript) -> bool:
    base, key = thing(quest, source, node.value), _key(node)
    for where in quest.own():
        for other in where.found(cst.Subscript):
            assert isinstance(other, cst.Subscript)
            if (
                other is not node
                and _key(other) == key
                and not _is_shown(where, other)
                and base is not None
                and (there := thing(quest, where, other.value)) is not None
                and there.node is base.node
            ):
                return True
    return False


def _key(node: cst.Subscript) -> str | None:
    index = node.slice[0].slice if len(node.slice) == 1 else None
    return string(index.value) if isinstance(index, cst.Index) else None


def _is_shown(source: Source, node: cst.CSTNode) -> bool:
    for parent in source.above(node):
        if isinstance(parent, cst.FormattedStringExpression):
            return True
        if isinstance(parent, cst.Call):
            return method_of(parent) in _SHOWS
        if isinstance(parent, cst.BaseStatement):
            return False
    return False
