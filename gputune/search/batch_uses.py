"""Where a script uses its batch size besides the call that makes the batches.

A trial changes that call alone. What else reads the same constant (the size of a GAN's noise,
`global_batch_size`, steps counted from it) would keep the old value: the script would train
something else than it does with the constant changed, and the trial would time that.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gputune.knobs.batch_size import KNOB
from gputune.knobs.knob import SetArgument

_BATCHING = {edit.method for edit in KNOB.edits if isinstance(edit, SetArgument)}
_OF_TF_DATA = {"batch", "padded_batch", "ragged_batch"}
"""Their first argument is the size."""
_HARMLESS = {
    *_BATCHING, "evaluate", "predict", "shuffle", "prefetch", "print", "format", "str", "debug",
    "info", "warning",
}  # fmt: skip
"""What calls of these names are given is no part of a step: other batches, buffers, words."""
_COUNTED = {"steps_per_epoch", "global_batch_size"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_Parents = Mapping[ast.AST, ast.AST]


@dataclass(frozen=True, kw_only=True)
class OtherUses:
    """What a batching call is given as its size, and the lines that also need it.

    `name` is a variable, an attribute (`args.batch_size`) or a number as it is written. `value` is
    what the source sets it to, where that is written as a number; None elsewhere.
    """

    name: str
    value: int | None
    lines: tuple[int, ...]


def other_uses(source: str, line: int) -> OtherUses | None:
    """What else needs the size that the batching call on this line is given.

    Of a constant of the module and of an attribute, all uses in the file; of a variable of a
    function, those in the function; of a number, only the same `global_batch_size`. None where the
    call is given an expression or a parameter, where nothing else depends on the size, or where
    the source is no Python that can be parsed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python thinks of the source is the script's own
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for size in _given(tree, line):
        found = _uses(size, tree, parents)
        if found is not None:
            return found
    return None


def _uses(size: ast.expr, tree: ast.Module, parents: _Parents) -> OtherUses | None:
    """The other uses of what a call is given as its size."""
    value = _number(size)
    same: Sequence[ast.expr]
    where: ast.AST | None
    if value is not None:
        same = [
            k.value for k in ast.walk(tree)
            if isinstance(k, ast.keyword) and k.arg == "global_batch_size"
            and _number(k.value) == value
        ]  # fmt: skip
    elif isinstance(size, ast.Name):
        where = _where_set(size, parents)
        value = _set_to(where, size.id) if where is not None else None
        same = _names(where, size.id) if where is not None else []
    else:
        where = _class_of(size, parents) if _dotted(size).startswith("self.") else tree
        same = [
            node for node in ast.walk(where or tree)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
            and _dotted(node) == _dotted(size) != ""
        ]  # fmt: skip
    lines = {node.lineno for node in same if node is not size and _depends(node, parents)}
    if not lines:
        return None
    return OtherUses(name=ast.unparse(size), value=value, lines=tuple(sorted(lines)))


def _dotted(node: ast.AST) -> str:
    """`args.batch_size`, or nothing for what is not made of names."""
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""


def _where_set(name: ast.Name, parents: _Parents) -> ast.AST | None:
    """The function, or the module, that sets the variable; None for a parameter or an import."""
    above: ast.AST | None = name
    while (above := parents.get(above)) is not None:  # type: ignore[arg-type]
        if isinstance(above, _FUNCTIONS) and name.id in _parameters(above):
            return None
        if isinstance(above, (ast.Module, *_FUNCTIONS)) and _assignments(above, name.id):
            return above
    return None


def _class_of(node: ast.AST, parents: _Parents) -> ast.AST | None:
    above = parents.get(node)
    while above is not None and not isinstance(above, ast.ClassDef):
        above = parents.get(above)
    return above


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    given = function.args
    return {a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)}


def _inside(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope, without those of the functions in it."""
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, (*_FUNCTIONS, ast.ClassDef)):
            yield from _inside(child)


def _assignments(scope: ast.AST, name: str) -> list[ast.expr | None]:
    """What a scope itself sets the variable to."""
    return [
        node.value
        for node in _inside(scope)
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and target.id == name
    ]


def _set_to(scope: ast.AST, name: str) -> int | None:
    return _number(_assignments(scope, name)[-1])


def _names(scope: ast.AST, name: str) -> list[ast.Name]:
    """The uses of a scope's variable, in the functions of the scope, too."""
    found = []
    for node in ast.iter_child_nodes(scope):
        own = isinstance(node, _FUNCTIONS) and (
            name in _parameters(node) or bool(_assignments(node, name))
        )
        if own:
            continue  # another variable of the same name
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            found.append(node)
        found += _names(node, name)
    return found


def _number(node: ast.expr | None) -> int | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _given(tree: ast.Module, line: int) -> Iterator[ast.expr]:
    """What the batching calls on the line have as their size."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or _called(node) not in _BATCHING:
            continue
        if node.lineno <= line <= (node.end_lineno or node.lineno):
            yield from (k.value for k in node.keywords if k.arg == "batch_size")
            if _called(node) in _OF_TF_DATA:
                yield from node.args[:1]


def _depends(node: ast.AST, parents: _Parents) -> bool:
    """Whether something else than batches, buffers and words is made of the name here."""
    above = parents.get(node)
    while above is not None and not isinstance(above, ast.stmt):
        if isinstance(above, ast.keyword) and above.arg in _COUNTED:
            return True
        if isinstance(above, ast.keyword) and above.arg == "batch_size":
            return False
        if isinstance(above, (ast.JoinedStr, ast.Compare)) or _is_text(above):
            return False
        if isinstance(above, ast.Dict):
            return False  # a record of the run's settings, as far as can be seen
        if isinstance(above, ast.Call) and _called(above) in _HARMLESS:
            # Not its receiver: `Dataset.range(N).batch(N)` counts its elements by the name.
            return not _is_argument(node, above, parents)
        above = parents.get(above)
    return True


def _is_text(node: ast.AST) -> bool:
    """`"of %d" % size`."""
    left = node.left if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) else None
    return isinstance(left, ast.Constant) and isinstance(left.value, str)


def _is_argument(node: ast.AST, call: ast.Call, parents: _Parents) -> bool:
    while parents.get(node) is not call:
        node = parents[node]
    return node is not call.func


def _called(node: ast.Call) -> str:
    """The last name of what is called."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""
