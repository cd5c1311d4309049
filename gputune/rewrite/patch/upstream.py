"""What a call's pipeline has come through: step by step, as far as that is certain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import libcst as cst

from gputune.rewrite.patch.names import bound
from gputune.rewrite.patch.source import Source, chain, method_of, receiver, root
from gputune.rewrite.patch.sources import Sources

_JOINS = ("zip", "concatenate", "sample_from_datasets", "choose_from_datasets", "apply")
"""What these are given may be datasets, too."""
_TARGETED = (
    cst.AssignTarget, cst.AugAssign, cst.AnnAssign, cst.NamedExpr, cst.For, cst.CompFor, cst.Del,
)  # fmt: skip
Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement


@dataclass
class Upstream:
    """The calls above one, from the source on, and how far they are known."""

    calls: list[cst.Call]
    begins: cst.BaseExpression
    """What it begins with: a name, or the call of a function."""
    function: cst.FunctionDef | None = None
    """That whose body it was followed in."""
    steps: dict[cst.Call, cst.SimpleStatementLine] = field(default_factory=dict)
    """The line `ds = ds.shuffle(9)` of a call that can be taken from there."""
    between: dict[cst.Call, list[Statement]] = field(default_factory=dict)
    """The statements between such a line and the call."""
    used: dict[cst.Call, list[Statement]] = field(default_factory=dict)
    """Those that use the pipeline besides what is followed here."""
    looped: bool = False
    """Whether it is made in a loop or a lambda: what is below comes before it, too."""
    unknown: str = ""
    """What it comes from, where that is not followed any further."""


def upstream(source: Source, call: cst.Call) -> Upstream:
    """Follow the pipeline of a call back to where it is made; the call itself is not in it."""
    return _followed(source, call, chain(call)[1:])


def feeding(source: Source, given: cst.BaseExpression) -> Upstream:
    """Follow the pipeline that an expression is back to where it is made."""
    return _followed(source, given, chain(given))


def _followed(source: Source, call: cst.BaseExpression, own: list[cst.Call]) -> Upstream:
    begins: cst.BaseExpression = root(call)
    found = Upstream(
        [one for one in reversed(own) if one is not begins], begins, source.function(call)
    )
    for parent in source.above(call):
        if isinstance(parent, cst.FunctionDef):
            break
        if isinstance(parent, cst.For | cst.While | cst.Lambda | cst.BaseComp):
            found.looped = True
    below: cst.CSTNode = call
    used: list[Statement] = []
    passed: list[Statement] = []
    same = True
    while not _is_fresh(source, begins):
        step = _assignment(source, below, begins, used, passed) if _is_name(begins) else None
        if step is None:
            found.unknown = source.text(begins)[:40]
            found.calls[:0] = of_maker(source, begins)
            break
        line, value, beside = step
        same = same and beside
        first = root(value)
        calls = [one for one in reversed(chain(value)) if one is not first]
        found.calls[:0] = calls
        if same and len(calls) == 1 and _is_step(source, line, root(call), first):
            found.steps[calls[0]] = line
            found.between[calls[0]], found.used[calls[0]] = passed[:-1], list(used)
        below = line
        found.begins = begins = first
    if any(method_of(one) in _JOINS for one in found.calls):
        found.unknown = found.unknown or "what it is joined with"
    return found


def later(source: Source, call: cst.Call) -> Iterator[cst.Call]:
    """The calls of the steps below, `ds = ds.…`, that go on with what a call's line makes."""
    line = source.statement(call)
    block = source.parents.get(line) if line is not None else None
    if line is None or not isinstance(block, cst.IndentedBlock | cst.Module):
        return
    part = line.body[0]
    if not isinstance(part, cst.Assign) or len(part.targets) > 1 or len(line.body) > 1:
        return
    name = source.text(part.targets[0].target)
    body = list(block.body)
    at = next(n for n, one in enumerate(body) if one is line)
    for statement in body[at + 1 :]:
        assert isinstance(statement, Statement)
        value = _value_of(source, statement, name)
        if value is not None and source.text(root(value)) == name:
            yield from reversed(chain(value))
        elif name.partition(".")[0] in names_bound(statement) or _sets(source, statement, name):
            return


def _is_name(node: cst.BaseExpression) -> bool:
    """Whether it is a variable, or an attribute of one."""
    while isinstance(node, cst.Attribute):
        node = node.value
    return isinstance(node, cst.Name)


def _is_fresh(source: Source, begins: cst.BaseExpression) -> bool:
    """Whether it is a name of TensorFlow or another library: a pipeline begins with it."""
    node = begins.func if isinstance(begins, cst.Call) else begins
    while isinstance(node, cst.Attribute):
        node = node.value
    if not isinstance(node, cst.Name):
        return False
    whole = dict(bound(source)).get(node.value, "").partition(".")[0]
    return whole in ("tensorflow", "keras", "tensorflow_datasets", "tf_keras")


def _assignment(
    source: Source, below: cst.CSTNode, begins: cst.BaseExpression, used: list[Statement],
    passed: list[Statement],
) -> tuple[cst.SimpleStatementLine, cst.BaseExpression, bool] | None:  # fmt: skip
    """The line above that sets the variable, its value, and whether it is of the same block.

    What uses the variable on the way joins `used`, every statement `passed`. None where it is not
    set so simply.
    """
    name = source.text(begins)
    for statement, same in _above(source, below):
        if not _mentions(source, statement, name):
            passed.append(statement)
            continue
        value = _value_of(source, statement, name)
        if value is not None:
            assert isinstance(statement, cst.SimpleStatementLine)
            passed.append(statement)
            return statement, value, same
        if name.partition(".")[0] in names_bound(statement) or _sets(source, statement, name):
            return None
        passed.append(statement)
        used.append(statement)
    return None


