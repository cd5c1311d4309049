"""Where the value of an argument is set: a literal, a constant, a default, an option."""

from __future__ import annotations

import re
from dataclasses import replace

import libcst as cst

from gputune.rewrite.patch.origins.quest import At, Origin, Quest, Unknown, is_value, string
from gputune.rewrite.patch.origins.reading import as_text
from gputune.rewrite.patch.origins.things import step
from gputune.rewrite.patch.origins.uses import others, set_together
from gputune.rewrite.patch.source import Source, argument, method_of
from gputune.rewrite.patch.sources import Sources

_CASTS = ("int", "float", "str", "bool")
_ENVIRONMENT = re.compile(r"(?:\w+\.)?(?:environ\.get|getenv)")


def origin(
    sources: Sources, source: Source, node: cst.BaseExpression, wanted: str, together: bool = False
) -> Origin | Unknown:
    """The place where the value of this expression is set, if nothing else can set it.

    `wanted` is the new value, for what is said to the user; with `together` all uses of a
    constant change with it.
    """
    quest = Quest(sources, wanted, together)
    found = _origin(quest, At(source, node), ())
    if quest.search.lost and isinstance(found, Origin) and found.node is not node:
        said = source.text(node)[:60]
        return Unknown(f"it comes from «{said}», by too many ways: set {wanted} where it is made")
    return found


def _origin(quest: Quest, at: At, reads: tuple[str, ...]) -> Origin | Unknown:
    source, node, wanted = at.source, at.node, quest.wanted
    unknown = Unknown(f"it comes from «{source.text(node)[:60]}»: set {wanted} where that is made")
    if quest.ended:
        return unknown
    if is_value(source, node):
        return Origin(source, node, reads)
    if isinstance(node, cst.Call):
        if method_of(node) in _CASTS and isinstance(node.func, cst.Name) and len(node.args) == 1:
            inner = At(source, node.args[0].value)
            return _origin(quest.deeper(), inner, (method_of(node), *reads))
        return _of_environment(quest, source, node, reads) or unknown
    if isinstance(node, cst.Subscript) and source.text(node.value).endswith("environ"):
        index = node.slice[0].slice
        variable = string(index.value) if isinstance(index, cst.Index) else None
        return Unknown(_run_with(variable, wanted, reads)) if variable else unknown
    found = step(quest, source, node)
    if found is None or isinstance(found, Unknown):
        return found or unknown
    if not quest.together or set_together(source, node):
        shared = others(quest, source, node)
        if shared and isinstance(found, Origin):
            return Unknown(
                f"something else uses {source.text(node)}, too: "
                f"write {wanted} here, or give that a value of its own"
            )
        if shared and quest.together:
            return Unknown(f"{source.text(node)} is set together with another name: give it a "
                           f"line of its own, with {wanted}")  # fmt: skip
        if shared or set_together(source, node):
            return Origin(source, node, reads)
    if isinstance(found, Origin):
        return replace(found, reads=(*found.reads, *reads))
    return _one(quest, source, node, [_origin(quest.deeper(), one, reads) for one in found], found)


def _one(
    quest: Quest, source: Source, node: cst.BaseExpression, found: list[Origin | Unknown],
    places: list[At],
) -> Origin | Unknown:  # fmt: skip
    if len(found) == 1:
        return found[0]
    same = {id(one.node) if isinstance(one, Origin) else -1 for one in found}
    if len(same) == 1 and isinstance(found[0], Origin):
        return found[0]
    lines = ", ".join(at.source.label(at.node) for at in places)
    return Unknown(
        f"{source.text(node)} is given in several places ({lines}): "
        f"pass {quest.wanted} where it is meant"
    )


def _of_environment(
    quest: Quest, source: Source, call: cst.Call, reads: tuple[str, ...]
) -> Origin | Unknown | None:
    """The default of `os.environ.get(…)` or `os.getenv(…)`."""
    if not _ENVIRONMENT.fullmatch(source.text(call.func)) or not call.args:
        return None
    variable = string(call.args[0].value)
    if variable is None:
        return None
    say = _run_with(variable, quest.wanted, reads)
    default = argument(call, "default", 1)
    if default is None or not is_value(source, default.value):
        return Unknown(say)
    return Origin(source, default.value, reads, True, f"{say} where you set that variable")


def _run_with(variable: str, wanted: str, reads: tuple[str, ...]) -> str:
    text = as_text(wanted, reads)
    return f"set {variable} to {wanted}" if text is None else f"run it with {variable}={text}"
