"""The hooks of the check `labels`.

A label beyond the outputs ends a script on a CPU: that error is explained by the check `shapes`.
"""

from __future__ import annotations

from types import ModuleType

from gputune.checks.script.check import Check, Findings, NotRun
from gputune.checks.script.labels import judging
from gputune.checks.script.labels.gathering import outputs
from gputune.checks.script.probe import compiled
from gputune.checks.script.probe.beginning import keep
from gputune.checks.script.probe.passes import passes, trains_as_keras
from gputune.checks.script.training import Training


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
