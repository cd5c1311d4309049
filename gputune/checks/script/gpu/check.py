"""The hooks of the check `gpu`."""

from __future__ import annotations

from typing import Any

from gputune.checks.script.check import Check, Findings, NotRun
from gputune.checks.script.context import Context
from gputune.checks.script.gpu import gathering, private
from gputune.checks.script.gpu.judging import Seen, judge
from gputune.checks.script.gpu.placements import placed
from gputune.checks.script.training import Step, Training


class Gpu(Check):
    """A GPU that is not seen, operations beside it, a batch too small for it."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._collecting = False
        self._nodes: list[Any] | None = None

    def training_begins(self, training: Training) -> Findings:
        """Without a GPU say what there is to say; else have the step's placement kept."""
        if not self.context.tf.config.list_logical_devices("GPU"):
            yield from judge(
                Seen(files=gathering.device_files(), hidden_by=gathering.hidden_by()),
                training.site,
            )
            raise NotRun("TensorFlow sees no GPU on this machine; gputune doctor says why")
        if training.model is not None:
            self._collecting = private.collect_graphs(True)

    def step_ends(self, training: Training, step: Step) -> Findings:
        """The step was placed at its first call."""
        if self._collecting:
            self._nodes = private.collected_nodes()
            private.collect_graphs(False)
            self._collecting = False
        return ()

    def finish(self, training: Training) -> Findings:
        """Judge the placement and the batch."""
        found = placed(self._nodes or [], gathering.sites(training))
        operations = {one.operation for one in found}
        yield from judge(
            Seen(
                visible=len(self.context.tf.config.list_logical_devices("GPU")),
                placed=found,
                with_kernels=private.with_kernels(operations, "GPU") or frozenset(),
                batch_size=gathering.batch_size(training.batches()),
            ),
            training.site,
        )
        if self._nodes is None:
            raise NotRun("TensorFlow does not tell where it has placed the training step")
