"""A file of the user's source as a tree, with the questions that checks ask of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, ParentNodeProvider, PositionProvider

from gputune.schema.secrets import redact
from gputune.schema.site import Site

_LONGEST = 300
"""So much of a line a site holds; see `inject/sites`."""
UNKNOWN: Any = object()
"""The value of an expression that only the running script knows."""


class Unreadable(ValueError):
    """A file that is no Python of a version that can be parsed."""


@dataclass(eq=False)
class Source:
    """A parsed file; nodes are compared by identity."""

    path: Path
    module: cst.Module
    positions: dict[cst.CSTNode, CodeRange]
    parents: dict[cst.CSTNode, cst.CSTNode]
    lines: list[str]
    _constants: dict[str, Any] | None = field(default=None)

    def calls(self, *names: str) -> list[cst.Call]:
        """The calls of functions or classes of these last names (`fit`, `EarlyStopping`)."""
        return [
            node
            for node in self.found(cst.Call)
            if isinstance(node, cst.Call) and (not names or last_name(node.func) in names)
        ]

    def found(self, kind: type[cst.CSTNode]) -> list[cst.CSTNode]:
        """All nodes of a kind, in the order of the source."""
        nodes = [node for node in self.positions if isinstance(node, kind)]
        return sorted(
            nodes, key=lambda n: (self.positions[n].start.line, self.positions[n].start.column)
        )

    def value(self, node: cst.CSTNode | None) -> Any:
        """What a literal is, or a name that the file gives one literal value; else UNKNOWN."""
        if node is None:
            return UNKNOWN
        if isinstance(node, cst.Name) and node.value in self.constants:
            return self.constants[node.value]
        try:
            return ast.literal_eval(self.module.code_for_node(node).strip())
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return UNKNOWN

    @property
    def constants(self) -> dict[str, Any]:
        """The names that the file assigns once, to a literal, by name."""
        if self._constants is None:
            self._constants = _constants(self)
        return self._constants

    def above(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """The nodes around this one, innermost first."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def site(self, node: cst.CSTNode) -> Site:
        """Where the node begins; of a method's call, where Python reports it: its name."""
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
            line = int(self.positions[node.func.attr].start.line)
        else:
            line = int(self.positions[node].start.line)
        text = self.lines[line - 1].strip()[:_LONGEST] if line <= len(self.lines) else ""
        return Site(file=str(self.path.absolute()), line=line, code=redact(text))


def parse(path: Path) -> Source:
    """Parse a file; raises OSError where it cannot be read, Unreadable where it is no Python."""
    data = path.read_bytes()
    try:
        wrapper = MetadataWrapper(cst.parse_module(data))
        positions = wrapper.resolve(PositionProvider)
        parents = wrapper.resolve(ParentNodeProvider)
    except (cst.ParserSyntaxError, UnicodeDecodeError, LookupError, RecursionError) as error:
        raise Unreadable(f"{path} cannot be parsed: {type(error).__name__}") from error
    return Source(
        path=path,
        module=wrapper.module,
        positions={node: place for node, place in positions.items()},
        parents={node: parent for node, parent in parents.items()},
        lines=data.decode("utf-8", "replace").splitlines(),
    )


def last_name(node: cst.BaseExpression) -> str:
    """`fit` of `model.fit`, `EarlyStopping` of `keras.callbacks.EarlyStopping`; else empty."""
    if isinstance(node, cst.Attribute):
        return node.attr.value
    return node.value if isinstance(node, cst.Name) else ""


def argument(call: cst.Call, name: str, position: int | None = None) -> cst.BaseExpression | None:
    """The argument of that name, or at that place; None where the call does not have it.

    A call with `*args` or `**kwargs` may have it all the same: ask `is_spread` first.
    """
    for given in call.args:
        if given.keyword is not None and given.keyword.value == name:
            return given.value
    if position is not None and position < len(call.args):
        at = call.args[position]
        if at.keyword is None and not at.star:
            return at.value
    return None


def is_spread(call: cst.Call) -> bool:
    """Whether the call has `*args` or `**kwargs`, so that its arguments are not all seen."""
    return any(given.star for given in call.args)


def _constants(source: Source) -> dict[str, Any]:
    assigned: dict[str, list[Any]] = {}
    for node in source.found(cst.Assign):
        assert isinstance(node, cst.Assign)
        for target in node.targets:
            for name in _names(target.target):
                whole = isinstance(target.target, cst.Name)
                assigned.setdefault(name, []).append(node.value if whole else UNKNOWN)
    for kind in (cst.AugAssign, cst.AnnAssign, cst.For, cst.NamedExpr, cst.CompFor):
        for node in source.found(kind):
            for name in _names(node.target):  # type: ignore[attr-defined]
                value = getattr(node, "value", None) if isinstance(node, cst.AnnAssign) else None
                assigned.setdefault(name, []).append(value or UNKNOWN)
    for node in source.found(cst.Param):
        assigned.setdefault(node.name.value, []).append(UNKNOWN)  # type: ignore[attr-defined]
    found = {}
    for name, values in assigned.items():
        if len(values) == 1 and isinstance(values[0], cst.CSTNode):
            try:
                found[name] = ast.literal_eval(source.module.code_for_node(values[0]).strip())
            except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                continue
    return found


def _names(target: cst.CSTNode) -> Iterator[str]:
    if isinstance(target, cst.Name):
        yield target.value
    elif isinstance(target, cst.Tuple | cst.List):
        for element in target.elements:
            yield from _names(element.value)
