"""The hooks of the check `surroundings`."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

from gputune.checks.script.check import Check, Findings
from gputune.checks.script.context import Context
from gputune.checks.script.kept import variable_bytes
from gputune.checks.script.surroundings.judging import (
    LOG_LEVEL,
    Weight,
    hidden_errors,
    placement,
)
from gputune.checks.script.training import Training


class Surroundings(Check):
    """Devices and logs."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        # Before the script's first line: what the script itself sets is the source's matter.
        self._level = os.environ.get(LOG_LEVEL)

    def keras_imported(self, keras: ModuleType, tf: ModuleType) -> Findings:
        """Early, so that it is said where the script ends without a word."""
        yield from hidden_errors(self._level)

    def finish(self, training: Training) -> Findings:
        """Where the weights are by now."""
        if training.model is None:
            return
        devices = [_short(one.name) for one in self.context.tf.config.list_logical_devices()]
        weights = [_weight(variable) for variable in training.model.variables]
        yield from placement(devices, weights, training.site)


def _weight(variable: Any) -> Weight:
    return Weight(
        name=str(getattr(variable, "path", variable.name)),
        size_bytes=variable_bytes(variable),
        device=_short(getattr(getattr(variable, "value", None), "device", "")),
    )


def _short(device: str) -> str:
    """`GPU:0` of `/job:localhost/replica:0/task:0/device:GPU:0`."""
    return device.rsplit("device:", 1)[-1] or "no device"
