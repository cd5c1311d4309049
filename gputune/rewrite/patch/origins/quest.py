"""The search for the place where a value is set: what is looked for, and what may be found."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import libcst as cst

from gputune.rewrite.patch.source import Source
from gputune.rewrite.patch.sources import Sources

_DEEPEST = 16
_MOST = 1000
"""So many expressions one search looks at; a script of a thousand lines takes some hundred."""


@dataclass(eq=False)
class Search:
    """What one search has found so far, so that it looks at no expression twice."""

    things: dict[int, Thing | None] = field(default_factory=dict)
    """By the identity of the expression; those that are being looked at are `open`."""
    open: set[int] = field(default_factory=set)
    own: list[Source] = field(default_factory=list)
    lost: bool = False
    """Whether something was not followed to its end: then nothing that is found is sure."""


@dataclass(frozen=True)
class Quest:
    """`wanted` is the new value, for what is said to the user.

    With `together` a constant changes for all that use it: a batch size is one for the whole
    script. Without, a constant that something else uses stays, and its use is changed.
    """

    sources: Sources
    wanted: str
    together: bool = False
    depth: int = 0
    search: Search = field(default_factory=Search)

    @property
    def ended(self) -> bool:
        """Whether the search has gone as far as it may."""
        if self.depth > _DEEPEST or len(self.search.things) > _MOST:
            self.search.lost = True
            return True
        return False

    def deeper(self) -> Quest:
        """The search one step further on."""
        return replace(self, depth=self.depth + 1)

    def own(self) -> list[Source]:
        """The files that the script consists of."""
        if not self.search.own:
            self.search.own = self.sources.own()
        return self.search.own


@dataclass(frozen=True)
class At:
    """An expression that a value comes from, in its file."""

    source: Source
    node: cst.BaseExpression


@dataclass(frozen=True)
class Origin:
    """The expression to change; `also` says how else the value reaches the script."""

    source: Source
    node: cst.BaseExpression
    reads: tuple[str, ...] = ()
    """What reads it: `int` and `bool` of `bool(int("0"))`, the inner first."""
    outside: bool = False
    """Whether the value can come from outside of the script, as text."""
    also: str = ""


@dataclass(frozen=True)
class Unknown:
    """Why no place can be changed."""

    reason: str


@dataclass(frozen=True)
class Thing:
    """What an attribute or a key is taken of.

    `kind` is module, class, instance, options (of the command line) or mapping; `node` the class,
    the dict, or the call that parses the options. `call` makes an instance, where it is known.
    """

    kind: str
    source: Source
    node: cst.CSTNode | None
    call: At | None = None


ThingOf = Callable[[Quest, Source, cst.BaseExpression], Thing | None]


def string(node: cst.BaseExpression | None) -> str | None:
    """The text of a string literal, or None."""
    if isinstance(node, cst.SimpleString):
        try:
            value = ast.literal_eval(node.value)
        except (SyntaxError, ValueError):
            return None
        return value if isinstance(value, str) else None
    return None


def is_value(source: Source, node: cst.BaseExpression) -> bool:
    """Whether the expression is a value itself: a literal, or `tf.data.AUTOTUNE`."""
    if isinstance(node, cst.UnaryOperation):
        return is_value(source, node.expression)
    if isinstance(node, cst.Name) and node.value in ("True", "False", "None"):
        return True
    if isinstance(node, cst.Integer | cst.Float | cst.SimpleString):
        return True
    return isinstance(node, cst.Attribute | cst.Name) and (
        source.text(node).rpartition(".")[2] == "AUTOTUNE"
    )
