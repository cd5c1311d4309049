"""A file of the user's source as a tree, and the calls in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, ParentNodeProvider, PositionProvider

from gputune.schema.secrets import redact

_LABEL = re.compile(r"\.?(\w+)\((.*)\)", re.DOTALL)


class Unreadable(ValueError):
    """A file that is no Python of a version that can be parsed."""


@dataclass(eq=False)
class Source:
    """A parsed file. Nodes are compared by identity; `positions` and `parents` are by node."""

    path: Path
    before: bytes
    module: cst.Module
    positions: dict[cst.CSTNode, CodeRange]
    parents: dict[cst.CSTNode, cst.CSTNode]
    lines: list[str]
    calls: list[cst.Call] = field(default_factory=list)
    kept: dict[tuple[str, object], Any] = field(default_factory=dict)
    """What has been worked out from the tree, which never changes."""

    def text(self, node: cst.CSTNode) -> str:
        """The node's code."""
        return self.module.code_for_node(node).strip()

    def line(self, node: cst.CSTNode) -> int:
        """The line that Python reports for a call: that of its method's name."""
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
            return int(self.positions[node.func.attr].start.line)
        return int(self.positions[node].start.line)

    def label(self, node: cst.CSTNode) -> str:
        """`train.py:42`."""
        return f"{self.path.name}:{self.line(node)}"

    def above(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """The nodes around this one, innermost first."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def function(self, node: cst.CSTNode) -> cst.FunctionDef | None:
        """The function whose body holds the node."""
        below: cst.CSTNode = node
        for parent in self.above(node):
            if isinstance(parent, cst.FunctionDef) and below is parent.body:
                return parent
            below = parent
        return None

    def statement(self, node: cst.CSTNode) -> cst.SimpleStatementLine | None:
        """The line of statements that holds the node; None for one in the head of a block."""
        for parent in self.above(node):
            if isinstance(parent, cst.SimpleStatementLine):
                return parent
            if isinstance(parent, cst.BaseCompoundStatement | cst.SimpleStatementSuite):
                return None
        return None

    def found(self, kind: type[cst.CSTNode]) -> list[cst.CSTNode]:
        """All nodes of a kind, in the order of the source."""
        key = ("found", kind)
        if key not in self.kept:
            self.kept[key] = sorted(
                (node for node in self.positions if isinstance(node, kind)),
                key=lambda n: (self.positions[n].start.line, self.positions[n].start.column),
            )
        return list(self.kept[key])


def parse(path: Path, before: bytes) -> Source:
    """Parse a file; raises Unreadable."""
    try:
        wrapper = MetadataWrapper(cst.parse_module(before))
        positions = wrapper.resolve(PositionProvider)
        parents = wrapper.resolve(ParentNodeProvider)
        text = before.decode(wrapper.module.encoding, "replace")
    except (
        cst.ParserSyntaxError,
        UnicodeDecodeError,
        LookupError,
        RecursionError,
        ValueError,
    ) as error:
        said = " ".join(str(error).split())[:120]
        raise Unreadable(f"{path.name} cannot be parsed: {said}") from error
    # As Python counts lines, for which a form feed ends none.
    source = Source(
        path, before, wrapper.module, dict(positions), dict(parents), re.split(r"\r\n|\r|\n", text)
    )
    source.calls = [node for node in source.found(cst.Call) if isinstance(node, cst.Call)]
    return source


def method_of(call: cst.CSTNode) -> str:
    """The name of what is called: `map` of `ds.map(f)`, `open` of `open(f)`; else nothing."""
    if isinstance(call, cst.Call):
        if isinstance(call.func, cst.Attribute):
            return call.func.attr.value
        if isinstance(call.func, cst.Name):
            return call.func.value
    return ""


def receiver(call: cst.Call) -> cst.BaseExpression | None:
    """What the method is called on."""
    return call.func.value if isinstance(call.func, cst.Attribute) else None


def chain(call: cst.BaseExpression) -> list[cst.Call]:
    """The calls of one chain that end in this one, the last first."""
    calls: list[cst.Call] = []
    node: cst.BaseExpression | None = call
    while isinstance(node, cst.Call):
        calls.append(node)
        node = receiver(node)
    return calls


def root(call: cst.BaseExpression) -> cst.BaseExpression:
    """What a chain of method calls begins with: a name, or a call of a function."""
    node = call
    while isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
        node = node.func.value
    return node


def argument(call: cst.Call, name: str, place: int | None) -> cst.Arg | None:
    """An argument by its name, or by its place among those without one."""
    for number, arg in enumerate(call.args):
        if arg.keyword is not None and arg.keyword.value == name:
            return arg
        if arg.keyword is None and not arg.star and number == place:
            return arg
    return None


def hides_arguments(call: cst.Call) -> bool:
    """Whether `*args` or `**options` hide which arguments the call has."""
    return any(arg.star for arg in call.args)


def fits_stage(source: Source, call: cst.Call, stage: str) -> bool:
    """Whether a call is the one that a stage's label names: `.map(decode)`."""
    label = _LABEL.fullmatch(stage)
    if label is None:
        return not stage
    if label[1] != method_of(call):
        return False
    given = source.text(call.args[0].value).rpartition(".")[2] if call.args else ""
    named = label[2].isidentifier() and given.isidentifier()
    return not named or redact(given) == label[2]


def stage_method(stage: str) -> str:
    """`map` of `.map(decode)`; nothing where the label is none of a call."""
    label = _LABEL.fullmatch(stage)
    return label[1] if label is not None else ""


def calls_at(source: Source, line: int, methods: Sequence[str], stage: str = "") -> list[cst.Call]:
    """The calls of these methods on a line; where none is, those that reach over it."""
    of_method = [call for call in source.calls if not methods or method_of(call) in methods]
    exact = [call for call in of_method if source.line(call) == line]
    around = [
        call for call in of_method
        if source.positions[call].start.line <= line <= source.positions[call].end.line
    ]  # fmt: skip
    found = exact or around
    fitting = [call for call in found if stage and fits_stage(source, call, stage)]
    return fitting or found
