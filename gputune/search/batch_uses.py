"""Where a script uses its batch size besides the call that makes the batches.

A trial changes that call alone. What else reads the same constant (the size of a GAN's noise,
`global_batch_size`, steps counted from it) would keep the old value: the script would train
something else than it does with the constant changed, and the trial would time that.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gputune.knobs.batch_size import KNOB
from gputune.knobs.knob import SetArgument

_BATCHING = {edit.method for edit in KNOB.edits if isinstance(edit, SetArgument)}
_HARMLESS = {
    *_BATCHING, "evaluate", "predict", "shuffle", "prefetch", "print", "format", "str", "debug",
    "info", "warning",
}  # fmt: skip
"""What calls of these names are given is no part of a step: other batches, buffers, words."""
_COUNTED = {"steps_per_epoch", "global_batch_size"}


@dataclass(frozen=True, kw_only=True)
class OtherUses:
    """A constant that a batching call is given, and the lines that also need it.

    `value` is what the source sets it to, where that is written as a number; None elsewhere.
    """

    name: str
    value: int | None
    lines: tuple[int, ...]


def other_uses(source: str, line: int) -> OtherUses | None:
    """What else needs the constant that the batching call on this line is given.

    None where the call is given a number, an expression or a parameter, where nothing else depends
    on the constant, or where the source is no Python that can be parsed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python thinks of the source is the script's own
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    name = next((n for n in _given(tree, line) if n in constants), "")
    if not name:
        return None
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found = {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
        if _depends(node, parents)
    }
    if not found:
        return None
    return OtherUses(name=name, value=_number(constants[name]), lines=tuple(sorted(found)))


def _number(node: ast.expr | None) -> int | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int) else None


def _given(tree: ast.Module, line: int) -> Iterator[str]:
    """The names that a batching call on the line has as its size."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or _called(node) not in _BATCHING:
            continue
        if node.lineno <= line <= (node.end_lineno or node.lineno):
            sizes = [k.value for k in node.keywords if k.arg == "batch_size"] + node.args[:1]
            yield from (size.id for size in sizes if isinstance(size, ast.Name))


def _depends(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> bool:
    """Whether something else than batches, buffers and words is made of the name here."""
    above = parents.get(node)
    while above is not None and not isinstance(above, ast.stmt):
        if isinstance(above, ast.keyword) and above.arg in _COUNTED:
            return True
        if isinstance(above, ast.keyword) and above.arg == "batch_size":
            return False
        if isinstance(above, ast.JoinedStr):
            return False
        if isinstance(above, ast.Call) and _called(above) in _HARMLESS:
            # Not its receiver: `Dataset.range(N).batch(N)` counts its elements by the name.
            return not _is_argument(node, above, parents)
        above = parents.get(above)
    return True


def _is_argument(node: ast.AST, call: ast.Call, parents: Mapping[ast.AST, ast.AST]) -> bool:
    while parents.get(node) is not call:
        node = parents[node]
    return node is not call.func


def _called(node: ast.Call) -> str:
    """The last name of what is called."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""
