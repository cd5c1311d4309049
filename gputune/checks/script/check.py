"""What a check is: a class whose hooks are called as the script goes on, and yield findings."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING

from gputune.schema.finding import Finding

if TYPE_CHECKING:
    from gputune.checks.script.context import Context
    from gputune.checks.script.raised import Raised
    from gputune.checks.script.training import Step, Training

Findings = Iterable[Finding]


class NotRun(Exception):
    """Raised by a check that cannot say anything here: `reason` is shown, and it is asked no more.

    For what this script or machine does not have ("there is no GPU"). A check that has looked and
    found nothing wrong just returns.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Check:
    """One check of one script. Every hook may yield findings; none of them has to.

    The hooks come in this order: `keras_imported`, `fit_called`, `training_begins`, then
    `step_ends` and `epoch_ends` as often as it happens, then `finish` once. `failed` comes instead
    of what is left where the script ends with an error.

    What a hook raises ends this check alone: it is reported as not run, with its reason. A hook
    must not change what the training computes. In `finish` the training is over and the process
    ends right after: the model may be run, but its weights stay as they are, or are put back, for
    the checks that come after.
    """

    explains = True
    """Whether what `failed` finds stands for the error's traceback, which is then not printed."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def keras_imported(self, keras: ModuleType, tf: ModuleType) -> Findings:
        """Keras (on TensorFlow) is whole: the place to patch it, see `inject.patching`."""
        return ()

    def fit_called(self, training: Training) -> Findings:
        """The script calls `fit`; nothing of it has run. The model may not be built yet."""
        return ()

    def training_begins(self, training: Training) -> Findings:
        """The model is built, the callbacks are made; none was called, and no step was made.

        For a loop written by hand: its first step is over.
        """
        return ()

    def step_ends(self, training: Training, step: Step) -> Findings:
        """A training step and its callbacks are over."""
        return ()

    def epoch_ends(self, training: Training, epoch: int, logs: dict[str, float]) -> Findings:
        """An epoch of `fit`, its validation and its callbacks are over; `epoch` counts from 0."""
        return ()

    def finish(self, training: Training) -> Findings:
        """Enough was trained, and the script ends after this: `training.batches()` may be used."""
        return ()

    def failed(self, raised: Raised) -> Findings:
        """The script ends with an error that it does not catch itself.

        A finding explains it: neither the traceback nor the check `runs` is shown then.
        """
        return ()
