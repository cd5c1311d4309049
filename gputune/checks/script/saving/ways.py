"""How the script itself saves its model, from its source and its callbacks. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

KERAS, WEIGHTS, HDF5, SAVED_MODEL = ".keras", ".weights.h5", ".h5", "SavedModel"
WHOLE = frozenset({KERAS, HDF5})
"""Formats that hold the model's architecture, so that `load_model` reads them."""


def of_path(path: str) -> str | None:
    """The format that Keras takes from a path's ending; None for none of these."""
    if path.endswith(WEIGHTS):
        return WEIGHTS
    if path.endswith((HDF5, ".hdf5")):
        return HDF5
    return KERAS if path.endswith(KERAS) else None


def of_callbacks(callbacks: Iterable[Any]) -> frozenset[str]:
    """The formats of the `ModelCheckpoint` callbacks."""
    found = set()
    for callback in callbacks:
        if any(kind.__name__ == "ModelCheckpoint" for kind in type(callback).__mro__):
            found.add(of_path(str(getattr(callback, "filepath", ""))))
    return frozenset(found - {None})  # type: ignore[arg-type]


def of_source(text: str) -> frozenset[str]:
    """The formats of the calls in a source; what is no Python has none.

    A path that is made while the script runs is known by the text that it ends with; one without
    any counts as `.keras`, what `save` takes today.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found.add(_of_call(node))
    return frozenset(found - {None})  # type: ignore[arg-type]


def _of_call(call: ast.Call) -> str | None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "save_weights":
        return WEIGHTS
    if name == "export" and call.args:
        return SAVED_MODEL
    if name == "save_model":
        return of_path(_ending(call.args[1])) if len(call.args) > 1 else KERAS
    if name != "save" or not isinstance(call.func, ast.Attribute):
        return None
    given = [*call.args[:1], *(k.value for k in call.keywords if k.arg == "filepath")]
    return of_path(_ending(given[0])) if given else None


def _ending(node: ast.expr) -> str:
    """The literal text that an expression ends with; empty where there is none."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr) and node.values:
        return _ending(node.values[-1])
    if isinstance(node, ast.BinOp):
        return _ending(node.right)
    if isinstance(node, ast.Call) and node.args:  # os.path.join(…), Path(…), str(…)
        return _ending(node.args[-1])
    return ""
