"""Where the value of an argument is set: a literal, a constant, a default, an option."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import libcst as cst

from gputune.rewrite.patch.source import Source, argument, method_of
from gputune.rewrite.patch.sources import Sources

_DEEPEST = 8
_CASTS = ("int", "float", "str", "bool")


@dataclass(frozen=True)
class Origin:
    """The literal to change; `also` says how else the value reaches the script."""

    source: Source
    node: cst.BaseExpression
    quoted: bool = False
    """Whether the value is a string there, which is read as a number."""
    also: str = ""


@dataclass(frozen=True)
class Unknown:
    """Why no place can be changed."""

    reason: str


def origin(
    sources: Sources, source: Source, node: cst.BaseExpression, wanted: str, depth: int = 0
) -> Origin | Unknown:
    """The place where the value of this expression is set.

    `wanted` is the new value, for what is said to the user.
    """

    def from_here(inner: cst.BaseExpression, where: Source = source) -> Origin | Unknown:
        return origin(sources, where, inner, wanted, depth + 1)

    unknown = Unknown(f"it comes from «{source.text(node)[:60]}»: set {wanted} where that is made")
    if depth > _DEEPEST:
        return unknown
    if _is_literal(node) or _is_autotune(source, node):
        return Origin(source, node)
    if isinstance(node, cst.Name):
        return _of_name(sources, source, node, wanted, depth) or unknown
    if isinstance(node, cst.Attribute):
        return _of_attribute(sources, source, node, wanted, depth) or unknown
    if isinstance(node, cst.Subscript):
        return _of_subscript(sources, source, node, wanted, depth) or unknown
    if isinstance(node, cst.Call):
        if method_of(node) in _CASTS and isinstance(node.func, cst.Name) and len(node.args) == 1:
            return from_here(node.args[0].value)
        variable = _environment(source, node)
        if variable is not None:
            default = argument(node, "default", 1)
            say = f"run it with {variable}={wanted}"
            if default is None or not _is_literal(default.value):
                return Unknown(say)
            quoted = isinstance(default.value, cst.SimpleString)
            return Origin(source, default.value, quoted, f"{say} where you set that variable")
    return unknown


def _of_name(
    sources: Sources, source: Source, node: cst.Name, wanted: str, depth: int
) -> Origin | Unknown | None:
    name = node.value
    function = source.function(node)
    while function is not None:
        parameter = _parameter(function, name)
        if parameter is not None:
            return _of_parameter(sources, source, function, parameter, wanted, depth)
        inside = [value for value, scope in _assigned(source, name) if scope is function]
        if inside:
            return _only(sources, source, inside, name, wanted, depth)
        function = source.function(function)
    values = [value for value, scope in _assigned(source, name) if scope is None]
    if values:
        return _only(sources, source, values, name, wanted, depth)
    found = sources.imported(source, name)
    if found is not None:
        where, there = found
        values = [value for value, scope in _assigned(where, there) if scope is None]
        if values:
            return _only(sources, where, values, there, wanted, depth)
    return None


def _only(
    sources: Sources, source: Source, values: list[cst.BaseExpression | None], name: str,
    wanted: str, depth: int,
) -> Origin | Unknown:  # fmt: skip
    if len(values) > 1:
        return Unknown(
            f"{name} is set {len(values)} times in {source.path.name}: set it to {wanted}"
        )
    if values[0] is None:
        return Unknown(f"{name} is set by no simple assignment: set it to {wanted}")
    return origin(sources, source, values[0], wanted, depth + 1)


def _assigned(
    source: Source, name: str
) -> list[tuple[cst.BaseExpression | None, cst.FunctionDef | None]]:
    """What is assigned to a name, and in which function; None for what is not simply assigned."""
    found: list[tuple[cst.BaseExpression | None, cst.FunctionDef | None]] = []
    for node in source.found(cst.Name):
        assert isinstance(node, cst.Name)
        if node.value != name:
            continue
        parent = source.parents.get(node)
        value: cst.BaseExpression | None = None
        if isinstance(parent, cst.AssignTarget):
            assign = source.parents[parent]
            assert isinstance(assign, cst.Assign)
            value = assign.value
        elif isinstance(parent, cst.AnnAssign) and parent.target is node:
            if parent.value is None:
                continue
            value = parent.value
        elif not (
            (isinstance(parent, cst.AugAssign | cst.For | cst.NamedExpr) and parent.target is node)
            or (isinstance(parent, cst.Element) and _is_target(source, parent))
        ):
            continue
        if any(isinstance(above, cst.ClassDef) for above in source.above(node)) and not (
            source.function(node)
        ):
            continue  # a class's own name
        found.append((value, source.function(node)))
    return found


def _is_target(source: Source, element: cst.Element) -> bool:
    above = source.parents.get(element)
    return isinstance(above, cst.Tuple | cst.List) and isinstance(
        source.parents.get(above), cst.AssignTarget | cst.For
    )


def _parameter(function: cst.FunctionDef, name: str) -> cst.Param | None:
    params = function.params
    every = (*params.posonly_params, *params.params, *params.kwonly_params)
    return next((param for param in every if param.name.value == name), None)


def _of_parameter(
    sources: Sources, source: Source, function: cst.FunctionDef, parameter: cst.Param,
    wanted: str, depth: int,
) -> Origin | Unknown:  # fmt: skip
    params = [p.name.value for p in (*function.params.posonly_params, *function.params.params)]
    name = parameter.name.value
    place = params.index(name) if name in params else None
    if place is not None and params[0] in ("self", "cls"):
        place -= 1
    called = function.name.value
    if isinstance(source.parents.get(function), cst.IndentedBlock) and called == "__init__":
        owner = next((a for a in source.above(function) if isinstance(a, cst.ClassDef)), None)
        called = owner.name.value if owner is not None else called
    calls = [
        (where, call) for where in {s.path: s for s in (source, *sources.own())}.values()
        for call in where.calls if method_of(call) == called
    ]  # fmt: skip
    given = [(where, argument(call, name, place)) for where, call in calls]
    passed = [(where, arg.value) for where, arg in given if arg is not None]
    if any(arg.star for _, call in calls for arg in call.args):
        return Unknown(f"{called}(…) is called with * or **: pass {name}={wanted} there")
    if len(passed) == len(calls) == 1:
        where, value = passed[0]
        return origin(sources, where, value, wanted, depth + 1)
    if not passed and parameter.default is not None and _is_literal(parameter.default):
        return Origin(source, parameter.default)
    found = [origin(sources, where, value, wanted, depth + 1) for where, value in passed]
    same = {id(one.node): one for one in found if isinstance(one, Origin)}
    if passed and len(passed) == len(calls) and len(same) == 1 and len(found) == sum(
        isinstance(one, Origin) for one in found
    ):  # fmt: skip
        return next(iter(same.values()))
    lines = ", ".join(where.label(value) for where, value in passed) or source.label(function)
    return Unknown(
        f"{name} of {called}(…) is given in several places ({lines}): pass {wanted} there"
    )


def _of_attribute(
    sources: Sources, source: Source, node: cst.Attribute, wanted: str, depth: int
) -> Origin | Unknown | None:
    name = node.attr.value
    if isinstance(node.value, cst.Name):
        module = sources.module(source, node.value.value)
        if module is not None:
            values = [value for value, scope in _assigned(module, name) if scope is None]
            if values:
                return _only(sources, module, values, name, wanted, depth)
    everywhere = list({s.path: s for s in (source, *sources.own())}.values())
    options = [(where, call) for where in everywhere for call in _options(where, name)]
    fields = [(where, value) for where in everywhere for value in _fields(where, name)]
    if len(options) + len(fields) != 1:
        return None
    if options:
        where, call = options[0]
        flag = _flag(call)
        default = argument(call, "default", None)
        say = f"run it with `{flag} {wanted}`"
        if default is None or not _is_literal(default.value):
            return Unknown(say)
        quoted = isinstance(default.value, cst.SimpleString)
        return Origin(where, default.value, quoted, f"{say} where you pass {flag} yourself")
    where, value = fields[0]
    owner = next(a for a in where.above(value) if isinstance(a, cst.ClassDef))
    made = [
        (at, arg) for at in everywhere for call in at.calls
        if method_of(call) == owner.name.value
        and (arg := argument(call, name, None)) is not None
    ]  # fmt: skip
    if len(made) == 1:
        return origin(sources, made[0][0], made[0][1].value, wanted, depth + 1)
    if made:
        return Unknown(f"{owner.name.value} is made {len(made)} times: give each {name}={wanted}")
    return origin(sources, where, value, wanted, depth + 1)


def _options(source: Source, name: str) -> list[cst.Call]:
    """The calls of argparse's `add_argument` that make the attribute."""
    return [
        call for call in source.calls if method_of(call) == "add_argument" and _dest(call) == name
    ]


