"""The hooks of the check `labels`."""

from __future__ import annotations

import re
from types import ModuleType

from gputune.checks.script.check import Check, Findings, NotRun
from gputune.checks.script.labels import judging
from gputune.checks.script.labels.gathering import outputs
from gputune.checks.script.probe import compiled
from gputune.checks.script.probe.beginning import keep
from gputune.checks.script.probe.passes import passes, trains_as_keras
from gputune.checks.script.raised import Raised
from gputune.checks.script.training import Training

_OUT_OF_RANGE = re.compile(
    r"label value of (-?\d+) which is outside the valid range of \[0, (\d+)\)"
)
"""What TensorFlow's CPU kernel says; the GPU's gives NaN."""


class Labels(Check):
    """Labels, outputs and losses that do not fit together."""

    def keras_imported(self, keras: ModuleType, tf: ModuleType) -> Findings:
        """Note where models are compiled."""
        compiled.watch(keras, self.context.watch)
        return ()

    def training_begins(self, training: Training) -> Findings:
        """Keep the weights that the training begins with: the pass is shared with other checks."""
        keep(training)
        return ()

    def finish(self, training: Training) -> Findings:
        """Judge each output with its loss and its labels."""
        looked = passes(self.context, training)
        if not trains_as_keras(self.context, training.model):
            raise NotRun("the model has a train_step of its own: what its loss is given is unknown")
        site = compiled.site(self.context.keras, training.model) or training.site
        for output, _ in outputs(self.context, training, looked):
            yield from judging.judge(output, site)

    def failed(self, raised: Raised) -> Findings:
        """A label that the model has no output for, as TensorFlow says it."""
        found = _OUT_OF_RANGE.search(raised.text)
        if found is not None:
            yield judging.out_of_range(
                int(found[1]), int(found[2]), (f"{raised.kind} in the training",), raised.site
            )
