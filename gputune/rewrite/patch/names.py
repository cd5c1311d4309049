"""How a file spells TensorFlow and Keras, and which of its names are bound at a place."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import libcst as cst

from gputune.rewrite.patch.plan import Refused
from gputune.rewrite.patch.source import Source
from gputune.rewrite.patch.tops import import_end, top_of

_TENSORFLOW = ("tensorflow", "tensorflow.compat.v2")
_BRANCHES = (cst.If, cst.Else, cst.For, cst.While, cst.ExceptHandler, cst.MatchCase)


def spelled(
    source: Source, text: str, imports: list[str], at: cst.CSTNode | None = None
) -> str:  # fmt: skip
    """An expression that begins with `tf.`, in the names that the file has at a node.

    Where there is no name for TensorFlow, the import that gives it one joins `imports`; raises
    Refused where no import of ours can stand before the node.
    """
    if not text.startswith("tf."):
        return text
    names = visible(source, at)
    dotted = f"tensorflow.{text[3:]}"
    for whole in (dotted, dotted.rpartition(".")[0], *_TENSORFLOW):
        name = next((name for name, what in names.items() if what == whole), None)
        if name is not None:
            return name + dotted.removeprefix("tensorflow" if whole in _TENSORFLOW else whole)
    _check_import(source, text, at)
    for name, line in (("tf", "import tensorflow as tf"), ("tensorflow", "import tensorflow")):
        if line in imports or is_free(source, name):
            if line not in imports:
                imports.append(line)
            return name + text[2:]
    raise Refused(f"the names tf and tensorflow are something else here: write {text}")


def _check_import(source: Source, text: str, at: cst.CSTNode | None) -> None:
    """Refuse where an import at the top of the file would come too early, or too late."""
    if not any(_roots_in(what) for what in bound(source).values()):
        inside = next((n for n, _, what in _imports(source) if _roots_in(what)), None)
        if inside is not None:
            where = f"{source.path.name}:{source.positions[inside].start.line}"
            raise Refused(f"TensorFlow is imported in a function ({where}): write {text} by hand")
    if at is not None and source.function(at) is None:
        index = top_of(source, at)
        if index is not None and index < import_end(source.module):
            raise Refused(f"it stands above the import of TensorFlow: write {text} below that")


def _roots_in(what: str) -> bool:
    return what.partition(".")[0] in ("tensorflow", "keras", "tf_keras")


def bound(source: Source) -> dict[str, str]:
    """The names that the file's imports bind in all of it, and what they stand for."""
    return {
        name: what for node, name, what in _imports(source)
        if source.function(node) is None and not _branches(source, node)
    }  # fmt: skip


def bound_at_top(source: Source) -> list[tuple[int, str, str]]:
    """The names that lines at the top of the file bind, each with the index of its statement."""
    found = []
    for node, name, what in _imports(source):
        index = top_of(source, node)
        if index is None or source.function(node) is not None or _branches(source, node):
            continue
        if isinstance(source.module.body[index], cst.SimpleStatementLine | cst.Try):
            found.append((index, name, what))
    return found


def bound_anywhere(source: Source) -> dict[str, str]:
    """The names that imports bind anywhere in the file, also in a function or on a branch."""
    return {name: what for _, name, what in _imports(source)}


def visible(source: Source, at: cst.CSTNode | None) -> dict[str, str]:
    """The imported names that are surely bound where a node is evaluated."""
    if at is None:
        return bound(source)
    around = {id(node) for node in source.above(at)}
    function, line = source.function(at), source.positions[at].start.line
    names: dict[str, str] = {}
    for node, name, what in _imports(source):
        scope = source.function(node)
        if scope is not None and id(scope) not in around:
            continue
        if not all(id(branch) in around for branch in _branches(source, node)):
            continue
        if scope is function and source.positions[node].start.line > line:
            continue
        names[name] = what
    for outer in source.above(at):
        if isinstance(outer, cst.FunctionDef | cst.Lambda):
            every = (outer.params.posonly_params, outer.params.params, outer.params.kwonly_params)
            for param in (one for some in every for one in some):
                names.pop(param.name.value, None)
    return names


def is_free(source: Source, name: str) -> bool:
    """Whether the file does not use a name at all, but as an attribute or an argument's name."""
    for node in source.positions:
        if isinstance(node, cst.Name) and node.value == name:
            parent = source.parents.get(node)
            if isinstance(parent, cst.Attribute) and parent.attr is node:
                continue
            if isinstance(parent, cst.Arg) and parent.keyword is node:
                continue
            if _names_a_module(source, node):
                continue
            return False
    return True


def _names_a_module(source: Source, node: cst.Name) -> bool:
    """`keras` of `from keras import layers` or of `import keras.layers as L`: no name is bound."""
    below: cst.CSTNode = node
    for parent in source.above(node):
        if isinstance(parent, cst.ImportFrom):
            return below is parent.module
        if isinstance(parent, cst.ImportAlias) and parent.name is below and parent.asname:
            return True
        if not isinstance(parent, cst.Attribute | cst.ImportAlias):
            return False
        below = parent
    return False


def _branches(source: Source, node: cst.CSTNode) -> list[cst.CSTNode]:
    """The blocks around a node that do not always run: a class's own names count among them."""
    found: list[cst.CSTNode] = []
    for parent in source.above(node):
        if isinstance(parent, cst.FunctionDef):
            break
        if isinstance(parent, cst.ClassDef) or (
            isinstance(parent, _BRANCHES) and not is_main_guard(source, parent)
        ):
            found.append(parent)
    return found


def is_main_guard(source: Source, node: cst.CSTNode) -> bool:
    """Whether it is `if __name__ == "__main__":`."""
    return isinstance(node, cst.If) and source.text(node.test).replace("'", '"') in (
        '__name__ == "__main__"', '"__main__" == __name__',
    )  # fmt: skip


@lru_cache(maxsize=64)
def _imports(source: Source) -> tuple[tuple[cst.CSTNode, str, str], ...]:
    """Each import of the file, with the name that it binds and what that stands for."""
    nodes = [node for node in source.positions if isinstance(node, cst.Import | cst.ImportFrom)]
    nodes.sort(key=lambda node: source.positions[node].start.line)
    return tuple((node, name, what) for node in nodes for name, what in names_of(source, node))


def names_of(source: Source, node: cst.Import | cst.ImportFrom) -> Iterator[tuple[str, str]]:
    """The names that an import binds, and what they stand for."""
    if isinstance(node, cst.Import):
        for alias in node.names:
            whole = alias.evaluated_name
            if alias.evaluated_alias:
                yield alias.evaluated_alias, whole
            else:  # `import a.b` binds `a`
                yield whole.partition(".")[0], whole.partition(".")[0]
    elif not isinstance(node.names, cst.ImportStar) and node.module is not None:
        if node.relative:
            return
        module = source.module.code_for_node(node.module)
        for alias in node.names:
            name = alias.evaluated_name
            yield alias.evaluated_alias or name, f"{module}.{name}"
