"""What is judged: the parts, the trips, and how the script saves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gputune.checks.script.saving.parts import Part
from gputune.checks.script.saving.trips import Trip
from gputune.schema.site import Site


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is judged: `used` are the formats that the script itself writes."""

    parts: Sequence[Part]
    trips: Sequence[Trip]
    used: frozenset[str]
    dtype: str = "float32"
    no_predictions: str = ""
    loose: Sequence[str] = ()
    """Variables of TensorFlow that Keras does not save: `scale of the layer 'dense'`."""
    site: Site | None = None
    """Where the model is trained."""


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(names) if len(names) < 3 else ", ".join(names[:-1]) + f" and {names[-1]}"
