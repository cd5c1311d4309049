"""A call in a line of the user's source, written again with other arguments."""

from __future__ import annotations

import ast
import warnings
from typing import Final

METHODS: Final = {
    "num_parallel_calls": {"map": 1, "interleave": 3, "batch": 2},
    "deterministic": {"map": 2, "interleave": 4, "batch": 3},
    "batch_size": {"batch": 0, "padded_batch": 0, "ragged_batch": 0, "fit": 2},
    "prefetch": {"prefetch": 0},
    "interleave": {"interleave": 1},
    "steps_per_execution": {"compile": 6},
    "jit_compile": {"compile": 7},
}
"""Where a knob is an argument: the methods that take it, and its place there."""
ARGUMENT: Final = {"prefetch": "buffer_size", "interleave": "cycle_length"}
"""Where the argument has another name than the knob."""


def rewritten_call(code: str, arguments: dict[str, str], method: str = "") -> str | None:
    """Return the call with these arguments: `.map(decode, num_parallel_calls=tf.data.AUTOTUNE)`.

    Args:
        code: the source line that holds the call, or the first line of it.
        arguments: Python expressions by knob.
        method: the method that is meant, where the line may call several.

    Returns:
        The call alone, from its dot on; None where the line is no complete Python or does not
        hold exactly one call that takes all these arguments.
    """
    tree = _parsed(code)
    if tree is None or not arguments:
        return None
    found = [node for node in ast.walk(tree) if _takes(node, arguments, method)]
    if len(found) != 1 or not isinstance(found[0], ast.Call):
        return None
    call = found[0]
    assert isinstance(call.func, ast.Attribute)  # as `_takes` asked
    try:
        for knob, expression in arguments.items():
            _set(call, call.func.attr, knob, ast.parse(expression, mode="eval").body)
        bare = ast.Call(ast.Name(call.func.attr), call.args, call.keywords)
        return f".{ast.unparse(bare)}"
    except (SyntaxError, ValueError, RecursionError):
        return None


def has_argument(code: str, knob: str, method: str) -> bool:
    """Whether a call of the method in a source line is given the argument of a knob.

    A line that is no complete Python is searched for the argument's name.
    """
    tree, name, place = _parsed(code), ARGUMENT.get(knob, knob), METHODS[knob][method]
    if tree is None:
        return name in code
    calls = [
        node for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
    ]  # fmt: skip
    return any(
        len(call.args) > place or name in [keyword.arg for keyword in call.keywords]
        for call in calls
    )


def _parsed(code: str) -> ast.AST | None:
    """Parse a line; one in the middle of a chain (`.map(decode)`) gets an object to stand on."""
    text = code.strip()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an odd escape in the user's line: not ours to judge
        try:
            return ast.parse(f"_{text}" if text.startswith(".") else text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _takes(node: ast.AST, arguments: dict[str, str], method: str) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    if method not in ("", node.func.attr):
        return False
    if any(isinstance(argument, ast.Starred) for argument in node.args) or any(
        keyword.arg is None for keyword in node.keywords
    ):
        return False  # `*args` and `**options` hide which arguments the call has
    return all(node.func.attr in METHODS.get(knob, {}) for knob in arguments)


def _set(call: ast.Call, method: str, knob: str, value: ast.expr) -> None:
    """Set an argument where it stands, or add it by its name."""
    place = METHODS[knob][method]
    if place < len(call.args):
        call.args[place] = value
        return
    name = ARGUMENT.get(knob, knob)
    for keyword in call.keywords:
        if keyword.arg == name:
            keyword.value = value
            return
    call.keywords.append(ast.keyword(arg=name, value=value))
