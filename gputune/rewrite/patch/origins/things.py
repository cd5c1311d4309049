"""What an expression comes from: step by step, to a value or to a thing that has attributes."""

from __future__ import annotations

import libcst as cst

from gputune.rewrite.patch.origins.attributes import of_attribute, of_key
from gputune.rewrite.patch.origins.callers import given
from gputune.rewrite.patch.origins.definitions import dataclass_factory, defined, returned
from gputune.rewrite.patch.origins.quest import At, Origin, Quest, Thing, Unknown, is_value, string
from gputune.rewrite.patch.origins.scopes import (
    ASSIGNED,
    IMPORTED,
    PARAMETER,
    Binding,
    meant,
    of_module,
    scope_of,
)
from gputune.rewrite.patch.source import Source, method_of

Step = list[At] | Origin | Unknown | None
"""Where a value comes from: one place, or one for each call; None where that is not known."""


def step(quest: Quest, source: Source, node: cst.BaseExpression) -> Step:
    """Where the value of a name, an attribute or a subscript comes from."""
    if quest.ended:
        return None
    if isinstance(node, cst.Name):
        return _of_name(quest, source, node)
    if isinstance(node, cst.Attribute):
        base = thing(quest.deeper(), source, node.value)
        return None if base is None else of_attribute(quest, base, node.attr.value, thing)
    if isinstance(node, cst.Subscript):
        index = node.slice[0].slice if len(node.slice) == 1 else None
        key = string(index.value) if isinstance(index, cst.Index) else None
        base = thing(quest.deeper(), source, node.value) if key is not None else None
        if key is None or base is None or base.kind != "mapping":
            return None
        return of_key(quest, base, key, thing)
    return None


def _of_name(quest: Quest, source: Source, node: cst.Name) -> Step:
    found = meant(source, node)
    where = source
    if len(found) == 1 and found[0].kind == IMPORTED:
        there = quest.sources.imported(source, node.value)
        if there is None:
            return None
        where, name = there
        found = of_module(where, name)
        if len(found) == 1 and found[0].kind == IMPORTED:
            return [At(where, found[0].node)] if isinstance(found[0].node, cst.Name) else None
    if not found:
        return None
    if len(found) > 1:
        name = found[0].node.value
        return Unknown(
            f"{name} is set {len(found)} times in {where.path.name}: set it to {quest.wanted}"
        )
    return _of_binding(quest, where, found[0])


def _of_binding(quest: Quest, source: Source, one: Binding) -> Step:
    if one.kind == ASSIGNED:
        assert isinstance(one.of, cst.BaseExpression)
        if one.scope is None:
            for other in source.found(cst.ImportFrom):
                assert isinstance(other, cst.ImportFrom)
                star = isinstance(other.names, cst.ImportStar)
                if star and source.line(other) > source.line(one.node):
                    return Unknown(
                        f"{source.label(other)} imports *, which may set {one.node.value}, too: "
                        f"set it to {quest.wanted}"
                    )
            changed = of_attribute(quest, Thing("module", source, None), one.node.value, thing)
            if isinstance(changed, Unknown):
                return changed
        return [At(source, one.of)]
    if one.kind == PARAMETER:
        assert isinstance(one.of, cst.Param)
        if not isinstance(one.scope, cst.FunctionDef):
            return Unknown(
                f"{one.node.value} is a parameter of a lambda ({source.label(one.node)}): "
                f"pass it {quest.wanted}"
            )
        params = one.scope.params
        if one.of not in (*params.posonly_params, *params.params, *params.kwonly_params):
            return None
        if _is_self(source, one):
            return None
        return given(quest.deeper(), source, one.scope, one.of, thing)
    if one.kind == "other":
        return Unknown(
            f"{one.node.value} is set by no simple assignment ({source.label(one.node)}): "
            f"set it to {quest.wanted}"
        )
    return None


def _is_self(source: Source, one: Binding) -> bool:
    function = one.scope
    assert isinstance(function, cst.FunctionDef)
    first = (*function.params.posonly_params, *function.params.params)[:1]
    return (
        bool(first)
        and first[0] is one.of
        and one.node.value in ("self", "cls")
        and isinstance(scope_of(source, function), cst.ClassDef)
    )


def resolved(quest: Quest, source: Source, node: cst.BaseExpression) -> tuple[Quest, At] | None:
    """Follow an expression, through functions of one's own, too, until nothing more is known.

    None where it comes from several places, or from one that cannot be told.
    """
    at = At(source, node)
    while not quest.ended:
        quest = quest.deeper()
        if isinstance(at.node, cst.Call):
            inner = returned(quest, at.source, at.node)
            if inner is None:
                return quest, at
            at = inner
            continue
        found = step(quest, at.source, at.node)
        if found is None or (isinstance(found, list) and not found):
            return quest, at
        if not isinstance(found, list):
            return None
        if len({id(one.node) for one in found}) > 1:
            return None
        at = found[0]
    return None


def thing(quest: Quest, source: Source, node: cst.BaseExpression) -> Thing | None:
    """The module, class, instance, options or dict that an expression is, where that is sure."""
    if quest.ended or is_value(source, node):
        return None
    search, key = quest.search, id(node)
    if key in search.open:  # it depends on itself
        search.lost = True
        return None
    if key not in search.things:
        search.open.add(key)
        search.things[key] = _thing(quest, source, node)
        search.open.discard(key)
    return search.things[key]


def _thing(quest: Quest, source: Source, node: cst.BaseExpression) -> Thing | None:
    found = resolved(quest, source, node)
    if found is None:
        return None
    quest, at = found
    if isinstance(at.node, cst.Dict):
        return Thing("mapping", at.source, at.node)
    if isinstance(at.node, cst.Call):
        return _of_call(quest, at.source, at.node)
    return _of_definition(quest, at.source, at.node)


def _of_call(quest: Quest, source: Source, call: cst.Call) -> Thing | None:
    if method_of(call) == "parse_args" and isinstance(call.func, cst.Attribute):
        return Thing("options", source, call)
    if isinstance(call.func, cst.Name) and call.func.value == "dict" and not meant(
        source, call.func
    ):  # fmt: skip
        return Thing("mapping", source, call)
    factory = dataclass_factory(call)
    if isinstance(factory, cst.Lambda):
        return thing(quest.deeper(), source, factory.body)
    made = defined(quest, source, call.func if factory is None else factory)
    if made is None or not isinstance(made[1], cst.ClassDef):
        return None
    # What a factory makes is given no argument.
    return Thing("instance", made[0], made[1], At(source, call))


def _of_definition(quest: Quest, source: Source, node: cst.BaseExpression) -> Thing | None:
    made = defined(quest, source, node)
    if made is not None:
        return Thing("class", *made) if isinstance(made[1], cst.ClassDef) else None
    if not isinstance(node, cst.Name):
        return None
    found = meant(source, node)
    if len(found) != 1:
        return None
    if found[0].kind == IMPORTED:
        module = quest.sources.module(source, node.value)
        return Thing("module", module, None) if module is not None else None
    if found[0].kind == PARAMETER and isinstance(found[0].scope, cst.FunctionDef):
        owner = scope_of(source, found[0].scope)
        if isinstance(owner, cst.ClassDef) and _is_self(source, found[0]):
            kind = "class" if node.value == "cls" else "instance"
            return Thing(kind, source, owner)
    return None
