"""Models that have a `compile` of their own, as GANs and distillers in Keras' examples do."""

from __future__ import annotations

import libcst as cst

from gputune.rewrite.patch.names import bound_anywhere
from gputune.rewrite.patch.plan import Refused
from gputune.rewrite.patch.source import Source, method_of, receiver
from gputune.rewrite.patch.sources import Sources

_DEEPEST = 6
OF_KERAS = frozenset({
    "optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly",
    "steps_per_execution", "jit_compile", "auto_scale_loss",
})  # fmt: skip
"""The arguments of Keras' `compile`."""
_OLDER = frozenset({
    "sample_weight_mode", "target_tensors", "distribute", "pss_evaluation_shards",
    "experimental_steps_per_execution", "experimental_run_tf_function", "from_serialized",
})  # fmt: skip
Call = tuple[Source, cst.Call]
Method = tuple[Source, cst.FunctionDef]


def of_super(source: Source, call: cst.Call) -> bool:
    """Whether the call is made in a `compile` of the script's own, for that of Keras."""
    function = source.function(call)
    return function is not None and function.name.value == "compile" and _owner(source, function)


def override(sources: Sources, source: Source, call: cst.Call) -> Method | None:
    """The script's own `compile` that a call runs, or None where it is Keras'; raises Refused."""
    classes = _classes(sources)
    if not any(_method(one) for _, one in classes.values()):
        _check_keras(source, call)
        return None
    on = receiver(call)
    name = _made_by(sources, source, on, classes, 0) if on is not None else None
    if name is None:
        raise Refused(
            "the script has a compile of its own, and whether it is called here cannot be told",
            source.label(call),
        )
    found = _inherited(classes, name, 0)
    if found is None:
        _check_keras(source, call)
    return found


def _check_keras(source: Source, call: cst.Call) -> None:
    """Refuse what Keras' `compile` does not take: a class from elsewhere has its own."""
    named = [arg.keyword.value for arg in call.args if arg.keyword is not None]
    other = [f"{name}=" for name in named if name not in OF_KERAS | _OLDER]
    other += [
        source.text(arg.value)[:40] for number, arg in enumerate(call.args)
        if number and arg.keyword is None and "optimizers." in source.text(arg.value)
    ]  # fmt: skip
    if other:
        raise Refused(
            f"{other[0]} is no argument of Keras' compile: this is a compile of another kind",
            source.label(call),
        )


def takers(sources: Sources, calls: list[Call], name: str) -> list[Call]:
    """The calls that can be given an argument of Keras' `compile`; raises Refused."""
    found: dict[int, Call] = {}
    for source, call in calls:
        own = override(sources, source, call)
        where, one = (source, call) if own is None else _taker(own, (source, call), name)
        found[id(one)] = where, one
    return list(found.values())


def _taker(own: Method, call: Call, name: str) -> Call:
    source, method = own
    given = [
        one for one in source.calls if method_of(one) == "compile" and _in(source, one, method)
    ]
    if name in parameters(method):
        return call
    rest = method.params.star_kwarg
    if rest is not None and any(_hands_on(one, rest.name.value, name) for one in given):
        return call
    if len(given) != 1:
        raise Refused(
            f"the script's own compile calls that of Keras {len(given)} times: give it {name} "
            "by hand",
            source.label(method),
        )
    return source, given[0]


def check_optimizer(sources: Sources, calls: list[Call]) -> None:
    """Refuse where an own `compile` does not say which of its arguments is the one optimizer."""
    for source, call in calls:
        own = override(sources, source, call)
        names = parameters(own[1]) if own is not None else []
        if own is not None and (
            names[:1] != ["optimizer"] or sum("opt" in name for name in names) > 1
        ):
            raise Refused(
                f"it is a compile of the script's own ({own[0].label(own[1])}): set the learning "
                "rate in the optimizers that it is given",
                source.label(call),
            )


def parameters(method: cst.FunctionDef) -> list[str]:
    """The names of a method's parameters, without that of the object."""
    params = method.params
    plain = [p.name.value for p in (*params.posonly_params, *params.params)]
    return [*plain[1:], *(p.name.value for p in params.kwonly_params)]


def _hands_on(call: cst.Call, rest: str, name: str) -> bool:
    """Whether `super().compile(**kwargs)` gets what is not set in it."""
    stars = [a.value.value for a in call.args if a.star == "**" and isinstance(a.value, cst.Name)]
    set_there = [a.keyword.value for a in call.args if a.keyword is not None]
    return rest in stars and name not in set_there


def _in(source: Source, node: cst.CSTNode, function: cst.FunctionDef) -> bool:
    return any(above is function for above in source.above(node))


def _owner(source: Source, function: cst.FunctionDef) -> bool:
    above = source.parents.get(source.parents.get(function, function))
    return isinstance(above, cst.ClassDef)


def _classes(sources: Sources) -> dict[str, tuple[Source, cst.ClassDef]]:
    return {
        node.name.value: (source, node)
        for source in sources.own()
        for node in source.found(cst.ClassDef)
        if isinstance(node, cst.ClassDef)
    }


def _method(node: cst.ClassDef) -> cst.FunctionDef | None:
    for one in node.body.body:
        if isinstance(one, cst.FunctionDef) and one.name.value == "compile":
            return one
    return None


def _inherited(
    classes: dict[str, tuple[Source, cst.ClassDef]], name: str, depth: int
) -> Method | None:
    if name not in classes or depth > _DEEPEST:
        return None
    source, node = classes[name]
    method = _method(node)
    if method is not None:
        return source, method
    for base in node.bases:
        found = _inherited(classes, source.text(base.value).rpartition(".")[2], depth + 1)
        if found is not None:
            return found
    return None


def _made_by(
    sources: Sources, source: Source, node: cst.BaseExpression,
    classes: dict[str, tuple[Source, cst.ClassDef]], depth: int,
) -> str | None:  # fmt: skip
    """The class that makes what an expression is: its name, or `keras` for one of Keras'."""
    if depth > _DEEPEST:
        return None
    if isinstance(node, cst.Call):
        called = method_of(node)
        root = source.text(node.func).partition(".")[0]
        if called in classes:
            return called
        if bound_anywhere(source).get(root, "").partition(".")[0] in ("keras", "tensorflow"):
            return "keras"
        made = {
            _made_by(sources, where, value, classes, depth + 1)
            for where, value in _returned(sources, called)
        }
        return next(iter(made)) if len(made) == 1 else None
    text, scopes = source.text(node), (source.function(node), None)
    if text == "self":
        owner = next((a for a in source.above(node) if isinstance(a, cst.ClassDef)), None)
        return owner.name.value if owner is not None else None
    made = {
        _made_by(sources, source, one.value, classes, depth + 1)
        for one in source.found(cst.Assign)
        if isinstance(one, cst.Assign) and text in [source.text(t.target) for t in one.targets]
        and (not isinstance(node, cst.Name) or source.function(one) in scopes)
    }  # fmt: skip
    return next(iter(made)) if len(made) == 1 else None


def _returned(sources: Sources, name: str) -> list[tuple[Source, cst.BaseExpression]]:
    return [
        (source, node.value) for source in sources.own() for node in source.found(cst.Return)
        if isinstance(node, cst.Return) and node.value is not None
        and (function := source.function(node)) is not None and function.name.value == name
    ]  # fmt: skip
