"""Settings that are statements: options, environment variables, policies."""

from __future__ import annotations

import libcst as cst

from gputune.knobs.registry import environment_of
from gputune.rewrite.patch.feeds import Fed
from gputune.rewrite.patch.names import bound, keras_name, spelled
from gputune.rewrite.patch.places import chain_end, ends
from gputune.rewrite.patch.plan import ALREADY, MADE, Plan, Refused
from gputune.rewrite.patch.source import Source, chain, method_of
from gputune.rewrite.patch.upstream import feeding
from gputune.rewrite.patch.values import change_value
from gputune.schema.config import Setting

_OPTIONS = "gputune_options"


def set_option(made: Plan, setting: Setting, option: str) -> None:
    """Set an option of `tf.data.Options` at the pipeline's end; raises Refused."""
    value = str(setting.value)
    for source in made.sources.own():
        for node in source.found(cst.Assign):
            assert isinstance(node, cst.Assign)
            target = source.text(node.targets[0].target)
            if len(node.targets) == 1 and target.endswith(f".{option}"):
                change_value(made, setting, source, node.value, option, value)
                return
    for end in ends(made, setting, "with_options"):
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
        name = spelled(end.source, "tf.data", changes.imports)
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
    """Whether the names of the statement are not seen: in a comprehension of a class's body."""
    inner = False
    for parent in source.above(node):
        if isinstance(parent, cst.FunctionDef):
            return False
        if isinstance(parent, cst.ClassDef):
            return inner
        inner = inner or isinstance(parent, cst.BaseComp | cst.Lambda)
    return False


def set_environment(made: Plan, setting: Setting) -> None:
    """Set environment variables behind the script's imports; raises Refused."""
    variables = environment_of([setting])
    source = made.sources.script
    if not variables:
        made.say(setting, ALREADY, "", "TensorFlow's default, which no line sets")
    for name, text in variables.items():
        for node in source.found(cst.Assign):
            assert isinstance(node, cst.Assign)
            target = node.targets[0].target
            if isinstance(target, cst.Subscript) and name in source.text(target):
                change_value(made, setting, source, node.value, name, f'"{text}"')
                break
        else:
            changes = made.of(source)
            changes.imports += [] if _imports_os(source) else ["import os"]
            changes.after_imports.append(f'os.environ["{name}"] = "{text}"')
            made.say(setting, MADE, f"{source.path.name}, behind the imports", f"{name}={text}")


def _imports_os(source: Source) -> bool:
    """Whether the name `os` is the module, from the top of the file on."""
    return ("os", "os") in list(bound(source))


def set_policy(made: Plan, setting: Setting) -> None:
    """Set Keras' policy behind the script's imports; raises Refused."""
    value = f'"{setting.value}"'
    for source in made.sources.own():
        for call in source.calls:
            if method_of(call) in ("set_dtype_policy", "set_global_policy") and call.args:
                change_value(made, setting, source, call.args[0].value, "policy", value)
                return
    source = made.sources.script
    changes = made.of(source)
    name = keras_name(source)
    if name is None:
        changes.imports.append("import keras")
        name = "keras"
    changes.after_imports.append(f"{name}.config.set_dtype_policy({value})")
    made.say(setting, MADE, f"{source.path.name}, behind the imports", f"policy {setting.value}")
