"""The facts of an error about shapes -> what is wrong and what cures it. Pure."""

from __future__ import annotations

import re

from gputune.checks.script.shapes import declared, graph, kinds, labels, specs
from gputune.checks.script.shapes.facts import Facts
from gputune.checks.script.shapes.words import Diagnosis, called, first_upper, giver, shown, wanted

_NOTHING_NEW = (
    "Graph execution error", "Detected at node", "File ", "Could not automatically infer",
    "Exception encountered when calling", "Invalid input shape for input",
)  # fmt: skip
"""Beginnings of lines that say where, or repeat at length what the other sentences say."""


_CLASH = re.compile(
    r"Dimensions must be equal, but are (\d+) and (\d+)"
    r"|Incompatible shapes: (\[[^\]]*\]) vs\.? (\[[^\]]*\])"
    r"|In\[0\]: (\[[^\]]*\]), In\[1\]: (\[[^\]]*\])"
)
"""How TensorFlow says that two operands do not fit."""


def diagnose(facts: Facts) -> Diagnosis:
    """The most specific thing that can be said; there is always something."""
    for look in (
        labels.diagnose,  # the loss, a metric, as many labels as samples
        graph.diagnose,  # what only the running graph sees: indices, labels
        declared.diagnose,  # the data against the model's inputs
        specs.diagnose,  # a layer's own input specification
        kinds.diagnose,  # layers of a kind: merging, reshaping, convolutions
    ):
        found = look(facts)
        if found is not None:
            return found
    return _general(facts)


def evidence(facts: Facts) -> tuple[str, ...]:
    """The facts themselves, a sentence each."""
    said = []
    if facts.y_true is not None and facts.y_pred is not None:
        said.append(f"labels {shown(facts.y_true)}, predictions {shown(facts.y_pred)}")
    if facts.stage == "layer" and facts.given:
        shapes = " and ".join(map(shown, facts.given[:4]))
        wants = "; ".join(filter(None, map(wanted, facts.wants)))
        known = len(facts.given) == 1 and (facts.by is not None or facts.in_fit)
        source = f" by {giver(facts)}" if known else ""
        asked = f", and it wants {wants}" if wants else ""
        said.append(f"{called(facts.part)} is given {shapes}{source}{asked}")
    model = facts.model
    if facts.stage in ("layer", "input") and model is not None and model.declared and model.given:
        wants = " and ".join(map(shown, model.declared[:4]))
        got = " and ".join(map(shown, model.given[:4]))
        said.append(f"the model `{model.part.name}` is built for {wants} and is given {got}")
    first = _first_line(facts.text)
    if first:
        said.append(f"{facts.error}: {first}")
    return tuple(said)


def _general(facts: Facts) -> Diagnosis:
    part = facts.part
    clash = _CLASH.search(facts.text)
    if clash is not None and part.name:
        sizes = [size for size in clash.groups() if size]
        return Diagnosis(
            title=f"In {called(part)} two shapes meet that do not fit: {' and '.join(sizes[:2])}.",
            remedy="Make its weights in build(self, input_shape) from input_shape[-1], so that "
            "they fit what it is given; transpose or reshape what is multiplied or added.",
        )
    if facts.stage in ("layer", "input"):
        shapes = " and ".join(map(shown, facts.given[:4])) or "an input of another shape"
        return Diagnosis(
            title=f"{first_upper(called(part))} cannot work on {shapes}.",
            remedy="Compare what it is given with what its weights and arguments were made for; "
            "a layer of your own makes its weights in build(self, input_shape) from input_shape.",
        )
    where = f" in {called(part)}" if part.name else ""
    return Diagnosis(
        title=f"Shapes do not fit together{where}.",
        remedy="Compare the shapes named below with model.summary().",
    )


def _first_line(text: str) -> str:
    for line in text.splitlines():
        line = line.strip()
        if line and not line.startswith(_NOTHING_NEW):
            return line.partition("  Label values:")[0][:240]
    return ""
