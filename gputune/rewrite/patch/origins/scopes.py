"""Which binding a name means, as Python finds it: in the function, around it, in the module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import libcst as cst

from gputune.rewrite.patch.source import Source
from gputune.rewrite.patch.sources import Sources

_COMPREHENSIONS = (cst.GeneratorExp, cst.ListComp, cst.SetComp, cst.DictComp)
_MATCHES = (cst.MatchAs, cst.MatchStar, cst.MatchMapping)
ASSIGNED, PARAMETER, IMPORTED, FUNCTION, CLASS, OTHER = (
    "assigned", "parameter", "imported", "function", "class", "other",
)  # fmt: skip


@dataclass(frozen=True)
class Binding:
    """One place that gives a name its value; `node` is the name there.

    `of` is the value that is assigned, the parameter, the import, the function or the class;
    `scope` the function, lambda, class or comprehension that has the name, None for the module.
    """

    kind: str
    node: cst.Name
    of: cst.CSTNode
    scope: cst.CSTNode | None


def scope_of(source: Source, node: cst.CSTNode) -> cst.CSTNode | None:
    """The function, lambda, class or comprehension that a node stands in; None for the module."""
    below, iterated = node, False
    for parent in source.above(node):
        if isinstance(parent, cst.FunctionDef | cst.Lambda | cst.ClassDef):
            if below is parent.body:
                return parent
        elif isinstance(parent, _COMPREHENSIONS) and not iterated:
            return parent
        # What the first `for` runs over is evaluated around the comprehension.
        iterated = isinstance(parent, cst.CompFor) and below is parent.iter and isinstance(
            source.parents.get(parent), _COMPREHENSIONS
        )  # fmt: skip
        below = parent
    return None


def meant(source: Source, node: cst.Name) -> list[Binding]:
    """The bindings of the name that this use of it sees; none for one of another file."""
    every = bindings(source, node.value)
    scope, inner = scope_of(source, node), True
    while True:
        if inner or not isinstance(scope, cst.ClassDef):
            here = [one for one in every if one.scope is scope]
            if here or scope is None:
                return here
        scope, inner = scope_of(source, scope), False


def of_module(source: Source, name: str) -> list[Binding]:
    """What gives a name of the module its value, from functions with `global`, too."""
    return [one for one in bindings(source, name) if one.scope is None]


def loads(source: Source, name: str) -> list[cst.Name]:
    """The uses of a name: not what binds it, and no attribute or keyword of that spelling."""
    bound = {id(one.node) for one in bindings(source, name)}
    return [
        node for node in _names(source).get(name, [])
        if id(node) not in bound and not _is_word(source, node)
    ]  # fmt: skip


def named_in(sources: Sources, where: Source, home: Source, name: str) -> list[cst.BaseExpression]:
    """The uses in a file of what another file, `home`, has under a name in its module."""
    found: list[cst.BaseExpression] = []
    for node in where.found(cst.ImportFrom):
        assert isinstance(node, cst.ImportFrom)
        for alias in () if isinstance(node.names, cst.ImportStar) else node.names:
            bound = alias.evaluated_alias or alias.evaluated_name
            there = sources.imported(where, bound)
            if there is not None and there[0] is home and there[1] == name:
                found += loads(where, bound)
    for attribute in where.found(cst.Attribute):
        assert isinstance(attribute, cst.Attribute)
        if (
            attribute.attr.value == name
            and isinstance(attribute.value, cst.Name)
            and sources.module(where, attribute.value.value) is home
        ):
            found.append(attribute)
    return found


def _names(source: Source) -> dict[str, list[cst.Name]]:
    if ("names", None) in source.kept:
        return cast(dict[str, list[cst.Name]], source.kept["names", None])
    found: dict[str, list[cst.Name]] = {}
    for node in source.found(cst.Name):
        assert isinstance(node, cst.Name)
        found.setdefault(node.value, []).append(node)
    source.kept["names", None] = found
    return found


def bindings(source: Source, name: str) -> list[Binding]:
    """All that gives this name a value anywhere in the file."""
    if ("bindings", name) not in source.kept:
        source.kept["bindings", name] = _bindings(source, name)
    return cast(list[Binding], source.kept["bindings", name])


def _bindings(source: Source, name: str) -> list[Binding]:
    nodes = _names(source).get(name, [])
    outer = {
        id(scope_of(source, node)): isinstance(source.parents[above], cst.Global)
        for node in nodes if isinstance(above := source.parents.get(node), cst.NameItem)
    }  # fmt: skip
    found = []
    for node in nodes:
        one = _binding(source, node)
        if one is None:
            continue
        scope = one.scope
        if scope is not None and id(scope) in outer and one.kind != PARAMETER:
            scope = None if outer[id(scope)] else scope_of(source, scope)
        found.append(Binding(one.kind, node, one.of, scope))
    return found


def _binding(source: Source, node: cst.Name) -> Binding | None:
    parent = source.parents.get(node)
    scope = scope_of(source, node)
    if isinstance(parent, cst.Param):
        owner = next(
            (a for a in source.above(parent) if isinstance(a, cst.FunctionDef | cst.Lambda)), None
        )
        return Binding(PARAMETER, node, parent, owner) if parent.name is node else None
    if isinstance(parent, cst.FunctionDef | cst.ClassDef):
        kind = FUNCTION if isinstance(parent, cst.FunctionDef) else CLASS
        return Binding(kind, node, parent, scope) if parent.name is node else None
    if isinstance(parent, cst.ImportAlias | cst.Attribute | cst.AsName):
        alias = next((a for a in source.above(node) if isinstance(a, cst.ImportAlias)), None)
        if alias is not None:
            return _of_import(source, node, alias, scope)
    if isinstance(parent, _MATCHES):
        return Binding(OTHER, node, parent, scope)
    return _of_target(source, node, scope)


def _of_import(
    source: Source, node: cst.Name, alias: cst.ImportAlias, scope: cst.CSTNode | None
) -> Binding | None:
    bound: cst.CSTNode = alias.name
    if alias.asname is not None:
        bound = alias.asname.name
    while isinstance(bound, cst.Attribute):  # `import a.b` binds `a`
        bound = bound.value
    return Binding(IMPORTED, node, alias, scope) if bound is node else None


def _of_target(source: Source, node: cst.Name, scope: cst.CSTNode | None) -> Binding | None:
    top: cst.CSTNode = node
    parent = source.parents[node]
    while isinstance(parent, cst.Tuple | cst.List | cst.Element | cst.StarredElement):
        top, parent = parent, source.parents[parent]
    if isinstance(parent, cst.AssignTarget):
        if top is node:
            assign = source.parents[parent]
            assert isinstance(assign, cst.Assign)
            return Binding(ASSIGNED, node, assign.value, scope)
        return Binding(OTHER, node, parent, scope)
    if isinstance(parent, cst.AnnAssign):
        if parent.target is not top or parent.value is None:
            return None
        return Binding(ASSIGNED, node, parent.value, scope)
    if isinstance(parent, cst.NamedExpr) and parent.target is top:
        while isinstance(scope, _COMPREHENSIONS):
            scope = scope_of(source, scope)
        return Binding(OTHER, node, parent, scope)
    if isinstance(parent, cst.For | cst.AugAssign) and parent.target is top:
        return Binding(OTHER, node, parent, scope)
    if isinstance(parent, cst.CompFor) and parent.target is top:
        # The innermost comprehension, in which the target always stands.
        return Binding(OTHER, node, parent, scope)
    if isinstance(parent, cst.AsName | cst.Del):
        return Binding(OTHER, node, parent, scope)
    return None


def _is_word(source: Source, node: cst.Name) -> bool:
    parent = source.parents.get(node)
    return (
        (isinstance(parent, cst.Attribute) and parent.attr is node)
        or (isinstance(parent, cst.Arg) and parent.keyword is node)
        or isinstance(parent, cst.NameItem | cst.ImportFrom | cst.ImportAlias)
        or any(isinstance(a, cst.Import | cst.ImportFrom) for a in source.above(node))
    )


def targets(source: Source, value: cst.CSTNode) -> int:
    """How many targets an assigned value has: 2 for `a = b = 1`."""
    assign = source.parents.get(value)
    return len(assign.targets) if isinstance(assign, cst.Assign) else 1


def stores(source: Source, kind: type[cst.CSTNode]) -> list[cst.BaseExpression]:
    """The attributes or subscripts that are assigned to, changed or deleted."""
    if ("stores", kind) in source.kept:
        return cast(list[cst.BaseExpression], source.kept["stores", kind])
    found: list[cst.BaseExpression] = []
    for node in source.found(kind):
        assert isinstance(node, cst.BaseExpression)
        top: cst.CSTNode = node
        parent = source.parents[node]
        while isinstance(parent, cst.Tuple | cst.List | cst.Element | cst.StarredElement):
            top, parent = parent, source.parents[parent]
        if (
            isinstance(parent, cst.AssignTarget | cst.Del | cst.AsName)
            or (
                isinstance(parent, cst.AugAssign | cst.AnnAssign | cst.For | cst.CompFor)
                and parent.target is top
            )
        ):  # fmt: skip
            found.append(node)
    source.kept["stores", kind] = found
    return found
