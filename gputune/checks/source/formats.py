"""The check `formats`: ways of saving and loading that Keras 3 refuses, with today's.

What is refused was read in Keras 3.15: a model's file ends in `.keras` (or `.h5`), a file of
weights in `.weights.h5`, and a SavedModel is written by `model.export`.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from gputune.checks.source.models import is_keras_3, models
from gputune.checks.source.paths import ending
from gputune.checks.source.tree import Source, argument, is_spread, last_name
from gputune.schema.finding import Finding, Severity

_WHOLE = (".keras", ".h5", ".hdf5")
_WEIGHTS = (".weights.h5", ".weights.json")
_LOADABLE = (".keras", ".h5", ".hdf5", ".weights.json")
_EXPORT = "model.export('folder') writes a SavedModel to serve"


def findings(source: Source) -> Iterator[Finding]:
    """One for each call that is refused, or that is the older way."""
    if not is_keras_3(source):
        return
    known = models(source)
    for call in source.calls("save", "save_model", "save_weights"):
        yield from _saving(source, call, known)
    for call in source.calls("load_model", "load_weights"):
        yield from _loading(source, call)
    for call in source.calls("ModelCheckpoint"):
        yield from _checkpoint(source, call)
    yield from _shapes(source)


def _saving(source: Source, call: cst.Call, known: frozenset[str]) -> Iterator[Finding]:
    kind = last_name(call.func)
    receiver = call.func.value if isinstance(call.func, cst.Attribute) else None
    named = source.module.code_for_node(receiver).strip() if receiver is not None else ""
    of_module = kind == "save_model"
    if not of_module and named not in known:
        if named.endswith("saved_model"):
            yield from _saved_model(source, call, known)
        return
    if argument(call, "zipped") is not None:
        return  # a folder, of any name
    path = ending(source, argument(call, "filepath", 1 if of_module else 0))
    old = argument(call, "save_format")
    if kind == "save_weights":
        if old is not None or path.surely_lacks(_WEIGHTS):
            yield _refused(
                source, call, "weights-suffix",
                "save_weights takes a name that ends in .weights.h5, and no save_format.",
                "Write model.save_weights('name.weights.h5').",
            )  # fmt: skip
    elif old is not None and not path.text.endswith(_WHOLE):
        yield _refused(
            source, call, "save-format-gone",
            "save_format is refused by Keras 3: the name's ending is the format.",
            f"Write model.save('name.keras') to go on in Keras; {_EXPORT}.",
        )  # fmt: skip
    elif path.surely_lacks(_WHOLE):
        yield _refused(
            source, call, "save-no-suffix",
            f"A model cannot be saved as {path.text!r}: the name must end in .keras (or .h5).",
            f"Write model.save('name.keras') to go on in Keras; {_EXPORT}.",
        )  # fmt: skip
    elif path.text.endswith((".h5", ".hdf5")):
        yield _older(
            source, call, "hdf5-legacy", "The model is saved in the older HDF5 format.",
            "Write it as .keras: HDF5 holds functional and sequential models alone, and losses "
            "that are given by name (loss='mse') need load_model(…, compile=False).",
        )  # fmt: skip


def _saved_model(source: Source, call: cst.Call, known: frozenset[str]) -> Iterator[Finding]:
    given = argument(call, "obj", 0)
    if given is not None and source.module.code_for_node(given).strip() in known:
        yield _older(
            source, call, "saved-model-by-tensorflow",
            "tf.saved_model.save writes a Keras model without a signature of its inputs.",
            "Write model.export('folder'): it has a signature and an endpoint `serve`.",
        )  # fmt: skip


def _loading(source: Source, call: cst.Call) -> Iterator[Finding]:
    kind = last_name(call.func)
    path = ending(source, argument(call, "filepath", 0))
    if not path.surely_lacks(_LOADABLE) or path.text.startswith(("hf://", "kaggle://")):
        return
    if kind == "load_model":
        yield _refused(
            source, call, "load-saved-model",
            f"load_model reads .keras and .h5 files: {path.text!r} is neither, and a folder of a "
            "SavedModel is refused.",
            "Load a SavedModel with tf.saved_model.load(path), or as a layer with "
            "keras.layers.TFSMLayer(path, call_endpoint='serving_default').",
            severity=Severity.WARNING,  # a folder may be an unpacked .keras file
        )  # fmt: skip
    elif isinstance(call.func, cst.Attribute):
        yield _refused(
            source, call, "load-checkpoint",
            f"load_weights reads .weights.h5, .keras and .h5 files; {path.text!r} is none.",
            "A checkpoint of TensorFlow is read by "
            "tf.train.Checkpoint(model=model).restore(path).",
            severity=Severity.WARNING,  # a folder may be a checkpoint of Orbax
        )  # fmt: skip


def _checkpoint(source: Source, call: cst.Call) -> Iterator[Finding]:
    path = ending(source, argument(call, "filepath", 0))
    weights = argument(call, "save_weights_only", 4)
    only = False if weights is None else source.value(weights)
    if is_spread(call) or not isinstance(only, bool):
        return
    if only and path.surely_lacks((".weights.h5",)):
        yield _refused(
            source, call, "checkpoint-suffix",
            "With save_weights_only=True the name of a checkpoint must end in .weights.h5.",
            "Write filepath='….weights.h5'.",
        )  # fmt: skip
    elif not only and path.surely_lacks((".keras", ".h5")):
        yield _refused(
            source, call, "checkpoint-suffix",
            "The name of a checkpoint must end in .keras.",
            "Write filepath='….keras', or save_weights_only=True with '….weights.h5'.",
        )  # fmt: skip


def _shapes(source: Source) -> Iterator[Finding]:
    """`layer.output_shape`, which Keras 3 does not have."""
    for node in source.found(cst.Attribute):
        assert isinstance(node, cst.Attribute)
        if node.attr.value in ("output_shape", "input_shape") and _is_layer(source, node.value):
            which = node.attr.value.split("_")[0]
            yield _refused(
                source, node, "output-shape-gone",
                f"A layer of Keras 3 has no {node.attr.value}.",
                f"Write layer.{which}.shape; model.summary() shows all shapes.",
            )  # fmt: skip


def _is_layer(source: Source, node: cst.BaseExpression) -> bool:
    if isinstance(node, cst.Call):
        return last_name(node.func) == "get_layer"
    if isinstance(node, cst.Subscript):
        return last_name(node.value) == "layers"
    if not isinstance(node, cst.Name):
        return False
    return any(
        isinstance(loop.target, cst.Name)
        and loop.target.value == node.value
        and last_name(loop.iter) == "layers"
        for loop in source.above(node)
        if isinstance(loop, cst.For)
    )


def _refused(
    source: Source, node: cst.CSTNode, identity: str, title: str, remedy: str,
    severity: Severity = Severity.PROBLEM,
) -> Finding:  # fmt: skip
    """What raises when it runs; where an `if` or a `try` stands around it, it may not."""
    if any(isinstance(above, cst.If | cst.Try) for above in source.above(node)) and not _in_main(
        source, node
    ):
        severity = Severity.WARNING
    return Finding(
        id=identity, severity=severity, title=title, remedy=remedy, site=source.site(node),
    )  # fmt: skip


def _in_main(source: Source, node: cst.CSTNode) -> bool:
    """Whether the only condition around it is `if __name__ == "__main__"`."""
    around = [above for above in source.above(node) if isinstance(above, cst.If | cst.Try)]
    return all(
        isinstance(one, cst.If) and "__name__" in source.module.code_for_node(one.test)
        for one in around
    )


def _older(source: Source, call: cst.Call, identity: str, title: str, remedy: str) -> Finding:
    return Finding(
        id=identity, severity=Severity.NOTE, title=title, remedy=remedy, site=source.site(call),
    )  # fmt: skip
