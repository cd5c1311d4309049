"""Settings that are statements: options, environment variables, policies."""

from __future__ import annotations

import libcst as cst

from gputune.knobs.registry import environment_of
from gputune.rewrite.patch.feeds import Fed
from gputune.rewrite.patch.names import bound_anywhere, is_free, spelled
from gputune.rewrite.patch.options import option_of
from gputune.rewrite.patch.paths import the_only
from gputune.rewrite.patch.places import chain_end, ends
from gputune.rewrite.patch.placing import described, keras_place, place_of
from gputune.rewrite.patch.plan import ALREADY, MADE, Plan, Refused
from gputune.rewrite.patch.source import (
    Source,
    argument,
    chain,
    hides_arguments,
    method_of,
)
from gputune.rewrite.patch.upstream import feeding
from gputune.rewrite.patch.values import change_value
from gputune.schema.config import Setting

_OPTIONS = "gputune_options"
_POLICIES = ("set_dtype_policy", "set_global_policy", "set_policy")
_SPELLINGS = {
    "keras": ".config.set_dtype_policy",
    "tf_keras": ".mixed_precision.set_global_policy",
    # By this name in Keras 3 and in tf_keras, which tf.keras may be.
    "tensorflow.keras": ".mixed_precision.set_global_policy",
    "tensorflow.keras.mixed_precision": ".set_global_policy",
    "tensorflow": ".keras.mixed_precision.set_global_policy",
    "tensorflow.compat.v2": ".keras.mixed_precision.set_global_policy",
}


def set_option(made: Plan, setting: Setting, option: str) -> None:
    """Set an option of `tf.data.Options` at the pipeline's end; raises Refused."""
    value = str(setting.value)
    for end in ends(made, setting, "with_options"):
        there = option_of(made, end, option)
        if there is not None:
            change_value(made, setting, end.source, there, option, value)
            continue
        # What only some runs set, or another pipeline has, is left: the last options are in force.
        _set_at_end(made, setting, end, option)


def _set_at_end(made: Plan, setting: Setting, end: Fed, option: str) -> None:
    """Give the end of a pipeline options that are made before it, or add to those of a patch."""
    text = f"tf.data.Options.{option} = {setting.value}"
    present = _options_of(end)
    line = end.source.statement(present or end.node)
    where = end.source.label(end.node)
    if line is None or _hides_names(end.source, end.node):
        raise Refused(f"no statement can stand before it: set {text}", where)
    changes = made.of(end.source)
    known = changes.before.setdefault(line, [])
    added = [f"{_OPTIONS}.{option} = {setting.value}"]
    if present is not None:
        if not _made_before(end.source, line):
            raise Refused(f"it has {_OPTIONS} of another place: set {text} there", where)
    else:
        name = spelled(end.source, "tf.data", changes.imports, end.node)
        added.insert(0, f"{_OPTIONS} = {name}.Options()")
        behind = changes.behind.setdefault(end.node, [])
        if f".with_options({_OPTIONS})" not in behind:
            behind.insert(0, f".with_options({_OPTIONS})")
    known += [one for one in added if one not in known]
    made.say(setting, MADE, where, text)


def _options_of(end: Fed) -> cst.Call | None:
    """The call that a patch gave a pipeline its options with."""
    behind = chain(chain_end(end.source, end.node)) if isinstance(end.node, cst.Call) else []
    for call in (*behind, *reversed(feeding(end.source, end.node).calls)):
        given = call.args[0].value if call.args else None
        ours = given is not None and end.source.text(given) == _OPTIONS
        if ours and method_of(call) == "with_options":
            return call
    return None


def _made_before(source: Source, line: cst.SimpleStatementLine) -> bool:
    """Whether the options are made right before the line."""
    block = source.parents.get(line)
    body = list(block.body) if isinstance(block, cst.IndentedBlock | cst.Module) else []
    at = next((n for n, one in enumerate(body) if one is line), 0)
    while at > 0 and source.text(body[at - 1]).startswith(f"{_OPTIONS}."):
        at -= 1
    return at > 0 and source.text(body[at - 1]).startswith(f"{_OPTIONS} = ")


