"""Where an attribute or a key of a known thing gets its value."""

from __future__ import annotations

import libcst as cst

from gputune.rewrite.patch.origins.command_line import of_options
from gputune.rewrite.patch.origins.definitions import word
from gputune.rewrite.patch.origins.quest import At, Origin, Quest, Thing, ThingOf, Unknown, string
from gputune.rewrite.patch.origins.scopes import ASSIGNED, bindings, of_module, scope_of, stores
from gputune.rewrite.patch.source import Source, argument, method_of, receiver

_CHANGES = ("update", "setdefault", "pop", "popitem", "clear", "merge_update", "__setitem__")
_BY_PLACE = ("dataclass", "NamedTuple")
"""What makes a class take its fields as arguments, in their order."""


def of_attribute(
    quest: Quest, base: Thing, name: str, thing_of: ThingOf
) -> list[At] | Origin | Unknown | None:
    """Where an attribute gets its value, if nothing else can set it."""
    written = _writes(quest, base, name, thing_of)
    if base.kind == "options":
        return _sets(written, name, quest) or _own_line(quest, base) or of_options(quest, name)
    if base.kind == "module":
        found = of_module(base.source, name)
        if len(found) == 1 and found[0].kind == ASSIGNED and not written:
            assert isinstance(found[0].of, cst.BaseExpression)
            return [At(base.source, found[0].of)]
        lines = len(found) + len(written)
        if lines > 1:
            return _sets(written, name, quest) or Unknown(
                f"{name} is set {lines} times in {base.source.path.name}: set it to {quest.wanted}"
            )
        return None
    if base.kind not in ("class", "instance"):
        return None
    assert isinstance(base.node, cst.ClassDef)
    return _of_class(quest, base, base.node, name, written, thing_of)


def _own_line(quest: Quest, base: Thing) -> Unknown | None:
    """Why the default does not count where the script writes the command line itself."""
    given = base.node.args[0].value if isinstance(base.node, cst.Call) and base.node.args else None
    if not isinstance(given, cst.List | cst.Tuple) or not given.elements:
        return None
    return Unknown(
        f"{base.source.label(given)} gives the options itself: give {quest.wanted} there"
    )


def _sets(written: list[At], name: str, quest: Quest) -> Unknown | None:
    if not written:
        return None
    lines = ", ".join(at.source.label(at.node) for at in written)
    return Unknown(f"{name} is set elsewhere, too ({lines}): set it to {quest.wanted} there")


def _writes(quest: Quest, base: Thing, name: str, thing_of: ThingOf) -> list[At]:
    """The assignments to such an attribute that may be of this thing."""
    found = []
    for where in quest.own():
        for node in stores(where, cst.Attribute):
            assert isinstance(node, cst.Attribute)
            if node.attr.value == name and _may_be(
                base, thing_of(quest.deeper(), where, node.value)
            ):
                found.append(At(where, node))
        for call in where.calls:
            if method_of(call) != "setattr" or not call.args:
                continue
            key = argument(call, "name", 1)
            if (key is None or string(key.value) in (None, name)) and _may_be(
                base, thing_of(quest.deeper(), where, call.args[0].value)
            ):
                found.append(At(where, call))
    return found


def _may_be(base: Thing, other: Thing | None) -> bool:
    """Whether two things can be the same one, or of classes of one family."""
    if other is None:
        return base.kind != "module"  # a module is only meant by its name
    if isinstance(base.node, cst.ClassDef) and isinstance(other.node, cst.ClassDef):
        return base.node is other.node or bool(_family(base.node) & _family(other.node))
    if base.kind == "module":
        return other.kind == "module" and other.source is base.source
    return base.kind == other.kind


def _family(node: cst.ClassDef) -> set[str]:
    outside = ("object", "Callback", "Model", "Layer", "Enum", "IntEnum", *_BY_PLACE)
    return {node.name.value, *(word(base.value) for base in node.bases)} - set(outside)


def _of_class(
    quest: Quest, base: Thing, owner: cst.ClassDef, name: str, written: list[At], thing_of: ThingOf
) -> list[At] | Unknown | None:
    fields = [
        one for one in bindings(base.source, name) if one.scope is owner and one.kind == ASSIGNED
    ]
    defined = [one for one in bindings(base.source, name) if one.scope is owner]
    if written:
        only = _in_init(base.source, owner, written)
        if only is None or defined or base.kind == "class":
            return _sets(written, name, quest)
        return [only]
    for where in quest.own() if base.kind == "instance" and base.call is None else ():
        for other in where.found(cst.ClassDef):
            assert isinstance(other, cst.ClassDef)
            if owner.name.value in [word(one.value) for one in other.bases] and any(
                one.scope is other for one in bindings(where, name)
            ):
                return Unknown(
                    f"{other.name.value} has {name} of its own ({where.label(other)}): "
                    "which of them is meant cannot be told"
                )
    passed = _constructed(quest, base, owner, name, thing_of)
    if passed is not None:
        return passed
    if len(fields) != 1 or len(defined) != 1:
        return None
    value = fields[0].of
    assert isinstance(value, cst.BaseExpression)
    if isinstance(value, cst.Call) and method_of(value) == "field":
        default = argument(value, "default", None)
        if default is not None:
            return [At(base.source, default.value)]
    return [At(base.source, value)]


