"""A chain of method calls put together anew; each comment stays at the call that it stood at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import libcst as cst

Comment = cst.TrailingWhitespace


@dataclass(frozen=True)
class Link:
    """A call of a chain: its dot holds the comments above it, `after` is that in its line."""

    call: cst.Call
    dot: cst.Dot
    after: Comment | None = None


Changed = Callable[[cst.Call, Link], list[Link]]
"""What stands in the place of a link, whose call is given as it was: itself, none, or more."""


def is_link(node: cst.CSTNode | None) -> bool:
    """Whether it is a call of a method."""
    return isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute)


def links_of(before: cst.Call, now: cst.Call) -> dict[cst.Call, Link]:
    """The links that end in a call, the first first, by the calls as they were.

    `now` is the same chain with what its calls are given changed. What is in parentheses of its
    own is where it begins.
    """
    found: list[tuple[cst.Call, Link]] = []
    after = _comment(now.rpar[0].whitespace_before) if now.rpar else None
    inner: cst.BaseExpression = before
    node: cst.BaseExpression = now
    while is_link(inner) and not (found and inner.lpar):
        assert isinstance(inner, cst.Call) and isinstance(node, cst.Call)
        assert isinstance(inner.func, cst.Attribute) and isinstance(node.func, cst.Attribute)
        dot = node.func.dot
        found.append((inner, Link(node, _with_comment(dot, None), after)))
        after = _comment(dot.whitespace_before)
        inner, node = inner.func.value, node.func.value
    return dict(reversed(found))


def rebuilt(before: cst.Call, now: cst.Call, change: Changed) -> cst.BaseExpression:
    """The chain with each of its links changed."""
    links = links_of(before, now)
    first = next(iter(links.values())).call
    assert isinstance(first.func, cst.Attribute)
    node = first.func.value
    after = _comment(first.func.dot.whitespace_before)
    out = [new for call, link in links.items() for new in change(call, link)]
    for link in out:
        dot = _with_comment(link.dot, after)
        stays = after is not None and _comment(dot.whitespace_before) is None
        after = link.after or (after if stays else None)
        func = cst.Attribute(value=node, attr=_attribute(link.call), dot=dot)
        node = link.call.with_changes(func=func, lpar=(), rpar=())
    rpar = list(now.rpar)
    if rpar:
        last = list(links.values())[-1].dot.whitespace_before
        rpar[0] = rpar[0].with_changes(whitespace_before=_ended(rpar[0], after, last))
    return node.with_changes(lpar=[*now.lpar, *node.lpar], rpar=[*node.rpar, *rpar])


def dot_like(dot: cst.Dot) -> cst.Dot:
    """A dot that begins a line where this one does, without its comments."""
    space = dot.whitespace_before
    if isinstance(space, cst.ParenthesizedWhitespace):
        space = space.with_changes(empty_lines=())
    return _with_comment(dot.with_changes(whitespace_before=space), None)


def _attribute(call: cst.Call) -> cst.Name:
    assert isinstance(call.func, cst.Attribute)
    return call.func.attr


def _comment(space: cst.BaseParenthesizableWhitespace) -> Comment | None:
    if isinstance(space, cst.ParenthesizedWhitespace) and space.first_line.comment is not None:
        return space.first_line
    return None


def with_comment(
    space: cst.BaseParenthesizableWhitespace, comment: Comment | None
) -> cst.BaseParenthesizableWhitespace:
    """The end of a line with this comment, or none; in one line nothing changes."""
    if not isinstance(space, cst.ParenthesizedWhitespace):
        return space
    plain = space.first_line.with_changes(whitespace=cst.SimpleWhitespace(""), comment=None)
    return space.with_changes(first_line=comment or plain)


def _with_comment(dot: cst.Dot, comment: Comment | None) -> cst.Dot:
    return dot.with_changes(whitespace_before=with_comment(dot.whitespace_before, comment))


def _ended(
    rpar: cst.RightParen, after: Comment | None, last: cst.BaseParenthesizableWhitespace
) -> cst.BaseParenthesizableWhitespace:
    """What stands before the parenthesis: a comment of the last call begins another line."""
    space = rpar.whitespace_before
    if after is not None and not isinstance(space, cst.ParenthesizedWhitespace):
        space = last if isinstance(last, cst.ParenthesizedWhitespace) else space
        if isinstance(space, cst.ParenthesizedWhitespace):
            space = space.with_changes(empty_lines=())
    return with_comment(space, after)