def _hides_names(source: Source, node: cst.CSTNode) -> bool:
    """Whether it stands in a function of a class's line, which sees none of the class's names."""
    inner = False
    for parent in source.above(node):
        if isinstance(parent, cst.FunctionDef):
            return False
        inner |= isinstance(parent, cst.Lambda | cst.BaseComp)
        if isinstance(parent, cst.ClassDef):
            return inner
    return False


def set_environment(made: Plan, setting: Setting) -> None:
    """Set environment variables before the script uses TensorFlow; raises Refused."""
    variables = environment_of([setting])
    if not variables:
        made.say(setting, ALREADY, "", "TensorFlow's default, which no line sets")
    present = {name: _sets_variable(made, name, text) for name, text in variables.items()}
    for name, text in variables.items():
        found = present[name]
        if found is None:
            _add_variable(made, setting, name, text)
        else:
            change_value(made, setting, found[0], found[1].value, name, f'"{text}"')


def _sets_variable(made: Plan, name: str, text: str) -> tuple[Source, cst.Assign] | None:
    """The assignment of a variable in the environment; raises Refused for any other way."""
    found: list[tuple[Source, cst.CSTNode]] = []
    for source in made.sources.own():
        for node in source.found(cst.SimpleString):
            assert isinstance(node, cst.SimpleString)
            if node.evaluated_value != name:
                continue
            assign = next((a for a in source.above(node) if isinstance(a, cst.Assign)), None)
            target = assign.targets[0].target if assign and len(assign.targets) == 1 else None
            if isinstance(target, cst.Subscript) and _is_within(source, node, target):
                assert assign is not None
                found.append((source, assign))
            elif _changes_environment(source, node):
                raise Refused(
                    f"{name} is set by another call there: give it {text}", source.label(node)
                )
    if not found:
        return None
    source, node = the_only(made.sources, found, name)
    assert isinstance(node, cst.Assign)
    return source, node


def _is_within(source: Source, node: cst.CSTNode, outer: cst.CSTNode) -> bool:
    return any(one is outer for one in source.above(node))


def _changes_environment(source: Source, node: cst.CSTNode) -> bool:
    """`os.environ.update({"NAME": "true"})` and the like; not what reads a variable."""
    for one in source.above(node):
        if isinstance(one, cst.Call):
            return method_of(one) in ("update", "putenv", "setdefault")
        if isinstance(one, cst.Del | cst.AugAssign):
            return True
    return False


def _add_variable(made: Plan, setting: Setting, name: str, text: str) -> None:
    source = made.sources.script
    place, spelling = place_of(made.sources, source, {"os": ".environ", "os.environ": ""})
    changes = made.of(source)
    if spelling is None:
        if not is_free(source, "os") and bound_anywhere(source).get("os") != "os":
            raise Refused(f"the name os is something else here: set {name}={text}")
        changes.at_top.append((place, "import os"))
        spelling = "os.environ"
    changes.at_top.append((place, f'{spelling}["{name}"] = "{text}"'))
    made.say(setting, MADE, described(source, place), f"{name}={text}")


def set_policy(made: Plan, setting: Setting) -> None:
    """Set Keras' policy before the script makes layers; raises Refused."""
    value = f'"{setting.value}"'
    found: list[tuple[Source, cst.CSTNode]] = [
        (source, call) for source in made.sources.own() for call in source.calls
        if method_of(call) in _POLICIES and call.args
    ]  # fmt: skip
    if found:
        source, call = the_only(made.sources, found, "the policy")
        assert isinstance(call, cst.Call)
        given = argument(call, "policy", 0) or argument(call, "name", None)
        if given is None or hides_arguments(call):
            raise Refused(f"it hides its argument: give it {value}", source.label(call))
        change_value(made, setting, source, given.value, "policy", value)
        return
    source = made.sources.script
    place, call_of_it, imported = keras_place(made.sources, source, _SPELLINGS)
    changes = made.of(source)
    if imported:
        changes.at_top.append((place, imported))
    changes.at_top.append((place, f"{call_of_it}({value})"))
    made.say(setting, MADE, described(source, place), f"policy {setting.value}")
