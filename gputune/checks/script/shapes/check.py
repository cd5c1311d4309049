"""The hooks of the check `shapes`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from gputune.checks.script.check import Check, Findings
from gputune.checks.script.raised import Raised
from gputune.checks.script.reading import shape_of, shapes_of
from gputune.checks.script.shapes import seen
from gputune.checks.script.shapes.diagnosis import diagnose, evidence
from gputune.checks.script.shapes.facts import facts_of
from gputune.checks.script.shapes.layers import table
from gputune.checks.script.shapes.parts import ModelFacts, declared_of, input_names, part_of
from gputune.checks.script.training import Training
from gputune.schema.finding import Finding, Severity
from gputune.session import events


class Shapes(Check):
    """Shape mismatches, the table of layers, and what Keras lets through without a word."""

    def training_begins(self, training: Training) -> Findings:
        """Write the table of layers: the model is built."""
        self._write_layers(training.model)
        return ()

    def finish(self, training: Training) -> Findings:
        """Look at a batch beside what the model makes of it."""
        self._write_layers(training.model)
        yield from self._unknown(training)
        for batch in training.batches()[:1]:
            yield from self._signature(training, batch.x)
            yield from self._broadcast(training, batch.x, batch.y)
            yield from self._indices(training, batch.x)

    def failed(self, raised: Raised) -> Findings:
        """Explain an error about shapes, in place of its traceback."""
        facts = facts_of(raised)
        if facts is None:
            return
        found = diagnose(facts)
        said = evidence(facts)
        made = self.context.made.site_of(facts.layer) if facts.layer is not None else None
        if made is not None and facts.part.name:
            said += (f"`{facts.part.name}` is made at {made.label()}",)
        yield Finding(
            id=found.id,
            severity=Severity.PROBLEM,
            title=found.title,
            evidence=said,
            remedy=found.remedy,
            site=raised.site,
        )

    def _write_layers(self, model: Any) -> None:
        if model is None:
            return
        rows = table(model)
        if any(row.output_shapes or row.parameters for row in rows):
            self.context.watch.log.write(
                events.LAYERS, model=str(model.name), rows=[asdict(row) for row in rows]
            )

    def _unknown(self, training: Training) -> Findings:
        """Elements without a shape, and shapes that change under XLA."""
        spec = getattr(training.iterator, "element_spec", None)
        parts = self.context.tf.nest.flatten(spec) if spec is not None else ()
        batches = [shapes_of((batch.x, batch.y)) for batch in training.batches()]
        first, second = batches if len(batches) == 2 else ((), ())
        yield from seen.unknown(
            tuple(shape_of(part) for part in parts if hasattr(part, "shape")), first, second,
            compiled=bool(getattr(training.model, "jit_compile", False)), site=training.site,
        )  # fmt: skip

    def _signature(self, training: Training, x: Any) -> Findings:
        """The model's inputs beside the data's elements, where their order is beyond doubt."""
        model = training.model
        declared = declared_of(model) if model is not None else ()
        names = input_names(model)
        if isinstance(x, dict):
            if set(x) != set(names):
                return
            x = [x[name] for name in names]
        given = shapes_of(x)
        if len(given) == len(declared):
            facts = ModelFacts(part_of(model), declared, given, names)
            yield from seen.undeclared(facts, training.site)

    def _broadcast(self, training: Training, x: Any, y: Any) -> Findings:
        """Labels that a loss silently stretches to the predictions' shape, or the other way."""
        model, y_true = training.model, shape_of(y)
        loss = getattr(model, "loss", None)
        name = str(getattr(loss, "name", None) or getattr(loss, "__name__", None) or loss)
        if y_true is None or name not in seen.ELEMENTWISE:
            return
        predicted = shapes_of(model(x, training=False))
        if len(predicted) != 1:
            return
        layers = getattr(model, "layers", None) or ()
        head = part_of(layers[-1]) if layers else None
        yield from seen.broadcast(name, y_true, predicted[0], head, training.site)

    def _indices(self, training: Training, x: Any) -> Findings:
        """Fractions that an Embedding cuts off without a word."""
        for layer in getattr(training.model, "layers", None) or ():
            if type(layer).__name__ == "InputLayer":
                continue
            if type(layer).__name__ != "Embedding":
                return
            dtype = str(getattr(getattr(x, "dtype", ""), "name", getattr(x, "dtype", "")))
            if dtype.startswith(("float", "bfloat")):
                fractions = int((self.context.tf.math.floor(x) != x).numpy().sum())
                yield from seen.fractions(
                    part_of(layer), fractions, self.context.made.site_of(layer)
                )
            return
