"""The hooks of the check `saving`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gputune.checks.script.check import Check, Findings, NotRun
from gputune.checks.script.kept import MOST_BYTES, Kept, same_seeds, weights_bytes
from gputune.checks.script.own_files import own_sources
from gputune.checks.script.quiet import quiet
from gputune.checks.script.samples import compute_dtype, first_samples
from gputune.checks.script.saving import ways
from gputune.checks.script.saving.judging import findings, not_compared
from gputune.checks.script.saving.parts import custom_objects, loose_variables, parts
from gputune.checks.script.saving.seen import Seen
from gputune.checks.script.saving.trips import Trips

if TYPE_CHECKING:
    from gputune.checks.script.training import Training

_SAMPLES = 8
_COPIES = 12
"""Free disk that is asked for, in sizes of the weights: four formats, with Adam's two moments."""


class Saving(Check):
    """Round trips of the trained model through every format."""

    def finish(self, training: Training) -> Findings:
        """Write, read back and compare; the weights are as they were afterwards."""
        model = training.model
        if model is None:
            raise NotRun("a loop written by hand does not show its model")
        _prove_small(model, self.context.scratch)
        keras, tf, folder = self.context.keras, self.context.tf, self.context.scratch
        loose = loose_variables(tf, model)
        with quiet(), same_seeds(), Kept(model, [variable for _, variable in loose]) as kept:
            found = parts(keras, model)
            trips = Trips(
                keras, tf, model, kept=kept, folder=folder,
                inputs=first_samples(training, _SAMPLES), helps=custom_objects(found),
                dtype=compute_dtype(model),
            )  # fmt: skip
            made = tuple(trips.all())
        shutil.rmtree(folder, ignore_errors=True)
        seen = Seen(
            parts=found, trips=made, used=_used(training), dtype=compute_dtype(model),
            no_predictions=trips.no_predictions, loose=[name for name, _ in loose],
            site=training.site,
        )  # fmt: skip
        yield from findings(seen)
        if reason := not_compared(seen):
            raise NotRun(reason)


def _prove_small(model: Any, folder: Path) -> None:
    if not model.built:
        raise NotRun("the model is not built")
    size = weights_bytes(model)
    if size > MOST_BYTES:
        raise NotRun(
            f"the weights take {size / 2**20:.0f} MiB, and the round trips are made up to "
            f"{MOST_BYTES / 2**20:.0f}"
        )
    if shutil.disk_usage(folder).free < _COPIES * size:
        raise NotRun("the temporary folder has too little room for copies of the model")


def _used(training: Training) -> frozenset[str]:
    """The formats that the script writes, by its callbacks and by its source files."""
    found = ways.of_callbacks(training.callbacks)
    for text in own_sources(training):
        found |= ways.of_source(text)
    return found
