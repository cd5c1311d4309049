"""Which names of a file are Keras models, as far as the source shows."""

from __future__ import annotations

import libcst as cst

from gputune.checks.source.tree import Source, last_name

_MAKERS = ("Sequential", "Model", "load_model", "clone_model")
_COMPILED = {"optimizer", "loss", "metrics", "jit_compile", "run_eagerly"}
_TRAINED = {"epochs", "callbacks", "validation_data", "validation_split", "steps_per_epoch"}


def models(source: Source) -> frozenset[str]:
    """The expressions (`model`, `self.model`) that are compiled, trained or made as a model."""
    found = set()
    for call in source.calls("compile", "fit"):
        keywords = {given.keyword.value for given in call.args if given.keyword is not None}
        wanted = _COMPILED if last_name(call.func) == "compile" else _TRAINED
        if keywords & wanted and isinstance(call.func, cst.Attribute):
            found.add(source.module.code_for_node(call.func.value).strip())
    for node in source.found(cst.Assign):
        assert isinstance(node, cst.Assign)
        if isinstance(node.value, cst.Call) and last_name(node.value.func) in _MAKERS:
            found.update(source.module.code_for_node(t.target).strip() for t in node.targets)
    return frozenset(found)


def is_keras_3(source: Source) -> bool:
    """Whether the file uses Keras, and not the Keras 2 that is called tf_keras."""
    text = source.module.code
    legacy = "tf_keras" in text or "TF_USE_LEGACY_KERAS" in text or "compat.v1" in text
    return not legacy and ("keras" in text or "tensorflow" in text)
