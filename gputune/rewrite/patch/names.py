"""How a file spells TensorFlow and Keras."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from gputune.rewrite.patch.source import Source


def spelled(source: Source, text: str, imports: list[str]) -> str:
    """An expression that begins with `tf.`, in the file's own names.

    Where the file has no name for TensorFlow, the import that gives it one joins `imports`.
    """
    if not text.startswith("tf."):
        return text
    names = dict(bound(source))
    dotted = f"tensorflow.{text[3:]}"
    for whole in (dotted, dotted.rpartition(".")[0], "tensorflow"):
        name = next((name for name, what in names.items() if what == whole), None)
        if name is not None:
            return name + dotted[len(whole) :]
    if "import tensorflow as tf" not in imports:
        imports.append("import tensorflow as tf")
    return text


def keras_name(source: Source) -> str | None:
    """The name of Keras in the file, or None."""
    names = dict(bound(source))
    for whole in ("keras", "tensorflow.keras"):
        name = next((name for name, what in names.items() if what == whole), None)
        if name is not None:
            return name
    return None


def bound(source: Source) -> Iterator[tuple[str, str]]:
    """The names that the file's own imports bind, at the top of it, and what they stand for."""
    for statement in source.module.body:
        if not isinstance(statement, cst.SimpleStatementLine):
            continue
        for part in statement.body:
            if isinstance(part, cst.Import):
                for alias in part.names:
                    whole = alias.evaluated_name
                    if alias.evaluated_alias:
                        yield alias.evaluated_alias, whole
                    else:  # `import a.b` binds `a`
                        yield whole.partition(".")[0], whole.partition(".")[0]
            elif isinstance(part, cst.ImportFrom) and not isinstance(part.names, cst.ImportStar):
                if part.relative or part.module is None:
                    continue
                module = source.module.code_for_node(part.module)
                for alias in part.names:
                    yield (
                        alias.evaluated_alias or alias.evaluated_name,
                        f"{module}.{alias.evaluated_name}",
                    )
