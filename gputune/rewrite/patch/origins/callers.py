"""What a parameter of a function is given: by the calls of it, or by its default."""

from __future__ import annotations

import libcst as cst

from gputune.rewrite.patch.origins.command_line import click_option, of_option
from gputune.rewrite.patch.origins.definitions import word
from gputune.rewrite.patch.origins.quest import At, Origin, Quest, ThingOf, Unknown
from gputune.rewrite.patch.origins.scopes import (
    IMPORTED,
    loads,
    meant,
    named_in,
    scope_of,
)
from gputune.rewrite.patch.source import Source, argument, method_of, receiver

_HARMLESS = ("staticmethod", "classmethod", "function", "cache", "lru_cache", "wraps")
"""Decorators that hand the arguments on as they are."""


def given(
    quest: Quest, source: Source, function: cst.FunctionDef, parameter: cst.Param, thing_of: ThingOf
) -> list[At] | Origin | Unknown:
    """Where a parameter's value comes from: one place, or one for each call."""
    name, called = parameter.name.value, function.name.value
    option = click_option(function, name)
    if option is not None:
        return of_option(quest, source, option)
    for decorator in function.decorators:
        if word(decorator.decorator) not in _HARMLESS:
            text = source.text(decorator.decorator)[:60]
            return Unknown(f"@{text} stands over {called}(…): what gives it {name} cannot be told")
    owner = scope_of(source, function)
    if isinstance(owner, cst.ClassDef):
        found = _of_method(quest, source, owner, function, thing_of)
        if called == "__init__":
            called = owner.name.value
    else:
        found = _of_function(quest, source, function)
    if isinstance(found, Unknown):
        return found
    place = _place(function, name)
    return _passed(quest, source, function, parameter, called, [
        (at, call, argument(call, name, None if place is None else place + shift))
        for at, call, shift in found
    ])  # fmt: skip


def _passed(
    quest: Quest, source: Source, function: cst.FunctionDef, parameter: cst.Param, called: str,
    calls: list[tuple[Source, cst.Call, cst.Arg | None]],
) -> list[At] | Unknown:  # fmt: skip
    name, wanted = parameter.name.value, quest.wanted
    if any(arg.star for _, call, _ in calls for arg in call.args):
        return Unknown(f"{called}(…) is called with * or **: pass {name}={wanted} there")
    if not calls:
        return Unknown(
            f"no call of {called}(…) is found, which {source.label(function)} defines: "
            f"pass it {name}={wanted}"
        )
    passed = [At(at, arg.value) for at, _, arg in calls if arg is not None]
    if len(passed) == len(calls):
        return passed
    if not passed and parameter.default is not None:
        return [At(source, parameter.default)]
    some = ", ".join(at.label(call) for at, call, arg in calls if arg is not None)
    others = ", ".join(at.label(call) for at, call, arg in calls if arg is None)
    return Unknown(
        f"some calls of {called}(…) pass {name} ({some}), others do not ({others}): "
        f"pass {wanted} where it is meant"
    )


def _place(function: cst.FunctionDef, name: str) -> int | None:
    params = [p.name.value for p in (*function.params.posonly_params, *function.params.params)]
    place = params.index(name) if name in params else None
    if place is not None and params[0] in ("self", "cls"):
        place -= 1
    return place


_Calls = list[tuple[Source, cst.Call, int]]
"""Calls with their files, and by how many arguments theirs are shifted."""


def _of_function(quest: Quest, source: Source, function: cst.FunctionDef) -> _Calls | Unknown:
    name = function.name.value
    found: _Calls = []
    for where in quest.own():
        for node in _references(quest, where, source, function):
            parent = where.parents.get(node)
            if isinstance(parent, cst.Call) and parent.func is node:
                found.append((where, parent, 0))
            else:
                return Unknown(
                    f"{name} is handed on at {where.label(node)}: what calls it there decides"
                )
    return found


def _references(
    quest: Quest, where: Source, source: Source, function: cst.FunctionDef
) -> list[cst.BaseExpression]:
    """The expressions of a file that mean this function."""
    name = function.name.value
    found: list[cst.BaseExpression] = []
    if where is source:
        found += [n for n in loads(where, name) if any(b.of is function for b in meant(where, n))]
        return found
    if scope_of(source, function) is not None:
        return []
    found += named_in(quest.sources, where, source, name)
    return list(dict.fromkeys(found))


def _of_method(
    quest: Quest, source: Source, owner: cst.ClassDef, function: cst.FunctionDef,
    thing_of: ThingOf,
) -> _Calls | Unknown:  # fmt: skip
    name = function.name.value
    for where in quest.own():
        for other in where.found(cst.ClassDef):
            assert isinstance(other, cst.ClassDef)
            if owner.name.value in [word(base.value) for base in other.bases]:
                return Unknown(
                    f"{other.name.value} is a subclass of {owner.name.value} "
                    f"({where.label(other)}): which of them is meant cannot be told"
                )
    found: _Calls = []
    for where in quest.own():
        for call in where.calls:
            if name == "__init__":
                made = thing_of(quest, where, call.func)
                if made is not None and made.kind == "class" and made.node is owner:
                    found.append((where, call, 0))
                continue
            on = receiver(call)
            if method_of(call) != name or on is None or _is_foreign(quest, where, on):
                continue
            thing = thing_of(quest, where, on)
            if thing is None:
                return Unknown(
                    f"whether {where.label(call)} calls {name}(…) of {owner.name.value} "
                    "cannot be told"
                )
            if thing.node is owner:
                params = function.params.params
                unbound = thing.kind == "class" and bool(params) and params[0].name.value == "self"
                found.append((where, call, int(unbound)))
    return found


def _is_foreign(quest: Quest, source: Source, node: cst.BaseExpression) -> bool:
    """Whether an expression is a module or a function that is imported from elsewhere: `np`."""
    while isinstance(node, cst.Attribute):
        node = node.value
    if not isinstance(node, cst.Name):
        return False
    found = meant(source, node)
    return (
        bool(found)
        and all(one.kind == IMPORTED for one in found)
        and quest.sources.module(source, node.value) is None
        and quest.sources.imported(source, node.value) is None
    )
