"""Which line of the user's a finding on the model is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gputune.checks.script.context import Context
from gputune.checks.script.training import Training
from gputune.inject.layers import flat
from gputune.schema.site import Site


@dataclass(frozen=True)
class Sites:
    """The line that trains, and those that made layers, by the layer's name."""

    training: Site | None = None
    layers: Mapping[str, Site] = field(default_factory=dict)

    def of(self, layer: str) -> Site | None:
        """Where that layer was made, else the line that trains; `layer` may be a path of names."""
        return self.layers.get(layer.rpartition("/")[2], self.training)


def sites(context: Context, training: Training) -> Sites:
    """What is known of this training."""
    known: dict[str, Site] = {}
    for layer in flat(training.model) if training.model is not None else ():
        site = context.made.site_of(layer)
        if site is not None:
            known.setdefault(str(layer.name), site)
    return Sites(training.site, known)