def _flag(call: cst.Call) -> str:
    texts = [_string(arg.value) for arg in call.args if arg.keyword is None]
    return next((t for t in texts if t and t.startswith("--")), texts[0] if texts else None) or ""


def _dest(call: cst.Call) -> str:
    given = argument(call, "dest", None)
    if given is not None:
        return _string(given.value) or ""
    return _flag(call).lstrip("-").replace("-", "_")


def _fields(source: Source, name: str) -> list[cst.BaseExpression]:
    """The values that classes give to an attribute of this name: dataclass fields, constants."""
    found = []
    for node in source.found(cst.ClassDef):
        assert isinstance(node, cst.ClassDef)
        if not isinstance(node.body, cst.IndentedBlock):
            continue
        for line in node.body.body:
            if not isinstance(line, cst.SimpleStatementLine):
                continue
            for part in line.body:
                target: cst.BaseExpression | None = None
                if isinstance(part, cst.AnnAssign):
                    target = part.target
                elif isinstance(part, cst.Assign) and len(part.targets) == 1:
                    target = part.targets[0].target
                value = getattr(part, "value", None)
                if isinstance(target, cst.Name) and target.value == name and value is not None:
                    found.append(value)
    return found


def _of_subscript(
    sources: Sources, source: Source, node: cst.Subscript, wanted: str, depth: int
) -> Origin | Unknown | None:
    """`config["batch_size"]` of a dict that is written out once."""
    index = node.slice[0].slice if len(node.slice) == 1 else None
    key = _string(index.value) if isinstance(index, cst.Index) else None
    if key is not None and source.text(node.value).endswith("environ"):
        return Unknown(f"run it with {key}={wanted}")
    if key is None or not isinstance(node.value, cst.Name):
        return None
    name, where = node.value.value, source
    made = _assigned(source, name)
    if not made:
        found = sources.imported(source, name)
        if found is None:
            return None
        where, name = found
        made = _assigned(where, name)
    if len(made) != 1 or not isinstance(made[0][0], cst.Dict):
        return None
    written = [
        call for call in where.found(cst.Subscript)
        if isinstance(where.parents.get(call), cst.AssignTarget)
        and where.text(call).startswith(f"{name}[")
    ]  # fmt: skip
    if written:
        return None
    values = [
        e.value for e in made[0][0].elements
        if isinstance(e, cst.DictElement) and _string(e.key) == key
    ]  # fmt: skip
    return origin(sources, where, values[0], wanted, depth + 1) if len(values) == 1 else None


def _environment(source: Source, call: cst.Call) -> str | None:
    """The variable that `os.environ.get(…)` or `os.getenv(…)` reads."""
    text = source.text(call.func)
    if text.endswith(("environ.get", "getenv")) and call.args:
        return _string(call.args[0].value)
    return None


def _string(node: cst.BaseExpression | None) -> str | None:
    if isinstance(node, cst.SimpleString):
        try:
            value = ast.literal_eval(node.value)
        except (SyntaxError, ValueError):
            return None
        return value if isinstance(value, str) else None
    return None


def _is_literal(node: cst.BaseExpression) -> bool:
    if isinstance(node, cst.UnaryOperation):
        return _is_literal(node.expression)
    if isinstance(node, cst.Name):
        return node.value in ("True", "False", "None")
    return isinstance(node, cst.Integer | cst.Float | cst.SimpleString)


def _is_autotune(source: Source, node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Attribute | cst.Name) and (
        source.text(node).rpartition(".")[2] == "AUTOTUNE"
    )
