"""Changes of a tree, each at a node of the source as it was, made all at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst

from gputune.rewrite.patch.chains import (
    Link,
    dot_like,
    is_link,
    links_of,
    rebuilt,
    with_comment,
)
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
    module = source.module.visit(_Maker(source, changes))
    assert isinstance(module, cst.Module)
    module = _with_statements(module, source, changes)
    return module.bytes


class _Maker(cst.CSTTransformer):
    def __init__(self, source: Source, changes: Changes) -> None:
        super().__init__()
        self._source = source
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
        if is_link(original_node) and is_link(node):
            assert isinstance(node, cst.Call) and isinstance(original_node, cst.Call)
            if self._ends_chain(original_node):
                node = self._chain(original_node, node)
        elif isinstance(node, cst.BaseExpression):
            for text in wanted.behind.get(original_node, ()):
                node = _with_call(node, text)
        if isinstance(original_node, cst.SimpleStatementLine) and original_node in wanted.before:
            assert isinstance(node, cst.SimpleStatementLine)
            added = [_statement(text) for text in wanted.before[original_node]]
            added[0] = added[0].with_changes(leading_lines=node.leading_lines)
            return cst.FlattenSentinel([*added, node.with_changes(leading_lines=())])
        return node

    def _ends_chain(self, call: cst.Call) -> bool:
        over = self._source.parents.get(call)
        return bool(call.lpar) or not (
            isinstance(over, cst.Attribute)
            and isinstance(outer := self._source.parents.get(over), cst.Call)
            and outer.func is over
        )

    def _chain(self, before: cst.Call, now: cst.Call) -> cst.BaseExpression:
        wanted = self._changes
        links = links_of(before, now)
        if not any(c in wanted.dropped or c in wanted.behind or c in wanted.moved for c in links):
            return now

        def change(call: cst.Call, link: Link) -> list[Link]:
            found = [] if call in wanted.dropped else [link]
            like = dot_like(link.dot)
            found += [Link(_parsed(text), like) for text in wanted.behind.get(call, ())]
            found += [links.get(one) or Link(one, like) for one in wanted.moved.get(call, ())]
            return found

        return rebuilt(before, now, change)


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
            end, before = last.comma.whitespace_after, last.whitespace_after_arg
        else:
            end, before = last.whitespace_after_arg, cst.SimpleWhitespace("")
        between, end = _parted(between, end)
        if isinstance(last.comma, cst.Comma):
            added = added.with_changes(comma=last.comma.with_changes(whitespace_after=end))
        else:
            added = added.with_changes(whitespace_after_arg=end)
        comma = cst.Comma(whitespace_after=between)
        args[-1] = last.with_changes(comma=comma, whitespace_after_arg=before)
    return call.with_changes(args=[*args, added])


def _parted(
    between: cst.BaseParenthesizableWhitespace, end: cst.BaseParenthesizableWhitespace
) -> tuple[cst.BaseParenthesizableWhitespace, cst.BaseParenthesizableWhitespace]:
    """What stands before and behind an argument that is put in a line of its own.

    The comments behind the last argument stay there; those of others are not made twice.
    """
    if not isinstance(between, cst.ParenthesizedWhitespace):
        return between, end
    plain = with_comment(between.with_changes(empty_lines=()), None)
    if not isinstance(end, cst.ParenthesizedWhitespace):
        return plain, end
    return with_comment(plain, end.first_line), with_comment(end, None)


_SIMPLE = (cst.Name, cst.Attribute, cst.Call, cst.Subscript)


def _outside(node: cst.BaseExpression, attribute: str) -> cst.Attribute:
    """`node.attribute`; what is no name, call or index is put into parentheses first."""
    if not isinstance(node, _SIMPLE) and not node.lpar:
        node = node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return cst.Attribute(value=node, attr=cst.Name(attribute))


def _with_call(node: cst.BaseExpression, text: str) -> cst.BaseExpression:
    call = _parsed(text)
    assert isinstance(call.func, cst.Attribute)
    attribute = call.func.attr.value
    if isinstance(node, _SIMPLE):
        # The parentheses are around all of it: the new call belongs inside.
        func = _outside(node.with_changes(lpar=(), rpar=()), attribute)
        return call.with_changes(func=func, lpar=node.lpar, rpar=node.rpar)
    return call.with_changes(func=_outside(node, attribute))


def _parsed(text: str) -> cst.Call:
    """The call of a method, from its dot on."""
    made = cst.parse_expression(f"_{text}")
    assert isinstance(made, cst.Call)
    return made


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
