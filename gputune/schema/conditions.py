"""What a WhatIf supposes, in words: what the analysis prices and the rules ask for."""

from __future__ import annotations

from typing import Final

from gputune.schema.profile import Profile, WhatIf

INPUT_READY: Final = "the input were always ready"
COPIES_HIDDEN: Final = "the copies were hidden behind computation"
HOST_FREE: Final = "launches and Python took no time"
STEPS_AT_ONCE: Final = 32
"""Large enough that the fixed cost of a call hardly counts, small beside an epoch."""
LOSS_SELDOM: Final = (
    f"the script did not wait for its own loss at every step (steps_per_execution={STEPS_AT_ONCE})"
)
INPUT_AND_HOST_FREE: Final = "the input were always ready, and launches and Python took no time"


def priced(profile: Profile, condition: str) -> WhatIf | None:
    """The WhatIf of a condition, or None where it could not be priced."""
    return next((w for w in profile.what_if if w.condition == condition), None)
