"""Changes of a tree, each at a node of the source as it was, made all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import libcst as cst

from gputune.rewrite.patch.source import Source
from gputune.rewrite.patch.tops import import_end


@dataclass
class Changes:
    """What is to be changed in one file. The keys are nodes of the source as it was."""

    replaced: dict[cst.CSTNode, cst.BaseExpression] = field(default_factory=dict)
    arguments: dict[cst.Call, dict[str, str]] = field(default_factory=dict)
    """Arguments to add, as expressions by name."""
    behind: dict[cst.CSTNode, list[str]] = field(default_factory=dict)
    """Calls to put behind an expression: `.cache()`; later ones stand further out."""
    moved: dict[cst.CSTNode, list[cst.Call]] = field(default_factory=dict)
    """Calls that move behind an expression, after those of `behind`."""
    dropped: set[cst.CSTNode] = field(default_factory=set)
    """Calls of a chain that are taken out."""
    removed: set[cst.CSTNode] = field(default_factory=set)
    """Lines of statements that are taken out."""
    before: dict[cst.SimpleStatementLine, list[str]] = field(default_factory=dict)
    """Statements to put before a line."""
    imports: list[str] = field(default_factory=list)
    """Imports that changed expressions need, behind those of TensorFlow."""
    at_top: list[tuple[int, str]] = field(default_factory=list)
    """Statements, and imports of theirs, each before a statement of the module, by its index."""

    @property
    def any(self) -> bool:
        """Whether there is anything to change."""
        return bool(
            self.replaced
            or self.arguments
            or self.behind
            or self.dropped
            or self.before
            or self.at_top
        )


def changed(source: Source, changes: Changes) -> bytes:
    """The file with the changes made: the same bytes where there are none."""
    if not changes.any:
        return source.before
    module = source.module.visit(_Maker(changes))
    assert isinstance(module, cst.Module)
    module = _with_statements(module, source, changes)
    return module.bytes


class _Maker(cst.CSTTransformer):
    def __init__(self, changes: Changes) -> None:
        super().__init__()
        self._changes = changes

    def on_leave(  # type: ignore[override]
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> cst.CSTNode | cst.FlattenSentinel[cst.BaseStatement] | cst.RemovalSentinel:
        node: cst.CSTNode = updated_node
        wanted = self._changes
        if original_node in wanted.removed:
            return cst.RemoveFromParent()
        if original_node in wanted.replaced:
            node = wanted.replaced[original_node]
        if isinstance(node, cst.Call) and isinstance(original_node, cst.Call):
            for name, text in wanted.arguments.get(original_node, {}).items():
                node = _with_argument(node, name, text)
        if original_node in wanted.dropped:
            node = _without_last(node)
        if isinstance(node, cst.BaseExpression):
            for text in wanted.behind.get(original_node, ()):
                node = _with_call(node, text, original_node)
            for call in wanted.moved.get(original_node, ()):
                node = _with_moved(node, call)
        if isinstance(original_node, cst.SimpleStatementLine) and original_node in wanted.before:
            assert isinstance(node, cst.SimpleStatementLine)
            added = [_statement(text) for text in wanted.before[original_node]]
            added[0] = added[0].with_changes(leading_lines=node.leading_lines)
            return cst.FlattenSentinel([*added, node.with_changes(leading_lines=())])
        return node


def _with_argument(call: cst.Call, name: str, text: str) -> cst.Call:
    """Add an argument by its name, in the style in which the call is laid out."""
    added = cst.Arg(
        keyword=cst.Name(name), value=cst.parse_expression(text),
        equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
    )  # fmt: skip
    args = list(call.args)
    if args:
        last = args[-1]
        between: cst.BaseParenthesizableWhitespace = cst.SimpleWhitespace(" ")
        if len(args) > 1 and isinstance(args[-2].comma, cst.Comma):
            between = args[-2].comma.whitespace_after
        elif isinstance(call.whitespace_before_args, cst.ParenthesizedWhitespace):
            between = call.whitespace_before_args
        if isinstance(last.comma, cst.Comma):  # a comma at the end stays at the end
            added = added.with_changes(comma=last.comma)
        else:
            added = added.with_changes(whitespace_after_arg=last.whitespace_after_arg)
        comma = cst.Comma(whitespace_after=between)
        args[-1] = last.with_changes(comma=comma, whitespace_after_arg=cst.SimpleWhitespace(""))
    return call.with_changes(args=[*args, added])


def _without_last(node: cst.CSTNode) -> cst.CSTNode:
    """`ds.map(f)` of `ds.map(f).prefetch(2)`, in the parentheses of the whole."""
    assert isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute)
    inner = node.func.value
    return inner.with_changes(
        lpar=[*node.lpar, *inner.lpar], rpar=[*inner.rpar, *node.rpar]
    )  # fmt: skip


_SIMPLE = (cst.Name, cst.Attribute, cst.Call, cst.Subscript)


def _outside(node: cst.BaseExpression, attribute: str, dot: cst.Dot) -> cst.Attribute:
    """`node.attribute`; what is no name, call or index is put into parentheses first."""
    if not isinstance(node, _SIMPLE) and not node.lpar:
        node = node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return cst.Attribute(value=node, attr=cst.Name(attribute), dot=dot)


def _wrapped(
    node: cst.BaseExpression, attribute: str, args: Sequence[cst.Arg], dot: cst.Dot, call: cst.Call
) -> cst.BaseExpression:
    lpar, rpar = node.lpar, node.rpar
    if isinstance(node, _SIMPLE):
        # A chain's parentheses are around all of it: the new call belongs inside.
        bare = node.with_changes(lpar=(), rpar=())
        func = _outside(bare, attribute, dot)
        return call.with_changes(func=func, args=args, lpar=lpar, rpar=rpar)
    return call.with_changes(func=_outside(node, attribute, dot), args=args, lpar=(), rpar=())


def _dot_of(node: cst.CSTNode) -> cst.Dot:
    """The dot of a chain's last call: one that begins a line makes the next one begin a line."""
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
        before = node.func.dot.whitespace_before
        if isinstance(before, cst.ParenthesizedWhitespace):
            # Without the comments that stand before it.
            clean = before.with_changes(
                first_line=before.first_line.with_changes(
                    comment=None, whitespace=cst.SimpleWhitespace("")
                ),
                empty_lines=(),
            )
            return node.func.dot.with_changes(whitespace_before=clean)
        return node.func.dot
    return cst.Dot()


