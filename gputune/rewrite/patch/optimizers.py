"""The call that makes the optimizer, which has the learning rate."""

from __future__ import annotations

import re

import libcst as cst

from gputune.rewrite.patch.origins.quest import At, Quest
from gputune.rewrite.patch.origins.scopes import ASSIGNED, IMPORTED, meant
from gputune.rewrite.patch.origins.things import resolved
from gputune.rewrite.patch.plan import Plan, Refused
from gputune.rewrite.patch.source import Source, argument

_NAMES = (
    "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion",
    "Muon", "Nadam", "RMSprop", "SGD",
)  # fmt: skip
"""The optimizers of Keras 3, all of which take their learning rate first."""
_WRAPPER = "LossScaleOptimizer"
_KERAS = re.compile(
    r"(?:(?:tensorflow\.|tf_keras\.|)keras\.|tensorflow\.|tf_keras\.)(?:api\.)?(?:_v2\.keras\.)?"
    r"(?:optimizers|mixed_precision)\.(?:legacy\.|experimental\.)?(\w+)"
)


def optimizer(made: Plan, compiles: list[tuple[Source, cst.Call]]) -> tuple[Source, cst.Call]:
    """The constructor of the optimizer that the models are compiled with; raises Refused."""
    found = [_of(made, source, call) for source, call in compiles]
    if len({id(call) for _, call in found}) > 1:
        lines = ", ".join(source.label(call) for source, call in compiles)
        raise Refused(
            f"several compile(…) have optimizers of their own ({lines}): "
            "which is meant is not recorded"
        )
    return found[0]


def _of(made: Plan, source: Source, compiled: cst.Call) -> tuple[Source, cst.Call]:
    given = argument(compiled, "optimizer", 0)
    where = source.label(compiled)
    if given is None or given.star:
        raise Refused("the optimizer is the default: write it out with its learning_rate", where)
    quest = Quest(made.sources, "it")
    node: cst.BaseExpression = given.value
    at = At(source, node)
    for _ in range(4):  # as deep as anyone wraps an optimizer
        found = resolved(quest, at.source, at.node)
        if found is None:
            break
        at = found[1]
        name = _constructor(at.source, at.node)
        if not isinstance(at.node, cst.Call) or name is None:
            break
        if name in _NAMES:
            if argument(at.node, "lr", None) is not None:
                raise Refused(
                    "it is given lr, which is no argument of Keras 3: name it learning_rate", where
                )
            return at.source, at.node
        inner = argument(at.node, "inner_optimizer", 0) if name == _WRAPPER else None
        if inner is None:
            break
        at = At(at.source, inner.value)
    said = at.source.text(at.node)[:60]
    raise Refused(f"the optimizer is {said}: write it out with its learning_rate", where)


def _constructor(source: Source, node: cst.BaseExpression) -> str | None:
    """`Adam` of `keras.optimizers.Adam(…)`, by whatever name the file has for it."""
    dotted = _dotted(source, node.func, 0) if isinstance(node, cst.Call) else None
    fits = _KERAS.fullmatch(dotted) if dotted is not None else None
    return fits[1] if fits is not None else None


def _dotted(source: Source, node: cst.BaseExpression, depth: int) -> str | None:
    """The full name of what is imported: `keras.optimizers.Adam`."""
    if isinstance(node, cst.Attribute):
        inner = _dotted(source, node.value, depth)
        return None if inner is None else f"{inner}.{node.attr.value}"
    if not isinstance(node, cst.Name) or depth > 4:
        return None
    names = {_bound(source, one.of, one.node) for one in meant(source, node)
             if one.kind == IMPORTED}  # fmt: skip
    found = meant(source, node)
    if len(found) == 1 and found[0].kind == ASSIGNED:  # `keras = tf.keras`
        assert isinstance(found[0].of, cst.BaseExpression)
        return _dotted(source, found[0].of, depth + 1)
    return next(iter(names)) if len(names) == 1 and all(f.kind == IMPORTED for f in found) else None


def _bound(source: Source, alias: cst.CSTNode, name: cst.Name) -> str | None:
    """What an import binds a name to."""
    assert isinstance(alias, cst.ImportAlias)
    statement = source.parents[alias]
    if isinstance(statement, cst.ImportFrom):
        if statement.relative or statement.module is None:
            return None
        return f"{source.text(statement.module)}.{alias.evaluated_name}"
    return alias.evaluated_name if alias.evaluated_alias else name.value
