"""What a path in the source ends with, as far as its text shows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import libcst as cst

from gputune.checks.source.tree import Source

_WRAPPERS = ("join", "Path", "PurePath", "str", "fspath")


@dataclass(frozen=True)
class Ending:
    """The literal text at the end of a path; `whole` where nothing unknown stands before it."""

    text: str = ""
    whole: bool = False

    def surely_lacks(self, suffixes: tuple[str, ...]) -> bool:
        """Whether the path has none of the suffixes, whatever stands before its text."""
        if not self.text or self.text.endswith(suffixes):
            return False
        return self.whole or not any(suffix.endswith(self.text) for suffix in suffixes)


def ending(source: Source, node: cst.BaseExpression | None) -> Ending:
    """The end of a path; empty where only the running script knows it.

    Understands names with one value, f-strings, sums, `folder / "name"`, `os.path.join(…)` and
    `Path(…)`.
    """
    value = source.value(node)
    if isinstance(value, str):
        return Ending(value, whole=True)
    if isinstance(node, cst.FormattedString) and node.parts:
        last = node.parts[-1]
        return Ending(last.value) if isinstance(last, cst.FormattedStringText) else Ending()
    if isinstance(node, cst.ConcatenatedString):
        return replace(ending(source, node.right), whole=False)
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Add | cst.Divide):
        # A folder before it is no part of the name.
        whole = isinstance(node.operator, cst.Divide)
        return replace(ending(source, node.right), whole=whole)
    if isinstance(node, cst.Call) and node.args and not node.args[-1].star:
        func = source.module.code_for_node(node.func)
        if func.split(".")[-1] in _WRAPPERS:
            return ending(source, node.args[-1].value)
    return Ending()
