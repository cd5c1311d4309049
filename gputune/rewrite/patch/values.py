"""Values in the source: given to a call, or changed where they are set."""

from __future__ import annotations

import libcst as cst

from gputune.rewrite.call import ARGUMENT, METHODS
from gputune.rewrite.patch.names import spelled
from gputune.rewrite.patch.origins.origin import origin
from gputune.rewrite.patch.origins.quest import Origin, Unknown
from gputune.rewrite.patch.origins.reading import written
from gputune.rewrite.patch.plan import ALREADY, MADE, NOTED, Plan, Refused
from gputune.rewrite.patch.source import (
    Source,
    argument,
    hides_arguments,
    method_of,
)
from gputune.schema.config import Setting


def set_argument(
    made: Plan, setting: Setting, source: Source, call: cst.Call, name: str, place: int | None,
    value: str,
) -> None:  # fmt: skip
    """Give a call an argument, or change the place where its value is set."""
    where = source.label(call)
    if hides_arguments(call):
        raise Refused(f"* or ** hide its arguments: give {method_of(call)} {name}={value}", where)
    given = argument(call, name, place)
    if given is None:
        text = spelled(source, value, made.of(source).imports, call)
        known = made.of(source).arguments.setdefault(call, {})
        if why := made.dispute((call, name), text):
            known.pop(name, None)
            raise Refused(why, where)
        known[name] = text
        said = len(made.told)
        made.say(setting, MADE, where, f"{name}={text} added to {method_of(call)}(…)")
        made.claim((call, name), text, said)
        return
    _change(made, setting, source, given.value, name, value, where)


def change_value(
    made: Plan, setting: Setting, source: Source, node: cst.BaseExpression, name: str, value: str
) -> None:
    """Change the place where an expression has its value from; raises Refused."""
    _change(made, setting, source, node, name, value, source.label(node))


def _change(
    made: Plan, setting: Setting, source: Source, node: cst.BaseExpression, name: str, value: str,
    where: str,
) -> None:  # fmt: skip
    found = _origin(made, setting.knob, source, node, value)
    if isinstance(found, Unknown):
        raise Refused(found.reason, where)
    at, before = found.source.label(found.node), found.source.text(found.node)
    text = written(found, value)
    if text is None:
        raise Refused(f"{before} is text that is read there: give it what stands for {value}", at)
    text = _spelled(made, source, found, text)
    if why := made.dispute(found.node, text):
        made.of(found.source).replaced.pop(found.node, None)
        raise Refused(why, at)
    said = len(made.told)
    if same_value(before, text):
        made.say(setting, ALREADY, at, f"{name} is {text}")
    else:
        made.of(found.source).replaced[found.node] = cst.parse_expression(text)
        made.say(setting, MADE, at, f"{name}: {before} → {text}")
    if found.also:
        made.say(setting, NOTED, at, found.also)
    made.claim(found.node, text, said)


def _origin(
    made: Plan, knob: str, source: Source, node: cst.BaseExpression, value: str
) -> Origin | Unknown:
    # A batch size is one for the whole script: steps are counted with the same constant.
    return origin(made.sources, source, node, value, together=knob == "batch_size")


def _spelled(made: Plan, source: Source, found: Origin, text: str) -> str:
    """The text in the names of the file that it is written to."""
    imports: list[str] = []
    spelt = spelled(found.source, text, imports, found.node)
    if imports and found.source is not source:
        return "-1"  # no file of constants imports TensorFlow for one
    made.of(found.source).imports += [
        one for one in imports if one not in made.of(found.source).imports
    ]
    return spelt


def text_of(node: cst.BaseExpression) -> str | None:
    """The text of a string literal, or None."""
    if isinstance(node, cst.SimpleString) and isinstance(node.evaluated_value, str):
        return node.evaluated_value
    return None


def same_value(is_now: str, wanted: str) -> bool:
    """Whether two expressions are the same value: `1e-3` and `0.001`."""
    if is_now == wanted:
        return True
    if wanted.endswith("AUTOTUNE"):
        return is_now == "-1" or is_now.rpartition(".")[2] == "AUTOTUNE"
    try:
        return float(is_now.replace("_", "")) == float(wanted)
    except ValueError:
        return is_now.strip("\"'") == wanted.strip("\"'")


def has_value(made: Plan, source: Source, call: cst.Call, knob: str, value: str) -> bool:
    """Whether a call has the value already, wherever it is set."""
    given = argument(call, ARGUMENT.get(knob, knob), METHODS.get(knob, {}).get(method_of(call)))
    if given is None:
        return False
    found = _origin(made, knob, source, given.value, value)
    if isinstance(found, Unknown):
        return False
    text = written(found, value)
    return text is not None and same_value(found.source.text(found.node), text)
