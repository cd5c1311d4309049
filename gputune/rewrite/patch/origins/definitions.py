"""The functions and classes of the script's own that expressions name."""

from __future__ import annotations

import libcst as cst

from gputune.rewrite.patch.origins.quest import At, Quest
from gputune.rewrite.patch.origins.scopes import (
    CLASS,
    FUNCTION,
    IMPORTED,
    meant,
    of_module,
)
from gputune.rewrite.patch.source import Source, argument, method_of


def defined(
    quest: Quest, source: Source, node: cst.BaseExpression
) -> tuple[Source, cst.FunctionDef | cst.ClassDef] | None:
    """The function or class of one's own that an expression names."""
    where, found = source, []
    if isinstance(node, cst.Name):
        found = meant(source, node)
        if len(found) == 1 and found[0].kind == IMPORTED:
            there = quest.sources.imported(source, node.value)
            if there is None:
                return None
            where, found = there[0], of_module(*there)
    elif isinstance(node, cst.Attribute) and isinstance(node.value, cst.Name):
        module = quest.sources.module(source, node.value.value)
        if module is not None:
            where, found = module, of_module(module, node.attr.value)
    if len(found) == 1 and found[0].kind in (FUNCTION, CLASS):
        of = found[0].of
        assert isinstance(of, cst.FunctionDef | cst.ClassDef)
        return where, of
    return None


def word(node: cst.BaseExpression) -> str:
    """`dataclass` of `@dataclasses.dataclass(frozen=True)`."""
    if isinstance(node, cst.Call):
        return method_of(node)
    if isinstance(node, cst.Attribute):
        return node.attr.value
    return node.value if isinstance(node, cst.Name) else ""


def returned(quest: Quest, source: Source, call: cst.Call) -> At | None:
    """What a function of one's own returns, where it has one plain `return`."""
    made = defined(quest, source, call.func)
    if made is None:
        return None
    where, function = made
    if not isinstance(function, cst.FunctionDef):
        return None
    if function.decorators or function.asynchronous is not None:
        return None
    inside = [
        node for node in where.found(cst.Return) if where.function(node) is function
    ]  # fmt: skip
    yields = [node for node in where.found(cst.Yield) if where.function(node) is function]
    only = inside[0] if len(inside) == 1 else None
    if yields or not isinstance(only, cst.Return) or only.value is None:
        return None
    return At(where, only.value)


def dataclass_factory(call: cst.Call) -> cst.BaseExpression | None:
    """What makes the default of `field(default_factory=…)`."""
    given = argument(call, "default_factory", None) if method_of(call) == "field" else None
    return given.value if given is not None else None
