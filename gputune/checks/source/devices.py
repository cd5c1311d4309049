"""The check `devices`: lines that take the GPU away from the training."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from gputune.checks.source.tree import Source, argument, last_name
from gputune.schema.finding import Finding, Severity

_VARIABLE = "CUDA_VISIBLE_DEVICES"
_TRAINS = ("fit", "train_on_batch", "GradientTape", "Sequential", "Model", "Functional")
"""Calls that make a model or train it: what else stands in a CPU scope may be meant (input
pipelines, large tables)."""


def findings(source: Source) -> Iterator[Finding]:
    """`gpu-hidden` and `model-on-cpu`."""
    yield from _hidden_by_variable(source)
    yield from _hidden_by_call(source)
    yield from _scopes(source)


def _hidden_by_variable(source: Source) -> Iterator[Finding]:
    """`os.environ["CUDA_VISIBLE_DEVICES"] = "-1"`, and `setdefault` of the same."""
    for node in source.found(cst.Assign):
        assert isinstance(node, cst.Assign)
        for target in node.targets:
            if _is_variable(source, target.target) and _names_none(source.value(node.value)):
                yield _hidden(source, node, f"{_VARIABLE} is set to {source.value(node.value)!r}")
    for call in source.calls("setdefault", "putenv"):
        name, value = argument(call, "", 0), argument(call, "", 1)
        if source.value(name) == _VARIABLE and _names_none(source.value(value)):
            yield _hidden(source, call, f"{_VARIABLE} is set to {source.value(value)!r}")


def _hidden_by_call(source: Source) -> Iterator[Finding]:
    """`tf.config.set_visible_devices([], "GPU")`."""
    for call in source.calls("set_visible_devices"):
        devices = source.value(argument(call, "devices", 0))
        kind = source.value(argument(call, "device_type", 1))
        if devices in ([], ()) and kind == "GPU":
            yield _hidden(source, call, "no GPU is left visible")


def _scopes(source: Source) -> Iterator[Finding]:
    """`with tf.device("/CPU:0"):` around what makes or trains a model."""
    for node in source.found(cst.With):
        assert isinstance(node, cst.With)
        for item in node.items:
            call = item.item
            if not isinstance(call, cst.Call) or last_name(call.func) != "device":
                continue
            place = source.value(argument(call, "device_name", 0) or argument(call, "name"))
            if not isinstance(place, str) or not _is_cpu(place):
                continue
            inside = [
                one for one in source.calls(*_TRAINS) if any(up is node for up in source.above(one))
            ]
            if inside and not _waits_for_a_condition(source, node):
                yield Finding(
                    id="model-on-cpu",
                    severity=Severity.WARNING,
                    title=f"{last_name(inside[0].func)} stands in a scope that puts it on the CPU.",
                    evidence=(f"tf.device({place!r}) holds for all that is made within",),
                    remedy="Take the model and the training out of the scope; keep in it what is "
                    "to stay on the host (the input pipeline, very large tables). gputune profile "
                    "shows what the steps wait for.",
                    site=source.site(call),
                )


def _hidden(source: Source, node: cst.CSTNode, evidence: str) -> Finding:
    conditional = _waits_for_a_condition(source, node)
    return Finding(
        id="gpu-hidden",
        severity=Severity.NOTE if conditional else Severity.WARNING,
        title="The script hides every GPU from TensorFlow.",
        evidence=(evidence, *(("only where a condition holds",) if conditional else ())),
        remedy="Take the line out where the training is to use a GPU; gputune doctor says whether "
        "there is one.",
        site=source.site(node),
    )


def _waits_for_a_condition(source: Source, node: cst.CSTNode) -> bool:
    """Whether an `if` decides about it (`if args.cpu:`); that of `__main__` is none."""
    for above in source.above(node):
        if isinstance(above, cst.If):
            test = source.module.code_for_node(above.test)
            if "__name__" not in test:
                return True
    return False


def _is_variable(source: Source, target: cst.BaseExpression) -> bool:
    if not isinstance(target, cst.Subscript) or last_name(target.value) != "environ":
        return False
    index = target.slice[0].slice
    return isinstance(index, cst.Index) and source.value(index.value) == _VARIABLE


def _names_none(value: object) -> bool:
    return isinstance(value, str) and (not value.strip() or value.strip().startswith("-1"))


def _is_cpu(place: str) -> bool:
    return place.rpartition("device:")[2].strip("/").upper().split(":")[0] == "CPU"
