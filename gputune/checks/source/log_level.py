"""The check `log-level`: settings that hide what TensorFlow reports, or that come too late.

What TF_CPP_MIN_LOG_LEVEL does was tried on TensorFlow 2.21: 3 hides errors such as a CUDA driver
that cannot be started, and a value that is set after the import changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import libcst as cst

from gputune.checks.source.tree import Source, argument, last_name
from gputune.schema.finding import Finding, Severity

NAME = "TF_CPP_MIN_LOG_LEVEL"
_HIDES_ERRORS = 3
_SILENT = {"CRITICAL", "FATAL", 50}
_LIBRARIES = ("tensorflow", "keras")


def findings(source: Source) -> Iterator[Finding]:
    """`log-level-hides-errors` and `log-level-too-late`."""
    imported = _import_line(source)
    for node, value in _settings(source):
        level = _number(value)
        if level is not None and level >= _HIDES_ERRORS:
            yield _hides(source, node, f"{NAME} is {level}")
        line = source.positions[node].start.line
        if imported is not None and line > imported and _at_top(source, node):
            yield Finding(
                id="log-level-too-late",
                severity=Severity.NOTE,
                title=f"{NAME} is set after TensorFlow was imported: it has no effect.",
                evidence=(f"TensorFlow reads it once, when it is imported: in line {imported}",),
                remedy="Set it before the first import of TensorFlow or Keras.",
                site=source.site(node),
            )
    for call in source.calls("setLevel"):
        logger = call.func.value if isinstance(call.func, cst.Attribute) else None
        if isinstance(logger, cst.Call) and last_name(logger.func) == "get_logger":
            given = call.args[0].value if call.args else None
            named = last_name(given) if isinstance(given, cst.Attribute) else source.value(given)
            if isinstance(named, str | int) and named in _SILENT:
                yield _hides(source, call, "TensorFlow's Python logger shows nothing below FATAL")


def _settings(source: Source) -> Iterator[tuple[cst.CSTNode, Any]]:
    """Where the variable is set, and to what."""
    for node in source.found(cst.Assign):
        assert isinstance(node, cst.Assign)
        for target in node.targets:
            if isinstance(target.target, cst.Subscript) and _key(source, target.target) == NAME:
                yield node, source.value(node.value)
    for call in source.calls("setdefault", "putenv"):
        if len(call.args) == 2 and source.value(call.args[0].value) == NAME:
            yield call, source.value(call.args[1].value)
    for call in source.calls("update"):
        given = argument(call, "", 0)
        value = source.value(given) if isinstance(given, cst.Dict) else None
        if isinstance(value, dict) and NAME in value:
            yield call, value[NAME]


def _key(source: Source, node: cst.Subscript) -> Any:
    index = node.slice[0].slice if node.slice else None
    return source.value(index.value) if isinstance(index, cst.Index) else None


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _import_line(source: Source) -> int | None:
    """The line of the file's first import of TensorFlow or Keras, where it surely runs."""
    lines = []
    for kind in (cst.Import, cst.ImportFrom):
        for node in source.found(kind):
            named = _imported(source, node)
            if any(name.split(".")[0] in _LIBRARIES for name in named) and _at_top(source, node):
                lines.append(int(source.positions[node].start.line))
    return min(lines, default=None)


def _imported(source: Source, node: cst.CSTNode) -> list[str]:
    if isinstance(node, cst.ImportFrom):
        return (
            [source.module.code_for_node(node.module)] if node.module and not node.relative else []
        )
    assert isinstance(node, cst.Import)
    return [source.module.code_for_node(alias.name) for alias in node.names]


def _at_top(source: Source, node: cst.CSTNode) -> bool:
    """Whether the statement runs as the file is read from top to bottom."""
    inner = (cst.FunctionDef, cst.ClassDef, cst.Lambda, cst.If, cst.Try)
    return not any(isinstance(above, inner) for above in source.above(node))


def _hides(source: Source, node: cst.CSTNode, evidence: str) -> Finding:
    return Finding(
        id="log-level-hides-errors",
        severity=Severity.WARNING,
        title="TensorFlow's errors are hidden.",
        evidence=(evidence,),
        remedy=f"Let {NAME} be 1 (or 2): a GPU that cannot be used, or a lack of memory, then says "
        "so.",
        site=source.site(node),
    )
