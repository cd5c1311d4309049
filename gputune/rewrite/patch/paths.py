"""Whether a statement of the source surely runs, and only one of its kind."""

from __future__ import annotations

import libcst as cst

from gputune.rewrite.patch.names import is_main_guard
from gputune.rewrite.patch.plan import Refused
from gputune.rewrite.patch.source import Source, method_of
from gputune.rewrite.patch.sources import Sources

_DEEPEST = 8
_SOMETIMES = (
    cst.If, cst.Else, cst.ExceptHandler, cst.MatchCase, cst.IfExp, cst.BooleanOperation,
    cst.CompFor, cst.Lambda,
)  # fmt: skip
Place = tuple[Source, cst.CSTNode]


def the_only(sources: Sources, found: list[Place], name: str) -> Place:
    """The place where something is set; raises Refused for several, or one that may not run."""
    source, node = found[0]
    if len(found) > 1:
        lines = ", ".join(where.label(one) for where, one in found[:6])
        raise Refused(f"{name} is set {len(found)} times ({lines}): which counts is not known")
    if not always_runs(sources, source, node):
        raise Refused(
            f"{name} is set there on some runs only: set it where every run does",
            source.label(node),
        )
    return source, node


def always_runs(sources: Sources, source: Source, node: cst.CSTNode, depth: int = 0) -> bool:
    """Whether a run of the script surely comes to a node, as far as its source shows.

    A function counts where it is called, or handed to a call (`app.run(main)`), by what runs.
    A loop counts as running at least once.
    """
    below: cst.CSTNode = node
    for parent in source.above(node):
        if isinstance(parent, cst.FunctionDef):
            if below is not parent.body:
                return True  # a default or a decorator: made with the function
            return _is_called(sources, source, parent, depth)
        if isinstance(parent, _SOMETIMES) and not is_main_guard(source, parent):
            tested = isinstance(parent, cst.If) and below is parent.test
            first = isinstance(parent, cst.BooleanOperation) and below is parent.left
            if not tested and not first:
                return False
        below = parent
    return True


def _is_called(sources: Sources, source: Source, function: cst.FunctionDef, depth: int) -> bool:
    name = function.name.value
    if depth > _DEEPEST:
        return False
    if name.startswith("__") or function.decorators:
        return True  # by Python, or by who decorates it
    for where in {one.path: one for one in (source, *sources.own())}.values():
        for call in where.calls:
            handed = any(isinstance(a.value, cst.Name) and a.value.value == name for a in call.args)
            itself = any(one is function for one in where.above(call))
            calls = (handed or method_of(call) == name) and not itself
            if calls and always_runs(sources, where, call, depth + 1):
                return True
    return False
