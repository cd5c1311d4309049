"""The statements at the top of a module: its imports, and where ours stand among them."""

from __future__ import annotations

import libcst as cst

from gputune.rewrite.patch.source import Source

_TENSORFLOW = ("tensorflow", "keras", "tf_keras")
Imports = list[cst.Import | cst.ImportFrom]


def import_end(module: cst.Module) -> int:
    """Behind which statement of the module the imports of TensorFlow and Keras are made.

    The run of imports that holds the first of them. Where there is none, all leading imports, and
    the environment variables that are set among them: those are for what is imported below.
    """
    first = next((n for n, s in enumerate(module.body) if imports_tensorflow(s)), None)
    if first is None:
        last = 0
        for number, statement in enumerate(module.body):
            leads = is_import(statement) or sets_environment(statement)
            if not leads and not (number == 0 and is_docstring(statement)):
                break
            last = number + 1
        return last
    return run_end(module, first + 1)


def run_end(module: cst.Module, start: int) -> int:
    """Where the imports that stand from here on end."""
    end = start
    while end < len(module.body) and is_import(module.body[end]):
        end += 1
    return end


def head_end(module: cst.Module) -> int:
    """Behind the docstring and `from __future__` imports: nothing can stand before those."""
    end = 0
    for number, statement in enumerate(module.body):
        future = any(
            isinstance(one, cst.ImportFrom) and _name(one) == "__future__"
            for one in imports_in(statement)
        )
        if future or (number == 0 and is_docstring(statement)):
            end = number + 1
    return end


def top_of(source: Source, node: cst.CSTNode) -> int | None:
    """The index of the module's statement that holds the node."""
    around = {id(node), *(id(one) for one in source.above(node))}
    return next((n for n, s in enumerate(source.module.body) if id(s) in around), None)


def imports_in(statement: cst.CSTNode) -> Imports:
    """The imports of a statement of the module, also of its blocks, that run when it does."""
    if isinstance(statement, cst.Import | cst.ImportFrom):
        return [statement]
    if isinstance(statement, cst.FunctionDef | cst.Lambda):
        return []
    return [one for child in statement.children for one in imports_in(child)]


def is_docstring(statement: cst.CSTNode) -> bool:
    """Whether it is a text that stands by itself."""
    return (
        isinstance(statement, cst.SimpleStatementLine)
        and isinstance(statement.body[0], cst.Expr)
        and isinstance(statement.body[0].value, cst.SimpleString | cst.ConcatenatedString)
    )


def is_import(statement: cst.CSTNode) -> bool:
    """Whether it is a line of imports alone."""
    return isinstance(statement, cst.SimpleStatementLine) and all(
        isinstance(part, cst.Import | cst.ImportFrom) for part in statement.body
    )


def imports_tensorflow(statement: cst.CSTNode) -> bool:
    """Whether it is a line of imports with TensorFlow or Keras among them."""
    return is_import(statement) and any(of_tensorflow(one) for one in imports_in(statement))


def of_tensorflow(node: cst.Import | cst.ImportFrom) -> bool:
    """Whether TensorFlow or Keras is what is imported."""
    if isinstance(node, cst.ImportFrom):
        names = [_name(node)] if not node.relative else []
    else:
        names = [alias.evaluated_name for alias in node.names]
    return any(name.partition(".")[0] in _TENSORFLOW for name in names)


def sets_environment(node: cst.CSTNode) -> bool:
    """Whether an environment variable may be set in a statement of the module."""
    text = cst.Module(body=[]).code_for_node(node)
    return isinstance(node, cst.SimpleStatementLine) and any(
        word in text for word in ("environ", "putenv", "load_dotenv")
    )


def _name(node: cst.ImportFrom) -> str:
    return cst.Module(body=[]).code_for_node(node.module) if node.module is not None else ""
