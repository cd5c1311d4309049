"""Where a script begins to work: what comes before it makes no tensor and no layer yet."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from functools import lru_cache

import libcst as cst

from gputune.rewrite.patch.names import bound_anywhere
from gputune.rewrite.patch.source import Source
from gputune.rewrite.patch.sources import Sources
from gputune.rewrite.patch.tops import (
    head_end,
    imports_in,
    of_tensorflow,
    sets_environment,
)

_IDLE = frozenset({
    "argparse", "collections", "contextlib", "dataclasses", "datetime", "enum", "functools", "gc",
    "glob", "itertools", "json", "logging", "math", "matplotlib", "numpy", "os", "pathlib",
    "platform", "random", "re", "shutil", "string", "sys", "time", "typing", "warnings",
})  # fmt: skip
"""Modules whose functions touch nothing of TensorFlow's."""
_IDLE_OF_TENSORFLOW = (
    "get_logger", "autograph.", "random.set_seed", "compat.v1.logging.",
    "config.list_physical_devices", "config.experimental.list_physical_devices",
    "config.set_visible_devices", "config.set_soft_device_placement",
    "config.experimental.set_memory_growth", "config.optimizer.", "config.threading.",
)  # fmt: skip
"""What makes no tensor, and takes no GPU."""


def work_begins(sources: Sources, source: Source) -> int:
    """The index of the module's first statement that may use TensorFlow; their number if none.

    One that imports a module of the script's own counts where that works when it is imported.
    """
    has_tensorflow = False
    start = head_end(source.module)
    for number, statement in enumerate(source.module.body[start:], start):
        own = _own(sources, source, statement)
        uses = any(_uses_tensorflow(one) for one in own)
        if uses and any(_works(one) for one in own):
            return number
        has_tensorflow |= uses or any(of_tensorflow(one) for one in imports_in(statement))
        if has_tensorflow and not _idle(source, statement):
            return number
    return len(source.module.body)


def sets_variables(
    sources: Sources, source: Source, index: int, words: tuple[str, ...]
) -> cst.CSTNode | None:
    """The module's statement, where it may set environment variables with such a word in them.

    Itself, or a module of the script's own that it imports.
    """
    statement = source.module.body[index]
    inside = [part for one in _own(sources, source, statement) for part in one.module.body]
    found = any(_sets(part, words) for part in (statement, *inside))
    return statement if found else None


def _sets(statement: cst.CSTNode, words: tuple[str, ...]) -> bool:
    if isinstance(statement, cst.FunctionDef | cst.ClassDef):
        return False
    if isinstance(statement, cst.SimpleStatementLine):
        text = cst.Module(body=[]).code_for_node(statement)
        return sets_environment(statement) and any(word in text for word in words)
    return any(_sets(child, words) for child in statement.children)


def _own(sources: Sources, source: Source, statement: cst.CSTNode) -> list[Source]:
    """The script's own files that a statement imports, directly or not."""
    found: dict[int, Source] = {}
    waiting = [(source, node) for node in imports_in(statement)]
    while waiting:
        where, node = waiting.pop()
        for one in sources.imports(where, node):
            if id(one) not in found and one is not source:
                found[id(one)] = one
                waiting += [(one, inner) for part in one.module.body for inner in imports_in(part)]
    return list(found.values())


@lru_cache(maxsize=256)
def _uses_tensorflow(source: Source) -> bool:
    return any(of_tensorflow(one) for part in source.module.body for one in imports_in(part))


@lru_cache(maxsize=256)
def _works(source: Source) -> bool:
    return any(not _idle(source, statement) for statement in source.module.body)


def _idle(source: Source, statement: cst.CSTNode) -> bool:
    """Whether a statement calls nothing but what touches nothing of TensorFlow's."""
    names = bound_anywhere(source)
    return all(_idle_call(source, call, names) for call in _calls(statement))


def _calls(node: cst.CSTNode) -> Iterator[cst.Call | cst.Decorator]:
    """The calls that are made when the statement runs: those in functions are not."""
    if isinstance(node, cst.Call | cst.Decorator):
        yield node
    if isinstance(node, cst.FunctionDef):
        for one in (*node.decorators, node.params):
            yield from _calls(one)
        return
    if isinstance(node, cst.Lambda):
        return
    for child in node.children:
        yield from _calls(child)


def _idle_call(source: Source, node: cst.Call | cst.Decorator, names: dict[str, str]) -> bool:
    func = node.func if isinstance(node, cst.Call) else node.decorator
    if isinstance(func, cst.Call):
        return True  # looked at by itself
    text = source.text(func)
    root, _, rest = text.partition(".")
    what = names.get(root)
    if what is None:
        return hasattr(builtins, root) and root not in ("exec", "eval", "__import__")
    whole = f"{what}.{rest}" if rest else what
    if whole.partition(".")[0] in _IDLE or whole == "gputune.knob":
        return True
    if isinstance(node, cst.Decorator) and whole in ("tensorflow.function",):
        return True
    return any(whole.startswith(f"tensorflow.{one}") for one in _IDLE_OF_TENSORFLOW)
