"""Options of the command line that set a value: argparse's, and click's decorators."""

from __future__ import annotations

import libcst as cst

from gputune.rewrite.patch.origins.quest import Origin, Quest, Unknown, is_value, string
from gputune.rewrite.patch.origins.reading import as_text
from gputune.rewrite.patch.source import Source, argument, method_of

_PLAIN = ("int", "float", "str", "bool")
_SWITCHES = {"store_true": "True", "store_false": "False"}


def of_options(quest: Quest, name: str) -> Origin | Unknown | None:
    """The default of the argparse option that makes this attribute, where there is one."""
    own = quest.own()
    found = [
        (source, call) for source in own for call in source.calls
        if method_of(call) == "add_argument" and _dest(call) == name
    ]  # fmt: skip
    for source in own:
        for call in source.calls:
            if method_of(call) == "set_defaults" and any(
                arg.star or (arg.keyword is not None and arg.keyword.value == name)
                for arg in call.args
            ):
                return Unknown(
                    f"set_defaults(…) sets {name}, too ({source.label(call)}): "
                    f"set it to {quest.wanted} there"
                )
    if len(found) > 1:
        lines = ", ".join(source.label(call) for source, call in found)
        return Unknown(f"several options are called {name} ({lines}): set it to {quest.wanted}")
    return of_option(quest, *found[0]) if found else None


def of_option(quest: Quest, source: Source, call: cst.Call) -> Origin | Unknown:
    """The default of one option, and how to pass it; of `add_argument` and of `click.option`."""
    flag, wanted = _flag(call), quest.wanted
    switch = _of_switch(call, flag, wanted)
    if switch is not None:
        return Unknown(switch)
    nargs = argument(call, "nargs", None)
    if nargs is not None and string(nargs.value) != "?":
        return Unknown(f"{flag} takes several values ({source.label(call)})")
    kind = argument(call, "type", None)
    read = source.text(kind.value) if kind is not None else ""
    reads = (read,) if read in _PLAIN else ()
    text = as_text(wanted, reads)
    if text is None or (kind is not None and not reads):
        say = f"give {flag} what stands for {wanted}"
    else:
        problem = _of_choices(source, call, flag, text)
        if problem:
            return Unknown(problem)
        say = _passed(flag, text)
    default = argument(call, "default", None)
    required = argument(call, "required", None)
    forced = (required is not None and source.text(required.value) != "False") or (
        not flag.startswith("-") and nargs is None
    )
    if default is None or forced or not is_value(source, default.value):
        return Unknown(say)
    return Origin(source, default.value, reads, True, f"{say} where you pass {flag} yourself")


def click_option(function: cst.FunctionDef, name: str) -> cst.Call | None:
    """The decorator `click.option("--batch", …)` that gives a function its parameter."""
    for decorator in function.decorators:
        call = decorator.decorator
        if (
            isinstance(call, cst.Call)
            and method_of(call) in ("option", "argument")
            and _dest(call).lower() == name
        ):
            return call
    return None


def _passed(flag: str, text: str) -> str:
    if not flag.startswith("-"):
        return f"run it with `{text}` for {flag}"
    if text.startswith("-"):  # which argparse takes for an option where it stands alone
        return f"run it with `{flag}={text}`" if flag[1:2] == "-" else f"run it with `{flag}{text}`"
    return f"run it with `{flag} {text}`"


def _of_switch(call: cst.Call, flag: str, wanted: str) -> str | None:
    """What to do about an option that takes no value."""
    action = argument(call, "action", None) or argument(call, "is_flag", None)
    if action is None:
        return None
    text = string(action.value)
    if text == "store":
        return None
    if text in _SWITCHES and wanted in ("True", "False"):
        return f"run it with{'' if _SWITCHES[text] == wanted else 'out'} `{flag}`"
    if isinstance(action.value, cst.Attribute | cst.Name) and wanted in ("True", "False"):
        word = action.value.attr if isinstance(action.value, cst.Attribute) else action.value
        if word.value == "BooleanOptionalAction":
            return f"run it with `{flag if wanted == 'True' else '--no-' + flag.lstrip('-')}`"
    return f"{flag} takes no value: make it {wanted}"


def _of_choices(source: Source, call: cst.Call, flag: str, text: str) -> str | None:
    """Why an option does not take the value."""
    choices = argument(call, "choices", None)
    if choices is None:
        return None
    at = source.label(call)
    if not isinstance(choices.value, cst.List | cst.Tuple | cst.Set):
        return f"{flag} takes only what its choices say ({at}): make it {text}"
    known = [
        string(e.value) if string(e.value) is not None else source.text(e.value)
        for e in choices.value.elements
    ]
    return None if text in known else f"{text} is none of the choices of {flag} ({at}): add it"


def _flag(call: cst.Call) -> str:
    texts = [string(arg.value) for arg in call.args if arg.keyword is None]
    return next((t for t in texts if t and t.startswith("--")), texts[0] if texts else None) or ""


def _dest(call: cst.Call) -> str:
    given = argument(call, "dest", None)
    if given is not None:
        return string(given.value) or ""
    texts = [string(arg.value) or "" for arg in call.args if arg.keyword is None]
    named = [text for text in texts if text and not text.startswith("-")]
    return named[-1] if named else _flag(call).lstrip("-").replace("-", "_")