def _with_call(node: cst.BaseExpression, text: str, original: cst.CSTNode) -> cst.BaseExpression:
    made = cst.parse_expression(f"_{text}")
    assert isinstance(made, cst.Call) and isinstance(made.func, cst.Attribute)
    return _wrapped(node, made.func.attr.value, made.args, _dot_of(original), made)


def _with_moved(node: cst.BaseExpression, call: cst.Call) -> cst.BaseExpression:
    assert isinstance(call.func, cst.Attribute)
    bare = call.with_changes(lpar=(), rpar=())
    return _wrapped(node, call.func.attr.value, call.args, call.func.dot, bare)


def _statement(text: str) -> cst.BaseStatement:
    return cst.parse_statement(text)


def _with_statements(module: cst.Module, source: Source, changes: Changes) -> cst.Module:
    """The statements at the top of the file, and the imports that they and others need."""
    by_place: dict[int, list[str]] = {}
    if changes.imports:
        by_place[import_end(source.module)] = list(changes.imports)
    for place, text in changes.at_top:
        by_place.setdefault(place, []).append(text)
    body = list(module.body)
    # Lines that `before` has added stand below: no statement with a fit is above the imports.
    for place, texts in sorted(by_place.items(), reverse=True):
        imports = [text for text in dict.fromkeys(texts) if _is_import_text(text)]
        others = [text for text in texts if not _is_import_text(text)]
        added: list[cst.SimpleStatementLine | cst.BaseCompoundStatement]
        added = [cst.parse_statement(text) for text in (*imports, *others)]
        if others:
            first = len(imports)
            added[first] = added[first].with_changes(leading_lines=[cst.EmptyLine(indent=False)])
        body[place:place] = added
    return module.with_changes(body=body)


def _is_import_text(text: str) -> bool:
    return text.startswith(("import ", "from "))
