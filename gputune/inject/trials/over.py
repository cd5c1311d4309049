"""How a trial's `fit` is ended while the process stays."""

from __future__ import annotations


class TrialOver(BaseException):
    """Leaves the `fit` that is running, from its train function up to gputune's hook around it.

    No `Exception`, so that nobody in between takes it for an error of the training; between the
    two stands Keras alone, since pipelines that run Python code are not served.
    """