def _above(source: Source, node: cst.CSTNode) -> Iterator[tuple[Statement, bool]]:
    """The statements before this one, the nearest first, up to the head of the function."""
    same = True
    below = node
    for parent in source.above(node):
        if isinstance(parent, cst.IndentedBlock | cst.Module):
            body = list(parent.body)
            at = next(n for n, one in enumerate(body) if one is below)
            for statement in reversed(body[:at]):
                assert isinstance(statement, Statement)
                yield statement, same
            same = False
        if isinstance(parent, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            return
        below = parent


def _mentions(source: Source, statement: cst.CSTNode, name: str) -> bool:
    return any(source.text(one) == name for one in nodes_in(statement, cst.Name | cst.Attribute))


def _value_of(source: Source, statement: Statement, name: str) -> cst.BaseExpression | None:
    """The value of `name = …`, which is all that the line holds."""
    if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        return None
    part = statement.body[0]
    if isinstance(part, cst.Assign):
        targets = [one.target for one in part.targets]
    elif isinstance(part, cst.AnnAssign):
        targets = [part.target]
    else:
        return None
    return part.value if name in [source.text(one) for one in targets] else None


def _sets(source: Source, statement: cst.CSTNode, name: str) -> bool:
    return any(
        isinstance(node, _TARGETED) and _mentions(source, node.target, name)
        for node in nodes_in(statement, cst.CSTNode)
    )


def _is_step(
    source: Source, line: cst.SimpleStatementLine, mine: cst.BaseExpression,
    first: cst.BaseExpression,
) -> bool:  # fmt: skip
    """Whether the line is `ds = ds.…`, of the variable of the call itself, without a comment."""
    part = line.body[0]
    return (
        isinstance(mine, cst.Name)
        and isinstance(part, cst.Assign)
        and len(part.targets) == 1
        and source.text(part.targets[0].target) == source.text(first) == mine.value
        and "#" not in source.text(line)
    )


def of_maker(source: Source, begins: cst.BaseExpression) -> list[cst.Call]:
    """The calls in the functions of the file that have the name of what is called."""
    called = method_of(begins)
    return [
        call for call in source.calls
        if called and (there := source.function(call)) is not None and there.name.value == called
    ]  # fmt: skip


def strays(
    sources: Sources, source: Source, call: cst.Call, known: Sequence[cst.Call],
    methods: tuple[str, ...],
) -> Iterator[tuple[Source, cst.Call]]:  # fmt: skip
    """Calls of these methods that may stand above a call, which are not in what is known."""
    function = source.function(call)
    looped = any(isinstance(one, cst.For | cst.While) for one in source.above(call))
    own = {*known, *_behind(source, call)}
    for where in sources.own():
        for other in where.calls:
            if other in own or not is_method(where, other, methods):
                continue
            below = where is source and where.function(other) is function and not looped
            if not below or where.line(other) < source.line(call):
                yield where, other


def inside(source: Source, known: Sequence[cst.Call], methods: tuple[str, ...]) -> cst.Call | None:
    """A call of these methods in what the known calls are given."""
    for call in known:
        for arg in call.args:
            for other in nodes_in(arg, cst.Call):
                if isinstance(other, cst.Call) and is_method(source, other, methods):
                    return other
    return None


def _behind(source: Source, call: cst.Call) -> Iterator[cst.Call]:
    """The call, and those of its chain behind it."""
    node: cst.CSTNode = call
    yield call
    for parent in source.above(call):
        if isinstance(parent, cst.Call) and parent.func is node:
            yield parent
        elif not (isinstance(parent, cst.Attribute) and parent.value is node):
            return
        node = parent


def is_method(source: Source, call: cst.Call, methods: tuple[str, ...]) -> bool:
    """Whether it is such a call of a dataset, not of a module: `tf.repeat(x, 2)`."""
    on = receiver(call)
    if method_of(call) == "shuffle_and_repeat":
        return True
    if method_of(call) not in methods or on is None:
        return False
    node: cst.BaseExpression = on
    while isinstance(node, cst.Attribute):
        node = node.value
    return not (isinstance(node, cst.Name) and node.value in dict(bound(source)))


def names_bound(statement: cst.CSTNode) -> set[str]:
    """The names that a statement sets anywhere in it."""
    found: set[str] = set()
    for node in nodes_in(statement, cst.CSTNode):
        if isinstance(node, _TARGETED):
            found |= _plain_names(node.target)
        elif isinstance(node, cst.AsName):
            found |= _plain_names(node.name)
        elif isinstance(node, cst.FunctionDef | cst.ClassDef):
            found.add(node.name.value)
        elif isinstance(node, cst.ImportAlias):
            found.add(node.evaluated_name.partition(".")[0])
    return found


def _plain_names(target: cst.CSTNode) -> set[str]:
    """The names in a target; none of `self` in `self.ds`."""
    if isinstance(target, cst.Attribute | cst.Subscript):
        return set()
    if isinstance(target, cst.Name):
        return {target.value}
    return {name for child in target.children for name in _plain_names(child)}


def names_in(node: cst.CSTNode) -> set[str]:
    """The names that an expression holds."""
    return {one.value for one in nodes_in(node, cst.Name) if isinstance(one, cst.Name)}


def nodes_in(node: cst.CSTNode, kind: object) -> Iterator[cst.CSTNode]:
    """The node and all in it that are of a kind."""
    if isinstance(node, kind):  # type: ignore[arg-type]
        yield node
    for child in node.children:
        yield from nodes_in(child, kind)
