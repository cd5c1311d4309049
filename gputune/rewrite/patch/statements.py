"""Settings that are statements: options, environment variables, policies."""

from __future__ import annotations

import libcst as cst

from gputune.knobs.registry import environment_of
from gputune.rewrite.patch.names import bound, keras_name, spelled
from gputune.rewrite.patch.options import given_by, option_of
from gputune.rewrite.patch.places import ends
from gputune.rewrite.patch.plan import ALREADY, MADE, Plan, Refused
from gputune.rewrite.patch.source import (
    Source,
    method_of,
)
from gputune.rewrite.patch.values import change_value
from gputune.schema.config import Setting

_OPTIONS = "gputune_options"


def set_option(made: Plan, setting: Setting, option: str) -> None:
    """Set an option of `tf.data.Options` at the pipeline's end; raises Refused."""
    value = str(setting.value)
    for end in ends(made, setting, "with_options"):
        there = option_of(made, end, option)
        if there is not None:
            change_value(made, setting, end.source, there, option, value)
            continue
        line = end.source.statement(end.node)
        where = end.source.label(end.node)
        if line is None:
            raise Refused(
                f"no statement can stand before it: set tf.data.Options.{option} = {value}", where
            )
        changes = made.of(end.source)
        known = changes.before.setdefault(line, [])
        name = spelled(end.source, "tf.data", changes.imports)
        made_there = f"{_OPTIONS} = {name}.Options()"
        if made_there not in known and not given_by(end, _OPTIONS):
            known.insert(0, made_there)
            changes.behind.setdefault(end.node, []).insert(0, f".with_options({_OPTIONS})")
        known.append(f"{_OPTIONS}.{option} = {value}")
        made.say(setting, MADE, where, f"tf.data.Options.{option} = {value}")


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
