"""The hooks of the check `inputs`: passes of the model, for what reaches its first layers."""

from __future__ import annotations

from gputune.checks.script.check import Check, Findings
from gputune.checks.script.inputs.judging import judge
from gputune.checks.script.probe.beginning import keep
from gputune.checks.script.probe.passes import passes
from gputune.checks.script.probe.sites import sites
from gputune.checks.script.training import Training


class Inputs(Check):
    """Inputs that nothing normalises."""

    def training_begins(self, training: Training) -> Findings:
        """Keep the weights that the training begins with: the pass is shared with other checks."""
        keep(training)
        return ()

    def finish(self, training: Training) -> Findings:
        """Judge the inputs as the first layers get them: after Rescaling and Normalization."""
        looked = passes(self.context, training)
        yield from judge(looked[0].of.first_inputs, sites(self.context, training))
