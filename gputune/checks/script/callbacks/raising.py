"""What a callback raises, and the guarded form of its hook. Pure."""

from __future__ import annotations

import ast
import textwrap

from gputune.checks.script.callbacks.facts import RaisedIn
from gputune.schema.finding import Finding, Severity

_LONGEST = 30
"""Lines of a hook that are shown with their guard; of a longer one only the frame."""


def finding(found: RaisedIn) -> Finding:
    """`callback-raises`, with the hook, the line, and the guarded form to paste."""
    first = next((line.strip() for line in found.text.splitlines() if line.strip()), "")
    said = f"{found.error}: {first[:300]}" if first else found.error
    return Finding(
        id="callback-raises",
        severity=Severity.PROBLEM,
        title=f"{found.callback}.{found.hook} raises {found.error}, which ends the training.",
        evidence=(said, "the check has gone on without it"),
        remedy=_remedy(found),
        site=found.site,
        snippet=guarded_form(found.source, found.callback, found.hook) if found.own else "",
    )


def _remedy(found: RaisedIn) -> str:
    if found.missing_folder:
        cure = f"Make the folder first: os.makedirs({found.missing_folder!r}, exist_ok=True)."
    elif found.error == "KeyError":
        cure = "Repair the line: logs holds the metrics' names, and logs.get(name) is None without."
    elif found.error == "TypeError" and "argument" in found.text:
        cure = f"Give {found.hook} the parameters that Keras passes (see the snippet's first line)."
    else:
        cure = "Repair the line."
    if not found.own:
        return f"{cure} It is Keras' own callback: look at the arguments that it was given."
    return f"{cure} What a training can do without is guarded like this (import logging):"


def guarded_form(source: str, callback: str, hook: str) -> str:
    """The hook with its body in a `try` whose `except` logs; the docstring stays outside.

    A long hook, or one whose text cannot be moved to the right without changing it (a string of
    several lines), is shown without its body.
    """
    says = f'logging.exception("{callback}.{hook} failed; the training goes on")'
    text = textwrap.dedent(source)
    parsed = _function(text)
    if parsed is None:
        header, body = f"def {hook}({_PARAMETERS.get(hook, 'self, logs=None')}):", ["..."]
    else:
        lines = text.splitlines()
        statements = parsed.body
        if _is_docstring(statements[0]) and len(statements) > 1:
            statements = statements[1:]
        first = statements[0].lineno - 1
        header = "\n".join(lines[:first])
        body = textwrap.dedent("\n".join(lines[first : parsed.end_lineno])).splitlines()
        if len(body) > _LONGEST or _has_long_string(parsed):
            body = ["...  # as it is now"]
    inner = textwrap.indent("\n".join(body), " " * 8)
    return f"{header.rstrip()}\n    try:\n{inner}\n    except Exception:\n        {says}\n"


_PARAMETERS = {
    "on_epoch_begin": "self, epoch, logs=None",
    "on_epoch_end": "self, epoch, logs=None",
    **{
        f"on_{what}batch_{when}": "self, batch, logs=None"
        for what in ("", "train_", "test_", "predict_")
        for when in ("begin", "end")
    },
    "set_model": "self, model",
    "set_params": "self, params",
}


def _function(text: str) -> ast.FunctionDef | None:
    """The one function that the text defines, with a body below its first line."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return None
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef):
        return None
    function = body[0]
    return function if function.body[0].lineno > function.lineno else None


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _has_long_string(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, (ast.Constant, ast.JoinedStr)) and node.lineno != node.end_lineno
        for statement in function.body
        if not _is_docstring(statement)
        for node in ast.walk(statement)
    )
