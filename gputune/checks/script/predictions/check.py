"""The hooks of the check `predictions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gputune.checks.script.check import Check, Findings, NotRun
from gputune.checks.script.kept import MOST_BYTES, Kept, weights_bytes
from gputune.checks.script.predictions.cases import ask
from gputune.checks.script.predictions.judging import findings
from gputune.checks.script.quiet import quiet
from gputune.checks.script.samples import batch_size, compute_dtype

if TYPE_CHECKING:
    from gputune.checks.script.training import Training


class Predictions(Check):
    """`predict` at its edges: one sample, a partial batch, zeros, large values."""

    def finish(self, training: Training) -> Findings:
        """Ask the model; what its layers keep of that is put back."""
        model = training.model
        if model is None:
            raise NotRun("a loop written by hand does not show its model")
        if weights_bytes(model) > MOST_BYTES:
            raise NotRun(f"the weights take more than {MOST_BYTES / 2**20:.0f} MiB")
        with quiet():
            batches = training.batches()
            if not batches or batch_size(batches[0].x) is None:
                raise NotRun("the training's batches cannot be looked at")
            with Kept(model):
                asked = ask(model, batches[0].x)
        error = asked.cases[0].error
        if error and type(model).train_step is not self.context.keras.Model.train_step:
            raise NotRun(f"the model trains by a train_step of its own and cannot predict: {error}")
        yield from findings(asked, compute_dtype(model), training.site)
        if asked.left_out:
            raise NotRun(f"the time was used up before {' and '.join(asked.left_out)}")