def _in_init(source: Source, owner: cst.ClassDef, written: list[At]) -> At | None:
    """The value of `self.name = value`, where that stands once, and always runs, in `__init__`."""
    only = written[0]
    target = source.parents.get(only.node)
    assign = source.parents.get(target) if isinstance(target, cst.AssignTarget) else None
    function = source.function(only.node)
    if (
        len(written) > 1
        or only.source is not source
        or not isinstance(assign, cst.Assign)
        or function is None
        or function.name.value != "__init__"
        or scope_of(source, function) is not owner
        or source.parents.get(source.parents[assign]) is not function.body
    ):
        return None
    return At(source, assign.value)


def _constructed(
    quest: Quest, base: Thing, owner: cst.ClassDef, name: str, thing_of: ThingOf
) -> list[At] | Unknown | None:
    """What the call that makes an instance gives the field, where it does."""
    if base.kind != "instance":
        return None
    calls = [base.call] if base.call is not None else _makers(quest, owner, thing_of)
    found = []
    for at in calls:
        call = at.node
        assert isinstance(call, cst.Call)
        if method_of(call) == "field":
            continue
        if any(arg.star for arg in call.args):
            return Unknown(
                f"{owner.name.value}(…) is given * or ** ({at.source.label(call)}): "
                f"give it {name}={quest.wanted}"
            )
        plain = [arg for arg in call.args if arg.keyword is None]
        fields = _fields(base.source, owner)
        place = fields.index(name) if fields is not None and name in fields else None
        if plain and fields is None:
            return Unknown(
                f"what {owner.name.value}(…) is given cannot be told ({at.source.label(call)}): "
                f"give it {name}={quest.wanted}"
            )
        given = argument(call, name, place)
        if given is not None:
            found.append(At(at.source, given.value))
    if found and len(found) < len(calls):
        lines = ", ".join(at.source.label(at.node) for at in found)
        return Unknown(
            f"{owner.name.value} is made with {name} and without ({lines}): "
            f"which is meant cannot be told"
        )
    return found or None


def _makers(quest: Quest, owner: cst.ClassDef, thing_of: ThingOf) -> list[At]:
    found = []
    for where in quest.own():
        for call in where.calls:
            made = thing_of(quest.deeper(), where, call.func) if call.args else None
            if made is not None and made.kind == "class" and made.node is owner:
                found.append(At(where, call))
    return found


def _fields(source: Source, owner: cst.ClassDef) -> list[str] | None:
    """The fields of a class in the order in which they are its arguments; None if not known.

    A class with an `__init__` of its own has none.
    """
    body = owner.body.body
    if any(isinstance(one, cst.FunctionDef) and one.name.value == "__init__" for one in body):
        return []
    kinds = [word(one.decorator) for one in owner.decorators]
    bases = [word(one.value) for one in owner.bases]
    if not ("dataclass" in kinds and not bases) and bases != ["NamedTuple"]:
        return None
    return [
        part.target.value
        for line in body if isinstance(line, cst.SimpleStatementLine)
        for part in line.body
        if isinstance(part, cst.AnnAssign) and isinstance(part.target, cst.Name)
    ]  # fmt: skip


def of_key(quest: Quest, base: Thing, key: str, thing_of: ThingOf) -> list[At] | Unknown | None:
    """Where the key of a dict that is written out gets its value, if nothing else can set it."""
    written = _key_writes(quest, base, key, thing_of)
    if written:
        return _sets(written, f"{key!r}", quest)
    if isinstance(base.node, cst.Call):
        if any(arg.star or arg.keyword is None for arg in base.node.args):
            return None
        given = argument(base.node, key, None)
        return None if given is None else [At(base.source, given.value)]
    assert isinstance(base.node, cst.Dict)
    values: list[cst.BaseExpression] = []
    for element in base.node.elements:
        if isinstance(element, cst.StarredDictElement):
            if values:
                return Unknown(
                    f"**{base.source.text(element.value)[:40]} behind {key!r} can set it, too "
                    f"({base.source.label(element)}): set it to {quest.wanted} there"
                )
        elif isinstance(element, cst.DictElement):
            if string(element.key) == key:
                values.append(element.value)
            elif string(element.key) is None and not isinstance(
                element.key, cst.Integer | cst.Float
            ):
                return None
    return [At(base.source, values[0])] if len(values) == 1 else None


def _key_writes(quest: Quest, base: Thing, key: str, thing_of: ThingOf) -> list[At]:
    found = []

    def same(where: Source, node: cst.BaseExpression, unsure: bool) -> bool:
        other = thing_of(quest.deeper(), where, node)
        return unsure if other is None else other.node is base.node

    for where in quest.own():
        for node in stores(where, cst.Subscript):
            assert isinstance(node, cst.Subscript)
            index = node.slice[0].slice
            named = string(index.value) if isinstance(index, cst.Index) else None
            if named in (None, key) and same(where, node.value, named == key):
                found.append(At(where, node))
        for call in where.calls:
            on = receiver(call)
            if method_of(call) in _CHANGES and on is not None and same(where, on, False):
                found.append(At(where, call))
        for changed in where.found(cst.AugAssign):
            assert isinstance(changed, cst.AugAssign)
            if not isinstance(changed.target, cst.Name) and same(where, changed.target, False):
                found.append(At(where, changed.target))
    return found
